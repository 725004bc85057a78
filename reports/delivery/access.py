"""Who may read a report: its owner, and a group if the user named one. The umask does not count."""

from __future__ import annotations

import contextlib
import grp
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class GroupError(Exception):
    """The group cannot be given the report; the text says why."""


@dataclass(frozen=True)
class Access:
    """The modes of a report's folders and files, and their group."""

    folder_mode: int
    file_mode: int
    group: int | None = None  # its number; None: the user's own

    def give_folder(self, folder: Path) -> None:
        """Set the mode and the group of a folder. Raises OSError, also for a link."""
        with opened_folder(folder) as descriptor:
            self._give(descriptor, self.folder_mode)

    def give_file(self, file: Path | int) -> None:
        """Set the mode and the group of a file, by its path or its open descriptor. Raises OSError, also for a link."""
        if isinstance(file, int):
            self._give(file, self.file_mode)
            return
        with _opened(file, os.O_NONBLOCK) as descriptor:
            self._give(descriptor, self.file_mode)

    def make_folders(self, folder: Path) -> None:
        """Make the folder and its parents where they are missing. Raises OSError."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            with contextlib.suppress(FileExistsError):  # made by another run, which gives it
                path.mkdir(mode=0o700)
                self.give_folder(path)

    def _give(self, descriptor: int, mode: int) -> None:
        for name in _ACLS:
            with contextlib.suppress(OSError):  # it has none, or the file system knows none
                os.removexattr(descriptor, name)
        if self.group is not None:
            os.fchown(descriptor, -1, self.group)
        os.fchmod(descriptor, mode)


# Lists of further users, which a new file has from its folder.
_ACLS = ("system.posix_acl_access", "system.posix_acl_default") if hasattr(os, "removexattr") else ()


def opened_folder(folder: Path, follow: bool = False) -> contextlib.AbstractContextManager[int]:
    """Open a folder. Whoever may write to the folder above could put a link in its place: only `follow` follows one.

    Raises OSError.
    """
    return _opened(folder, os.O_DIRECTORY, follow)


@contextlib.contextmanager
def _opened(path: Path, flags: int, follow: bool = False) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags | (0 if follow else os.O_NOFOLLOW))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


OWNER_ONLY = Access(0o700, 0o600)


def access_for(group: str | None) -> Access:
    """Return the access of this group beside the owner. Raises GroupError."""
    if group is None:
        return OWNER_ONLY
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError:
        raise GroupError("this machine has no such group") from None
    if os.geteuid() != 0 and number not in (os.getegid(), *os.getgroups()):
        raise GroupError("you are not in this group, so you cannot give it a file")
    return Access(0o750, 0o640, number)
