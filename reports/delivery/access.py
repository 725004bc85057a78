"""Who may read a report: its owner, and a group if the user named one. The umask does not count."""

from __future__ import annotations

import grp
import os
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
        """Set the mode and the group of a folder. Raises OSError."""
        self._give(folder, self.folder_mode)

    def give_file(self, file: Path | int) -> None:
        """Set the mode and the group of a file, by its path or its open descriptor. Raises OSError."""
        self._give(file, self.file_mode)

    def make_folders(self, folder: Path) -> None:
        """Make the folder and its parents where they are missing. Raises OSError."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
            self.give_folder(path)

    def _give(self, path: Path | int, mode: int) -> None:
        if self.group is not None:
            os.chown(path, -1, self.group)
        os.chmod(path, mode)  # noqa: PTH101  # also of a descriptor


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
