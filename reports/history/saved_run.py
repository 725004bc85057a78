"""A run as its verdict.json tells it: this one or an earlier one, in the same words, so that they can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from service_down.fixtures.evidence.observation import parse_time
from service_down.reports.verdict import SCHEMA, Outcome, State, VerdictWord

MOST_RUNS = 200  # of a report directory; older ones are no part of an incident
NAME, UPDATE = "verdict.json", "incident-update.md"


class SavedRunError(Exception):
    """A verdict.json that cannot be used; the text names the file and says why."""


@dataclass(frozen=True)
class SavedRunInfo:
    """What the run was."""

    id: str
    started: str
    stack: str
    project: str
    incident: str | None = None
    scope: str | None = None
    replayed: bool = False
    interrupted: bool = False
    actions: tuple[str, ...] = ()


@dataclass(frozen=True)
class SavedFinding:
    """A cause or a warning."""

    service: str
    code: str
    summary: str
    severity: str = "warning"
    next: tuple[str, ...] = ()
    caution: str | None = None
    shares: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called from run to run."""
        return f"{self.service}: {self.code}"

    def each(self) -> tuple[SavedFinding, ...]:
        """The same told of each service, where several share it: from run to run they may come to it and leave it."""
        return tuple(replace(self, service=name, shares=()) for name in self.shares) or (self,)


@dataclass(frozen=True)
class SavedService:
    """How a service was."""

    name: str
    critical: bool
    state: State


@dataclass(frozen=True)
class SavedCheck:
    """What a check said."""

    id: str
    outcome: Outcome
    service: str
    message: str = ""


@dataclass(frozen=True)
class SavedEscalation:
    """Why to escalate."""

    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class SavedEvent:
    """An entry of the run's timeline."""

    at: str
    service: str
    what: str


@dataclass(frozen=True)
class SavedRun:
    """One run's verdict.json, as far as other runs need it."""

    schema: int
    mode: str
    run: SavedRunInfo
    verdict: VerdictWord
    summary: str
    causes: tuple[SavedFinding, ...]
    warnings: tuple[SavedFinding, ...]
    services: tuple[SavedService, ...]
    checks: tuple[SavedCheck, ...]
    escalate: SavedEscalation = SavedEscalation()
    timeline: tuple[SavedEvent, ...] = ()
    folder: Path | None = None

    @property
    def at(self) -> datetime:
        """When the run began."""
        begun = parse_time(self.run.started)
        return begun.astimezone(UTC) if begun else datetime.min.replace(tzinfo=UTC)

    @property
    def stack(self) -> tuple[str, str]:
        """What was looked at."""
        return self.run.stack, self.run.project


def saved_run_from_json(table: Any) -> SavedRun:
    """The account that a decoded verdict.json holds. Raises AccountError with what is wrong."""
    schema = table.get("schema") if isinstance(table, Mapping) else None
    if not isinstance(schema, int):
        raise SavedRunError("is no verdict of this suite (it has no schema)")
    if schema > SCHEMA:
        raise SavedRunError(f"has schema {schema}, this suite knows {SCHEMA}; use a newer suite")
    try:
        account = msgspec.convert(table, SavedRun)
    except msgspec.ValidationError as error:
        raise SavedRunError(f"does not hold what it must: {error}; was it edited by hand?") from None
    if parse_time(account.run.started) is None:
        raise SavedRunError(f"does not hold what it must: run.started is {account.run.started!r}, no time")
    return account


def load_saved_run(path: Path) -> SavedRun:
    """The account of a run's folder, or of its verdict.json.

    Raises AccountError for a file that is missing, cut off, edited by hand or of a newer version.
    """
    try:
        file = path / NAME if path.is_dir() else path
        if file.exists() and not file.is_file():
            raise SavedRunError("is no regular file")
        account = saved_run_from_json(msgspec.json.decode(file.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:  # msgspec.DecodeError is a ValueError
        raise SavedRunError(f"{path}: {_why(error)}") from None
    except SavedRunError as error:
        raise SavedRunError(f"{file}: {error}") from None
    return replace(account, folder=file.parent)


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    if isinstance(error, msgspec.DecodeError):
        return f"is not whole JSON ({error}); was it cut off?"
    return f"cannot be read: {error or type(error).__name__}"


@dataclass(frozen=True)
class EarlierRuns:
    """The runs in a report directory, oldest first, and a sentence for each that could not be read."""

    accounts: tuple[SavedRun, ...] = ()
    left_out: tuple[str, ...] = ()

    def of_incident(self, now: SavedRun) -> tuple[SavedRun, ...]:
        """The other runs of this run's incident; of a run and its replays only one, the run where it is there."""
        if not now.run.incident:
            return ()
        mine = [one for one in self.accounts if one.run.incident == now.run.incident and one.run.id != now.run.id]
        by_id = {one.run.id: one for one in sorted(mine, key=lambda one: not one.run.replayed)}
        return tuple(sorted(by_id.values(), key=lambda one: one.at))

    def previous(self, now: SavedRun) -> SavedRun | None:
        """The newest run before this one of the same stack; one of the same incident where there is one."""
        before = [one for one in self.accounts if one.stack == now.stack and one.at < now.at]
        before = [one for one in before if one.run.id != now.run.id]
        same = [one for one in before if now.run.incident and one.run.incident == now.run.incident]
        return max(same or before, key=lambda one: one.at, default=None)


def read_earlier_runs(base: Path) -> EarlierRuns:
    """The newest runs of a report directory, found by verdict.json; an unreadable one is named and left out."""
    accounts, left_out = [], []
    try:
        folders = sorted(one for one in base.iterdir() if not one.is_symlink() and (one / NAME).exists())
    except OSError as error:
        return EarlierRuns((), (f"{base}: cannot be read: {error.strerror}",) if base.exists() else ())
    for folder in folders[-MOST_RUNS:]:  # their names begin with the time
        try:
            accounts.append(load_saved_run(folder / NAME))
        except SavedRunError as error:
            left_out.append(str(error))
    return EarlierRuns(tuple(sorted(accounts, key=lambda one: one.at)), tuple(left_out))
