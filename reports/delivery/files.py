"""The report's files: written completely or not at all, and never in the way of the verdict.

They are made in memory, and copied from there to the report directory in a thread with a deadline: on a frozen disk
every call may block for ever, and pytest-html's and junitxml's own writes cannot be bounded. Such a thread keeps its
process from ending; the command leaves that process behind (fixtures/run/supervisor.py).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service_down.fixtures.run.places import (
    DISK_SECONDS,
    MEMORY,
    first_that_takes,
    own_folder,
    temporary_places,
    within_deadline,
)
from service_down.fixtures.run.run_process import go_on, keep_folder, made_folder
from service_down.fixtures.text import harmless_json
from service_down.reports.delivery.access import OWNER_ONLY, Access, opened_folder

PAGE, VERDICT, JUNIT = "report.html", "verdict.json", "junit.xml"
UPDATE, TIMELINE = "incident-update.md", "timeline.md"
LATEST = "latest"  # the link to the newest report
STAGED_BYTES = 8 * 2**20  # room for a report
MAX_FOLDERS_PER_SECOND = 99
DEVICE_FOLDERS = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))


@dataclass(frozen=True)
class ReportFolder:
    """The folder of a run's report; `note` says why it is not in the report directory."""

    path: Path
    note: str = ""


def make_staging_folder(base: Path) -> Path | None:
    """Return a new folder in memory, else where there is room, at last in the report directory; None without any."""
    place = first_that_takes((MEMORY, *temporary_places(), base), STAGED_BYTES)
    try:
        return own_folder(place) if place else None
    except OSError:
        return None


def deliver(staged: Path, base: Path, name: str, access: Access) -> ReportFolder:
    """Copy the staged files to a new folder `name` in `base`.

    When `base` cannot be written (a full disk may be the incident), they go to a temporary folder, and a note says
    where. They stay in `staged` when no disk takes them, or a disk takes too long.
    """
    try:
        return ReportFolder(within_deadline(lambda: _copy_to_new_folder(staged, base, name, access)))
    except TimeoutError:
        note = f"{base} did not take the report within {DISK_SECONDS:g} s; it is in {staged}"
        return _stay(staged, access, note)
    except OSError as error:
        note = f"{base} cannot be written ({error.strerror})"
    for place in temporary_places():
        go_on()
        if first_that_takes([place], _size(staged)):
            try:
                folder = within_deadline(lambda place=place: _copy_to_temporary(staged, place, name, access))  # type: ignore[misc]  # a lambda's defaults have no types
            except OSError:
                continue
            return ReportFolder(folder, f"{note}; the report is in {folder}")
    return _stay(staged, access, f"{note}; the report is in {staged}")


def _stay(staged: Path, access: Access, note: str) -> ReportFolder:
    """Let the staged report be read where it is. Other plugins wrote some of its files."""
    keep_folder(str(staged))
    for path in staged.iterdir():
        access.give_file(path)
    access.give_folder(staged)
    return ReportFolder(staged, note)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _copy_to_temporary(staged: Path, place: Path, name: str, access: Access) -> Path:
    parent = own_folder(place)
    access.give_folder(parent)
    folder = _copy_to_new_folder(staged, parent, name, access)
    keep_folder(str(parent))
    return folder


def _copy_to_new_folder(staged: Path, base: Path, name: str, access: Access) -> Path:
    """Copy the files beside the new folder, which appears when it is whole."""
    access.make_folders(base)
    beside = base / f".{name}-{secrets.token_hex(4)}.part"
    made_folder(str(beside))
    try:
        beside.mkdir(mode=access.folder_mode)
        access.give_folder(beside)
        for path in staged.iterdir():
            _write(beside / path.name, path.read_bytes(), access)
        return _move_to_free_name(beside, base, name)
    except OSError:  # on a full disk a folder can be made, a file cannot
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _move_to_free_name(beside: Path, base: Path, name: str) -> Path:
    for number in range(1, MAX_FOLDERS_PER_SECOND + 1):
        path = base / (name if number == 1 else f"{name}-{number}")
        try:
            beside.rename(path)  # fails where there is a folder with files
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
        else:
            return path
    raise OSError(None, "a hundred runs in one second")


def write_copy(source: Path, target: Path, access: Access) -> None:
    """Copy a file to where the user wants it, also to a pipe or a device. A link is replaced, not followed.

    A pipe of another user's is replaced too. Raises OSError.
    """
    access.make_folders(target.parent)
    content = source.read_bytes()
    if target.parent in DEVICE_FOLDERS:  # such as the link /dev/stdout
        target.write_bytes(content)
    elif _is_trusted_device(os.lstat(target) if os.path.lexists(target) else None):
        _write_to_device(target, content)
    else:
        with opened_folder(target.parent, follow=True) as folder:
            _write_in(folder, target.name, content, access)


def _is_trusted_device(status: os.stat_result | None) -> bool:
    """Whether this is a pipe or a device that is the user's own or root's."""
    if status is None or not (stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode)):
        return False
    return status.st_uid in (0, os.geteuid())


def _write_to_device(target: Path, content: bytes) -> None:
    """Write to a pipe or a device. It is looked at once more when it is open: somebody could have replaced it."""
    with open(os.open(target, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "wb") as file:  # noqa: PTH123  # a descriptor
        if not _is_trusted_device(os.fstat(file.fileno())):
            raise OSError(None, "somebody replaced it")
        file.write(content)


def update_latest_link(folder: Path) -> None:
    """Point the link `latest` beside the folder to it. Raises OSError."""
    temporary = folder.parent / f".{LATEST}-{folder.name}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.replace(folder.parent / LATEST)


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write `value`, completely or not at all. Raises OSError."""
    write_text(path, harmless_json(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text`, completely or not at all. Raises OSError."""
    _write(path, text.encode(errors="backslashreplace"), OWNER_ONLY)


def _write(path: Path, content: bytes, access: Access) -> None:
    """Write a file to a folder of the user's own. Raises OSError when the folder is a link or somebody else's."""
    with opened_folder(path.parent) as folder:
        _write_in(folder, path.name, content, access, os.fstat(folder).st_uid)


def _write_in(folder: int, name: str, content: bytes, access: Access, owner: int | None = None) -> None:
    """Write a file to an open folder. With `owner`, a file of ours must get this owner there."""
    temporary = f".{name}.part"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=folder)  # in an open folder
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, OWNER_ONLY.file_mode, dir_fd=folder)
    with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor
        if owner not in (None, os.fstat(descriptor).st_uid):  # not our number: network disks may change it
            raise OSError(None, "somebody replaced the folder")
        access.give_file(descriptor)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)  # in an open folder
