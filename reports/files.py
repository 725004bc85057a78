"""The report's files: written whole or not at all, and never in the way of the verdict."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOM = 2**20  # bytes that a usual report takes


@dataclass(frozen=True)
class Folder:
    """Where one run's report goes; `note` says why it is not where it was asked for."""

    path: Path
    note: str = ""
    writable: bool = True


def make_folder(base: Path, name: str) -> Folder:
    """A new folder `name` in `base`; when that cannot be written (a full disk is an incident too), a temporary one."""
    try:
        return Folder(_new(base, name))
    except OSError as error:
        note = f"{base} cannot be written ({error.strerror})"
    try:
        where = _new(Path(tempfile.mkdtemp(prefix="service-down-")), name)
    except OSError as error:
        return Folder(base / name, f"{note}, nor can {tempfile.gettempdir()} ({error.strerror}): no report", False)
    return Folder(where, f"{note}; the report is in {where}")


def _new(base: Path, name: str) -> Path:
    base.mkdir(parents=True, exist_ok=True)
    for number in range(1, 100):
        path = base / (name if number == 1 else f"{name}-{number}")
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            _try_room(path)
            return path
    raise OSError(None, "a hundred runs in one second")


def _try_room(folder: Path) -> None:
    """Writes and removes what a report needs: a folder can be made on a full disk, a file cannot. Raises OSError."""
    trial = folder / ".room"
    try:
        with trial.open("wb") as file:
            file.write(b"\0" * ROOM)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        trial.unlink(missing_ok=True)
        folder.rmdir()
        raise
    trial.unlink()


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
    spare = path.with_name(f".{path.name}.part")
    with spare.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    spare.replace(path)
