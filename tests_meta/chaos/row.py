"""A row of the matrix: what is done to a run of a healthy stack, and what may come of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from service_down.tests_meta.chaos.process import Signal
from service_down.tests_meta.chaos.proxy import Toxic
from service_down.tests_meta.fake_engine import Odd

Need = Literal["", "root", "mounts"]
Disk = Literal["", "fuse", "loop"]
FOLDER, ROOT = "@FOLDER@", "@ROOT@"  # in the texts of a row: the run's own folder, and that of the suite
SPARE_SECONDS = 0.5  # beyond the budget
BUDGET_SECONDS, SHORT_BUDGET_SECONDS = 30.0, 4.0  # the suite's default, and one for rows that cost answers
HEALTHY, COULD_NOT_LOOK = {"healthy": 0}, {"unknown": 1}
INTERRUPTED = {"interrupted": 2, "unknown": 2}
NOT_DOWN = HEALTHY | COULD_NOT_LOOK
REFUSED = {"refused": 4}  # a usage error in one line is no verdict, and says so


@dataclass(frozen=True)
class Row:
    """One row. `allowed`: each verdict that may come, with its exit status.

    `wrapper`: words before the command, such as a shell with a limit. `plugin`: the source of a module that the run
    loads. `docker`: the source of the Compose program. `odd`: what the engine does instead of answering, by path.
    `toxics`: what a proxy does to the answers of `http`, `postgres` and `redis`. `disk`: a frozen file system at
    `FOLDER/frozen`, which covers the places in `covers`. `more_seconds` may be needed beyond the budget.
    """

    family: str
    name: str
    allowed: Mapping[str, int] = field(default_factory=lambda: dict(HEALTHY))
    wrapper: tuple[str, ...] = ()
    mode: str = "triage"
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    settings: str = ""
    plugin: str = ""
    docker: str = ""
    odd: Mapping[str, Odd] = field(default_factory=dict)
    toxics: Mapping[str, Toxic] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()
    needs: Need = ""
    disk: Disk = ""
    covers: tuple[str, ...] = ()
    more_seconds: float = 0.0
    is_quick: bool = False  # is tried in `make test`

    @property
    def id(self) -> str:
        """Family and name."""
        return f"{self.family}: {self.name}"

    @property
    def budget(self) -> float:
        """The run's budget in seconds. Where every answer comes, a busy machine must not cost one."""
        return BUDGET_SECONDS if "unknown" not in self.allowed else SHORT_BUDGET_SECONDS

    @property
    def most_seconds(self) -> float:
        """How long the whole command may take."""
        return self.budget + SPARE_SECONDS + self.more_seconds


def why_not_here(row: Row) -> str:
    """Why a row cannot be tried as this user; empty when it can, as far as is known before."""
    return "this is not root" if row.needs and os.geteuid() else ""


def shell(line: str) -> tuple[str, ...]:
    """The words that let a shell run the command, which is `"$@"` in the line."""
    return ("bash", "-c", line, "bash")


def namespace(line: str) -> tuple[str, ...]:
    """As `shell`, with mounts of its own."""
    return ("unshare", "-m", *shell(line))
