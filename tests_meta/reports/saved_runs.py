"""Verdict files made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service_down.fixtures.catalog.finding import Severity
from service_down.reports.history.saved_run import SavedRun
from service_down.reports.verdict_file import (
    CauseEntry,
    CheckEntry,
    Counts,
    Escalation,
    EventEntry,
    RunInfo,
    ServiceEntry,
    VerdictFile,
    WarningEntry,
)


def cause(
    service: str, code: str, summary: str, severity: Severity, commands: tuple[str, ...], caution: str | None = None
) -> CauseEntry:
    """A cause that explains nothing else."""
    return CauseEntry(
        service=service,
        code=code,
        severity=severity,
        summary=summary,
        since=None,
        runbook="4. Triage",
        evidence=(),
        next=commands,
        caution=caution,
        blocks=(),
    )


def as_warning(cause: CauseEntry) -> WarningEntry:
    """The same finding as a warning."""
    return WarningEntry(service=cause.service, code=cause.code, summary=cause.summary)


POSTGRES = cause(
    "postgres", "container-stopped", "postgres was stopped", "critical", ("docker start postgres",), "Ask."
)
REDIS = cause("redis", "redis-loading", "redis loads its data", "error", ("docker logs redis", "docker top redis"))


def run_info(**fields: Any) -> RunInfo:
    """A run of one stack; `fields` replace others."""
    usual: dict[str, Any] = {
        "id": "run",
        "started": "2026-11-23T21:00:00.000Z",
        "seconds": 1.0,
        "replayed": False,
        "interrupted": False,
        "suite": "0",
        "host": "host",
        "stack": "shop",
        "project": "shop",
        "incident": None,
    }
    return RunInfo(**usual | fields)


def event(at: str, service: str, what: str) -> EventEntry:
    """An entry of a timeline."""
    return EventEntry(at=at, service=service, what=what)


def verdict_at(
    minute: int, verdict: Any = "healthy", *causes: CauseEntry, mode: str = "triage", **fields: Any
) -> VerdictFile:
    """The verdict of a run that began at 21:`minute` and belongs to one incident."""
    states: Mapping[str, Any] = fields.pop("states", {})
    outcomes: Mapping[str, Any] = fields.pop("checks", {"state:postgres": "passed", "state:redis": "passed"})
    summaries = {cause.service: cause.summary for cause in causes}
    run: dict[str, Any] = {"incident": "INC-1"} | fields.pop("run", {})
    reasons = fields.pop("reasons", ())
    return VerdictFile(
        schema=1,
        mode=mode,
        run=run_info(id=f"run-{minute}", started=f"2026-11-23T21:{minute:02}:00.000Z", **run),
        verdict=verdict,
        summary=f"it is {verdict}",
        causes=causes,
        warnings=fields.pop("warnings", ()),
        unknown=(),
        escalate=Escalation(needed=bool(reasons), reasons=reasons),
        services=tuple(ServiceEntry(name=name, critical=True, state=state, why="") for name, state in states.items()),
        checks=tuple(_check(name, outcome, summaries) for name, outcome in outcomes.items()),
        counts=_counts(list(outcomes.values())),
        **fields,
    )


def _check(name: str, outcome: Any, summaries: Mapping[str, str]) -> CheckEntry:
    service = name.partition(":")[2]
    message = summaries.get(service, "")
    return CheckEntry(id=name, outcome=outcome, service=service, runbook="", seconds=0.0, message=message)


def _counts(outcomes: list[str]) -> Counts:
    return Counts(
        passed=outcomes.count("passed"),
        warned=outcomes.count("warned"),
        failed=outcomes.count("failed"),
        unknown=outcomes.count("unknown"),
        skipped=outcomes.count("skipped"),
    )


def saved(verdict: VerdictFile) -> SavedRun:
    """The run in a report directory."""
    return SavedRun(verdict, Path("reports") / verdict.run.id)
