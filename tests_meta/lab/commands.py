"""Runs the lab's commands and prints its progress."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

POLL_SECONDS = 0.2
MAX_ERROR_CHARACTERS = 800


class LabError(Exception):
    """The lab cannot do what was requested; the text names the reason and a remedy."""


class NoEngineError(LabError):
    """There is no Docker engine, and the lab cannot install one here."""


class NoBrowserError(LabError):
    """There is no Chromium, and the lab cannot install one here."""


def log(text: str) -> None:
    """Print one line of progress to standard error."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print what is being done, and afterwards how long it took."""
    log(f"{text} …")
    began = time.monotonic()
    yield
    log(f"{text}: done in {time.monotonic() - began:.1f} s")


def run_command(
    command: Sequence[str],
    timeout_seconds: float,
    *,
    env: Mapping[str, str] | None = None,
    input_text: str | None = None,
) -> str:
    """Return the standard output of a command. Raises LabError when it fails or exceeds its time."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_seconds, env=env, input=input_text, check=False
        )
    except FileNotFoundError:
        raise LabError(f"{command[0]}: no such command") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"`{' '.join(command)}` did not end within {timeout_seconds:g} s") from None
    if done.returncode:
        output = (done.stderr or done.stdout).strip()[-MAX_ERROR_CHARACTERS:]
        raise LabError(f"`{' '.join(command)}` failed with {done.returncode}: {output}")
    return done.stdout


def command_succeeds(command: Sequence[str], timeout_seconds: float) -> bool:
    """Return whether a command exits with 0 in time."""
    try:
        run_command(command, timeout_seconds)
    except LabError:
        return False
    return True


def wait_until(description: str, condition: Callable[[], bool], timeout_seconds: float) -> None:
    """Wait until `condition()` is true. Raises LabError when it is not true in time."""
    end = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > end:
            raise LabError(f"{description}: not within {timeout_seconds:g} s")
        time.sleep(POLL_SECONDS)
