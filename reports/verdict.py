"""The verdict as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from service_down.fixtures.catalog.finding import Finding, Proof, Severity
from service_down.reports.diagnosis.timeline import TimelineEntry

VerdictWord = Literal["healthy", "degraded", "unknown", "down"]
CheckOutcome = Literal["passed", "warned", "failed", "unknown", "skipped"]
AlertState = Literal["true", "false", "over", "unknown"]
State = Literal["down", "blocked", "degraded", "ok", "unknown"]


@dataclass(frozen=True)
class CheckResult:
    """The result of one check."""

    id: str
    service: str
    runbook: tuple[str, ...]
    outcome: CheckOutcome
    seconds: float = 0.0
    message: str = ""
    findings: tuple[Finding, ...] = ()
    only_warns: bool = False  # its findings are only warnings: if it cannot judge, it hides nothing that is down
    own: bool = False  # it is of the user's own


@dataclass(frozen=True)
class Cause:
    """A finding that no other finding explains, and what follows from it."""

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
    shares: tuple[str, ...] = ()  # those of `blocks` that have this cause in common instead of following from it


@dataclass(frozen=True)
class ServiceState:
    """The state of one service, and why."""

    name: str
    critical: bool
    state: State
    why: str


@dataclass(frozen=True)
class AlertAssessment:
    """Whether the alert that started the run is true."""

    name: str
    service: str | None
    since: str | None
    state: AlertState
    why: str


@dataclass(frozen=True)
class Verdict:
    """The conclusion of a run: the worst of its parts, never an average."""

    word: VerdictWord
    summary: str
    causes: tuple[Cause, ...] = ()
    warnings: tuple[Finding, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()  # (check, why)
    reasons: tuple[str, ...] = ()  # reasons to escalate
    services: tuple[ServiceState, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    alert: AlertAssessment | None = None
    changes: tuple[TimelineEntry, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return the number of checks with each outcome."""
        outcomes = [check.outcome for check in self.checks]
        return {outcome: outcomes.count(outcome) for outcome in get_args(CheckOutcome)}
