"""What the lab tells the person who waits, and how it runs commands."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class LabError(Exception):
    """The lab cannot do what it was asked to; the text says why and what helps."""


class NoEngineError(LabError):
    """There is no Docker engine, and none can be had here."""


class NoBrowserError(LabError):
    """There is no Chromium, and none can be had here."""


def say(text: str) -> None:
    """One line for the person who waits."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Says what is being done, and how long it took."""
    say(f"{text} …")
    began = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - began:.1f} s")


def run(
    words: Sequence[str], seconds: float, *, env: Mapping[str, str] | None = None, input_text: str | None = None
) -> str:
    """The output of a command. Raises LabError with its last words when it fails or takes too long."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=seconds, env=env, input=input_text, check=False
        )
    except FileNotFoundError:
        raise LabError(f"{words[0]}: no such command") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"`{' '.join(words)}` did not end within {seconds:g} s") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip()[-800:]
        raise LabError(f"`{' '.join(words)}` failed with {done.returncode}: {last}")
    return done.stdout


def works(words: Sequence[str], seconds: float) -> bool:
    """Whether a command ends well and in time."""
    try:
        run(words, seconds)
    except LabError:
        return False
    return True


def wait_for(what: str, ready: object, seconds: float) -> None:
    """Waits until `ready()` is true. Raises LabError when it is not in time."""
    assert callable(ready)
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {seconds:g} s")
        time.sleep(0.2)  # between two looks at the condition
