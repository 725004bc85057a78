"""The report's files: written whole or not at all, and never in the way of the verdict.

They are made in memory, and carried from there to the report directory in a thread that is waited for only so long:
on a hung network disk every call may take for ever, and pytest-html's and junitxml's own writes cannot be bounded.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

SECONDS = 4.0  # that a disk has for each thing that is asked of it
MEMORY = Path("/dev/shm")  # a file system that no disk is behind, where there is one
T = TypeVar("T")


@dataclass(frozen=True)
class Folder:
    """Where one run's report is; `note` says why it is not where it was asked for."""

    path: Path
    note: str = ""


def within(do: Callable[[], T]) -> T:
    """What `do` gives, from a daemon thread that may hang for ever. Raises TimeoutError, and what `do` raises."""
    given: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            given.append(do())
        except BaseException as error:  # whatever it is, it is raised where it was asked for
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if raised:
        raise raised[0]
    if not given:
        raise TimeoutError(f"no answer of the disk within {SECONDS:g} s")
    return given[0]


def stage() -> Path:
    """A new folder where files can be made without waiting for a disk; a temporary one without such. Raises OSError."""
    try:
        return Path(tempfile.mkdtemp(prefix="service-down-", dir=MEMORY))
    except OSError:
        return Path(tempfile.mkdtemp(prefix="service-down-"))


def deliver(staged: Path, base: Path, name: str, first: str) -> Folder:
    """Carries what was made to a new folder `name` in `base`, the file `first` before the others.

    When that cannot be written (a full disk is an incident too) it goes to a temporary one, and stays where it is when
    no disk takes it, or takes too long.
    """
    try:
        return Folder(within(lambda: _carried(staged, base, name, first)))
    except TimeoutError:
        return Folder(staged, f"{base} did not take the report within {SECONDS:g} s; it is in {staged}")
    except OSError as error:
        note = f"{base} cannot be written ({error.strerror})"
    try:
        where = within(lambda: _carried(staged, Path(tempfile.mkdtemp(prefix="service-down-")), name, first))
    except OSError:
        where = staged
    return Folder(where, f"{note}; the report is in {where}")


def _carried(staged: Path, base: Path, name: str, first: str) -> Path:
    folder = _new(base, name)
    try:
        for path in sorted(staged.iterdir(), key=lambda one: one.name != first):
            _write(folder / path.name, path.read_bytes())
    except OSError:  # a folder can be made on a full disk, a file cannot
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _new(base: Path, name: str) -> Path:
    base.mkdir(parents=True, exist_ok=True)
    for number in range(1, 100):
        path = base / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise OSError(None, "a hundred runs in one second")


def point_latest(folder: Path) -> None:
    """Lets `latest` beside the folder point to it. Raises OSError."""
    spare = folder.parent / f".latest-{folder.name}"
    spare.unlink(missing_ok=True)
    spare.symlink_to(folder.name)
    spare.replace(folder.parent / "latest")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes `value`, whole or not at all. Raises OSError."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes `text`, whole or not at all. Raises OSError."""
    _write(path, text.encode(errors="backslashreplace"))


def _write(path: Path, content: bytes) -> None:
    spare = path.with_name(f".{path.name}.part")
    with spare.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    spare.replace(path)
