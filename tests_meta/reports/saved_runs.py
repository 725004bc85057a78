"""Runs as their verdict.json tells them, made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service_down.reports.history.saved_run import (
    SavedCheck,
    SavedEscalation,
    SavedFinding,
    SavedRun,
    SavedRunInfo,
    SavedService,
)

POSTGRES = SavedFinding(
    "postgres", "container-stopped", "postgres was stopped", "critical", ("docker start postgres",), "Ask."
)
REDIS = SavedFinding(
    "redis", "redis-loading", "redis loads its data", "error", ("docker logs redis", "docker top redis")
)


def account(
    minute: int, verdict: Any = "healthy", *causes: SavedFinding, mode: str = "triage", **more: Any
) -> SavedRun:
    """A run that began at 21:`minute` of one incident."""
    states: Mapping[str, Any] = more.pop("states", {})
    checks: Mapping[str, Any] = more.pop("checks", {"state:postgres": "passed", "state:redis": "passed"})
    told = {one.service: one.summary for one in causes}
    facts: dict[str, Any] = {"incident": "INC-1"} | more.pop("run", {})
    return SavedRun(
        schema=1,
        mode=mode,
        run=SavedRunInfo(f"run-{minute}", f"2026-11-23T21:{minute:02}:00.000Z", "shop", "shop", **facts),
        verdict=verdict,
        summary=f"it is {verdict}",
        causes=causes,
        warnings=more.pop("warnings", ()),
        services=tuple(SavedService(name, True, state) for name, state in states.items()),
        checks=tuple(
            SavedCheck(name, outcome, service := name.partition(":")[2], told.get(service, ""))
            for name, outcome in checks.items()
        ),
        escalate=SavedEscalation(more.pop("reasons", ())),
        **more,
    )
