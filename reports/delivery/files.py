"""The report's files: written completely or not at all, and never in the way of the verdict.

They are made in memory, and copied from there to the report directory in a thread with a deadline: on a hung network
disk every call may block for ever, and pytest-html's and junitxml's own writes cannot be bounded.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from service_down.fixtures.evidence.own_machine import own_trouble
from service_down.fixtures.evidence.threads import start_thread
from service_down.fixtures.text import harmless_json
from service_down.reports.delivery.access import OWNER_ONLY, Access, opened_folder

PAGE, VERDICT, JUNIT = "report.html", "verdict.json", "junit.xml"
UPDATE, TIMELINE = "incident-update.md", "timeline.md"
LATEST = "latest"  # the link to the newest report
DEADLINE_SECONDS = 4.0  # of each operation on a disk
MEMORY = Path("/dev/shm")  # a file system without a disk, on machines that have it
MAX_FOLDERS_PER_SECOND = 99
DEVICE_FOLDERS = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
T = TypeVar("T")


@dataclass(frozen=True)
class ReportFolder:
    """The folder of a run's report; `note` says why it is not in the report directory."""

    path: Path
    note: str = ""


def within_deadline(do: Callable[[], T]) -> T:
    """Return what `do` returns, from a thread that may hang for ever.

    Raises TimeoutError after DEADLINE_SECONDS, OSError when there can be no thread, and what `do` raises.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            results.append(do())
        except BaseException as error:  # raised again in the caller's thread
            errors.append(error)
        finally:
            done.set()

    try:
        start_thread(run)
    except (RuntimeError, MemoryError) as error:
        raise OSError(own_trouble(error)) from None
    done.wait(DEADLINE_SECONDS)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer of the disk within {DEADLINE_SECONDS:g} s")
    return results[0]


def make_staging_folder() -> Path:
    """Return a new folder in memory, or a temporary one where there is no such memory. Raises OSError."""
    try:
        return _temporary_folder(OWNER_ONLY, MEMORY)
    except OSError:
        return _temporary_folder(OWNER_ONLY)


def deliver(staged: Path, base: Path, name: str, access: Access) -> ReportFolder:
    """Copy the staged files to a new folder `name` in `base`, the verdict first.

    When `base` cannot be written (a full disk may be the incident), they go to a temporary folder. They stay in
    `staged` when no disk takes them, or a disk takes too long.
    """
    try:
        return ReportFolder(within_deadline(lambda: _copy_to_new_folder(staged, base, name, access)))
    except TimeoutError:
        _give_all(staged, access)
        note = f"{base} did not take the report within {DEADLINE_SECONDS:g} s; it is in {staged}"
        return ReportFolder(staged, note)
    except OSError as error:
        note = f"{base} cannot be written ({error.strerror})"
    try:
        folder = within_deadline(lambda: _copy_to_new_folder(staged, _temporary_folder(access), name, access))
    except OSError:
        folder = staged
        _give_all(staged, access)
    return ReportFolder(folder, f"{note}; the report is in {folder}")


def _temporary_folder(access: Access, parent: Path | None = None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="service-down-", dir=parent))
    access.give_folder(folder)
    return folder


def _give_all(staged: Path, access: Access) -> None:
    """Let the staged report be read, after it could not be delivered. Other plugins wrote some of its files."""
    for path in staged.iterdir():
        access.give_file(path)
    access.give_folder(staged)


def _copy_to_new_folder(staged: Path, base: Path, name: str, access: Access) -> Path:
    folder = _new_folder(base, name, access)
    try:
        for path in sorted(staged.iterdir(), key=lambda path: path.name != VERDICT):
            _write(folder / path.name, path.read_bytes(), access)
    except OSError:  # on a full disk a folder can be made, a file cannot
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _new_folder(base: Path, name: str, access: Access) -> Path:
    access.make_folders(base)
    for number in range(1, MAX_FOLDERS_PER_SECOND + 1):
        path = base / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(mode=access.folder_mode)
        except FileExistsError:
            continue
        access.give_folder(path)
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
