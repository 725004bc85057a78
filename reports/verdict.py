"""The verdict as data: what `verdict.json` holds (schema 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from service_down.fixtures.catalog.finding import Finding, Proof, Severity
from service_down.reports.diagnosis.timeline import TimelineEntry

if TYPE_CHECKING:
    from service_down.reports.history.compare import Comparison

SCHEMA = 1
VerdictWord = Literal["healthy", "degraded", "unknown", "down"]
Outcome = Literal["passed", "warned", "failed", "unknown", "skipped"]
AlertState = Literal["true", "false", "over", "unknown"]
State = Literal["down", "blocked", "degraded", "ok", "unknown"]


@dataclass(frozen=True)
class CheckResult:
    """What one check said."""

    id: str
    service: str
    runbook: tuple[str, ...]
    outcome: Outcome
    seconds: float = 0.0
    message: str = ""
    findings: tuple[Finding, ...] = ()
    only_warns: bool = False  # where it could not look, it hides nothing that is down


@dataclass(frozen=True)
class Cause:
    """The earliest thing that explains what is seen, and what follows from it."""

    service: str
    code: str
    severity: Severity
    summary: str
    since: str | None
    runbook: str
    proof: tuple[Proof, ...]
    next: tuple[str, ...]
    caution: str | None
    blocks: tuple[str, ...]
    shares: tuple[str, ...] = ()  # those of `blocks` that do not follow, but have this cause in common


@dataclass(frozen=True)
class ServiceState:
    """How one service is, and why."""

    name: str
    critical: bool
    state: State
    why: str


@dataclass(frozen=True)
class AlertAssessment:
    """What is to be thought of the alert that started it."""

    name: str
    service: str | None
    since: str | None
    looks: AlertState
    why: str


@dataclass(frozen=True)
class Verdict:
    """What the run concludes: the worst of its parts, never an average."""

    word: VerdictWord
    summary: str
    causes: tuple[Cause, ...] = ()
    warnings: tuple[Finding, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()  # (check, why)
    reasons: tuple[str, ...] = ()  # to escalate
    services: tuple[ServiceState, ...] = ()
    checks: tuple[CheckResult, ...] = field(default=())
    alert: AlertAssessment | None = None
    changes: tuple[TimelineEntry, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()

    def counts(self) -> dict[str, int]:
        """How many checks had each outcome."""
        outcomes = [one.outcome for one in self.checks]
        return {name: outcomes.count(name) for name in ("passed", "warned", "failed", "unknown", "skipped")}


def as_json(verdict: Verdict, run: Mapping[str, Any], mode: str, compared: Comparison | None = None) -> dict[str, Any]:
    """`verdict.json`, as documented in the README."""
    return {
        "schema": SCHEMA,
        "mode": mode,
        "run": dict(run),
        "verdict": verdict.word,
        "summary": verdict.summary,
        "causes": [_cause(one) for one in verdict.causes],
        "warnings": [{"service": one.service, "code": one.code, "summary": one.summary} for one in verdict.warnings],
        "unknown": [{"check": check, "why": why} for check, why in verdict.unknown],
        "escalate": {"needed": bool(verdict.reasons), "reasons": list(verdict.reasons)},
        "services": [vars(one) for one in verdict.services],
        "checks": [_check(one) for one in verdict.checks],
        "counts": verdict.counts(),
        "alert": vars(verdict.alert) if verdict.alert else None,
        "changes": [vars(one) for one in verdict.changes],
        "timeline": [vars(one) for one in verdict.timeline],
        "compared": asdict(compared) if compared else None,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "service": cause.service,
        "code": cause.code,
        "severity": cause.severity,
        "summary": cause.summary,
        "since": cause.since,
        "runbook": cause.runbook,
        "evidence": [{"what": one.what, "value": one.value, "at": one.at} for one in cause.proof],
        "next": list(cause.next),
        "caution": cause.caution,
        "blocks": list(cause.blocks),
        "shares": list(cause.shares),
    }


def _check(result: CheckResult) -> dict[str, Any]:
    return {
        "id": result.id,
        "outcome": result.outcome,
        "service": result.service,
        "runbook": ", ".join(result.runbook),
        "seconds": result.seconds,
        "message": result.message,
    }
