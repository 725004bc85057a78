"""`verdict.json` (schema 1): the types of the whole file. Each run writes them, later runs read them.

A key may be added, never renamed: a key that older files lack has a default. Unknown keys are ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from service_down.fixtures.catalog.finding import Finding, Severity
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.run.properties import NEEDS_SETTINGS
from service_down.reports.diagnosis.timeline import Kind, TimelineEntry
from service_down.reports.verdict import (
    AlertAssessment,
    AlertState,
    Cause,
    CheckOutcome,
    CheckResult,
    ServiceState,
    State,
    Verdict,
    VerdictWord,
)

SCHEMA: Final = 1
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
MODE_PATTERN = "^(triage|verify|prevent)$"


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """The run itself."""

    id: Annotated[str, Meta(description="Identifier of the run. A replay has the identifier of the recorded run.")]
    started: Annotated[str, Meta(description="When the run started: RFC 3339, UTC.")]
    seconds: Annotated[float, Meta(description="How long the run took, in seconds.")]
    replayed: Annotated[bool, Meta(description="Whether the run judged a recording instead of the live stack.")]
    interrupted: Annotated[bool, Meta(description="Whether the run ended before all of its checks.")]
    scope: Annotated[
        str | None, Meta(description="The options that limited the run to a part of the checks; null for none.")
    ] = None
    suite: Annotated[str, Meta(description="Version of the suite that observed the stack.")]
    host: Annotated[str, Meta(description="The machine that was checked.")]
    stack: Annotated[str, Meta(description="Name of the stack, from the settings.")]
    project: Annotated[str, Meta(description="Name of the Compose project.")]
    incident: Annotated[str | None, Meta(description="Number of the incident (`--incident`); null for none.")]
    actions: Annotated[
        tuple[str, ...], Meta(description="What people did before the run (`--action`), without secrets.")
    ] = ()
    derived: Annotated[
        dict[str, str],
        Meta(description="The settings that nobody wrote: the key of each, and what tells its value."),
    ] = field(default_factory=dict)

    @property
    def derived_counts(self) -> str:
        """How many settings of each table nobody wrote: `2 endpoints, 1 redis`; empty for none."""
        tables = Counter(key.partition(".")[0] for key in self.derived)
        return ", ".join(f"{count} {table}" for table, count in sorted(tables.items()))


@dataclass(frozen=True, kw_only=True)
class ProofEntry:
    """One observed value that proves a cause."""

    what: Annotated[str, Meta(description="The field that was observed.")]
    value: Annotated[str, Meta(description="The observed value, without secrets.")]
    at: Annotated[str | None, Meta(description="When the value was observed: RFC 3339; null for not known.")]


@dataclass(frozen=True, kw_only=True)
class WarningEntry:
    """A finding that does not impair its service."""

    service: Annotated[str, Meta(description="The service of the finding; `stack` for the stack as a whole.")]
    code: Annotated[str, Meta(description="Code of the finding, of those in `findings.md`.")]
    summary: Annotated[str, Meta(description="The finding in one sentence.")]
    remedy: Annotated[
        str | None,
        Meta(description="What to write into the compose file or the settings; null for nothing."),
    ] = None

    @property
    def name(self) -> str:
        """Service and code: the same in every run."""
        return f"{self.service}: {self.code}"


@dataclass(frozen=True, kw_only=True)
class CauseEntry:
    """A finding that no other finding explains."""

    service: Annotated[str, Meta(description="The service of the cause; `stack` for the stack as a whole.")]
    code: Annotated[str, Meta(description="Code of the finding, of those in `findings.md`.")]
    severity: Annotated[Severity, Meta(description="Severity of the finding.")]
    summary: Annotated[str, Meta(description="The finding in one sentence.")]
    since: Annotated[str | None, Meta(description="When the cause began: RFC 3339; null for not known.")]
    runbook: Annotated[str, Meta(description="The runbook's section on this cause.")]
    evidence: Annotated[tuple[ProofEntry, ...], Meta(description="The observed values that prove the cause.")]
    next: Annotated[
        tuple[str, ...], Meta(description="Commands of the runbook, ready to paste. The suite never runs them.")
    ]
    caution: Annotated[str | None, Meta(description="What to consider before running the commands; null for nothing.")]
    blocks: Annotated[tuple[str, ...], Meta(description="The services whose failures the cause explains.")]
    shares: Annotated[
        tuple[str, ...],
        Meta(description="Those of `blocks` that have the cause in common instead of following from it."),
    ] = ()

    @property
    def name(self) -> str:
        """Service and code: the same in every run."""
        return f"{self.service}: {self.code}"

    def per_service(self) -> tuple[CauseEntry, ...]:
        """Return one cause for each service that shares this one: between runs, services may join or leave it."""
        return tuple(replace(self, service=name, shares=()) for name in self.shares) or (self,)


@dataclass(frozen=True, kw_only=True)
class UnknownEntry:
    """A check that could not judge."""

    check: Annotated[str, Meta(description="Identifier of the check and its target.")]
    why: Annotated[str, Meta(description="Why it could not judge, in one sentence.")]


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """Whether the runbook says to escalate."""

    needed: Annotated[bool, Meta(description="Whether there is a reason to escalate.")]
    reasons: Annotated[
        tuple[str, ...],
        Meta(
            description="The runbook's reasons that apply.",
            examples=[["down-over-30-min", "data-corruption-suspected", "multiple-critical-services"]],
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class ServiceEntry:
    """The state of one service."""

    name: Annotated[str, Meta(description="Name of the Compose service.")]
    critical: Annotated[bool, Meta(description="Whether the stack is down without the service.")]
    state: Annotated[State, Meta(description="State of the service. `blocked`: it only follows from another failure.")]
    why: Annotated[str, Meta(description="Why the service is in this state; empty when it is ok.")]


@dataclass(frozen=True, kw_only=True)
class CheckEntry:
    """The result of one check."""

    id: Annotated[str, Meta(description="Identifier of the check and its target.")]
    outcome: Annotated[CheckOutcome, Meta(description="Outcome of the check. `unknown`: it could not judge.")]
    service: Annotated[str, Meta(description="The service that was checked; `stack` for the stack as a whole.")]
    runbook: Annotated[str, Meta(description="The runbook's sections that the check automates.")]
    seconds: Annotated[float, Meta(description="How long the check's slowest probe took, in seconds.")]
    message: Annotated[str, Meta(description="What the check found, or why it could not judge.")]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The number of checks with each outcome."""

    passed: Annotated[int, Meta(description="Checks that found nothing wrong.")]
    warned: Annotated[int, Meta(description="Checks that found only warnings.")]
    failed: Annotated[int, Meta(description="Checks that found a failure.")]
    unknown: Annotated[int, Meta(description="Checks that could not judge.")]
    skipped: Annotated[int, Meta(description="Checks that did not apply.")]


@dataclass(frozen=True, kw_only=True)
class AlertEntry:
    """The alert that started the run (`--alert`), compared with what the run found."""

    name: Annotated[str, Meta(description="Name of the alert.")]
    service: Annotated[str | None, Meta(description="The service that the alert names; null for no known one.")]
    since: Annotated[str | None, Meta(description="When the alert began: RFC 3339; null for not known.")]
    looks: Annotated[AlertState, Meta(description="Whether the alert is true. `over`: it no longer is.")]
    why: Annotated[str, Meta(description="Why, in one sentence.")]


@dataclass(frozen=True, kw_only=True)
class EventEntry:
    """One event of the timeline."""

    at: Annotated[str, Meta(description="When it happened: RFC 3339.")]
    service: Annotated[str, Meta(description="The service that it happened to.")]
    what: Annotated[str, Meta(description="What happened.")]
    kind: Annotated[Kind, Meta(description="The kind of event.")] = "other"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What has changed since an earlier run (`--compare`), in sentences."""

    id: Annotated[str, Meta(description="Identifier of the earlier run.")]
    started: Annotated[str, Meta(description="When the earlier run started: RFC 3339, UTC.")]
    mode: Annotated[str, Meta(description="Mode of the earlier run.")]
    verdict: Annotated[str, Meta(description="Verdict of the earlier run.")]
    new: Annotated[tuple[str, ...], Meta(description="Findings that the earlier run did not have.")] = ()
    gone: Annotated[
        tuple[str, ...], Meta(description="Findings of the earlier run that were checked and are gone.")
    ] = ()
    worse: Annotated[tuple[str, ...], Meta(description="Services and checks that are in a worse state.")] = ()
    better: Annotated[tuple[str, ...], Meta(description="Services and findings that are in a better state.")] = ()
    unseen: Annotated[tuple[str, ...], Meta(description="What the earlier run knew and this run could not check.")] = ()

    def parts(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each kind of change with its sentences; nothing when nothing has changed."""
        kinds = {"new": self.new, "gone": self.gone, "worse": self.worse, "better": self.better}
        kinds["not seen now"] = self.unseen
        yield from ((kind, texts) for kind, texts in kinds.items() if texts)


@dataclass(frozen=True, kw_only=True)
class VerdictFile:
    """The verdict of one run of the suite on one Compose stack."""

    schema: Annotated[Literal[1], Meta(description="Version of this format.")]
    mode: Annotated[
        str, Meta(description="What the run was for: `triage`, `verify` or `prevent`.", pattern=MODE_PATTERN)
    ]
    run: Annotated[RunInfo, Meta(description="The run itself.")]
    verdict: Annotated[VerdictWord, Meta(description="The worst of the stack's parts, never an average.")]
    summary: Annotated[str, Meta(description="The verdict in one sentence.")]
    causes: Annotated[tuple[CauseEntry, ...], Meta(description="The causes, the most severe first.")]
    warnings: Annotated[tuple[WarningEntry, ...], Meta(description="The findings that impair no service.")]
    unknown: Annotated[tuple[UnknownEntry, ...], Meta(description="The checks that could not judge.")]
    escalate: Annotated[Escalation, Meta(description="Whether to escalate.")]
    services: Annotated[tuple[ServiceEntry, ...], Meta(description="The state of each service, by name.")]
    checks: Annotated[tuple[CheckEntry, ...], Meta(description="The result of each check, by identifier.")]
    counts: Annotated[Counts, Meta(description="The number of checks with each outcome.")]
    alert: Annotated[AlertEntry | None, Meta(description="The alert that started the run; null for none.")] = None
    changes: Annotated[
        tuple[EventEntry, ...], Meta(description="What changed just before the first cause. A fact, not a cause.")
    ] = ()
    timeline: Annotated[tuple[EventEntry, ...], Meta(description="What happened to the stack, oldest first.")] = ()
    compared: Annotated[
        Comparison | None, Meta(description="What has changed since an earlier run; null for no comparison.")
    ] = None

    @property
    def started(self) -> datetime:
        """When the run started, in UTC."""
        started = parse_time(self.run.started)
        return started.astimezone(UTC) if started else datetime.min.replace(tzinfo=UTC)

    @property
    def not_asked(self) -> tuple[str, ...]:
        """What was left out because only the settings could tell more, each reason once."""
        messages = (check.message for check in self.checks if check.outcome == "skipped")
        reasons = (text.removeprefix(NEEDS_SETTINGS) for text in messages if text.startswith(NEEDS_SETTINGS))
        return tuple(dict.fromkeys(reasons))

    @property
    def stack(self) -> tuple[str, str]:
        """The stack and the project that were checked."""
        return self.run.stack, self.run.project


def verdict_file(verdict: Verdict, run: RunInfo, mode: str) -> VerdictFile:
    """Return the file's content, without a comparison."""
    return VerdictFile(
        schema=SCHEMA,
        mode=mode,
        run=run,
        verdict=verdict.word,
        summary=verdict.summary,
        causes=tuple(_cause(cause) for cause in verdict.causes),
        warnings=tuple(_warning(warning) for warning in verdict.warnings),
        unknown=tuple(UnknownEntry(check=check, why=why) for check, why in verdict.unknown),
        escalate=Escalation(needed=bool(verdict.reasons), reasons=verdict.reasons),
        services=tuple(_service(service) for service in verdict.services),
        checks=tuple(_check(result) for result in verdict.checks),
        counts=Counts(**verdict.counts()),
        alert=_alert(verdict.alert) if verdict.alert else None,
        changes=tuple(_event(entry) for entry in verdict.changes),
        timeline=tuple(_event(entry) for entry in verdict.timeline),
    )


def _cause(cause: Cause) -> CauseEntry:
    return CauseEntry(
        service=cause.service,
        code=cause.code,
        severity=cause.severity,
        summary=cause.summary,
        since=cause.since,
        runbook=cause.runbook,
        evidence=tuple(ProofEntry(what=proof.what, value=proof.value, at=proof.at) for proof in cause.proof),
        next=cause.next,
        caution=cause.caution,
        blocks=cause.blocks,
        shares=cause.shares,
    )


def _warning(finding: Finding) -> WarningEntry:
    return WarningEntry(service=finding.service, code=finding.code, summary=finding.summary, remedy=finding.remedy)


def _service(service: ServiceState) -> ServiceEntry:
    return ServiceEntry(name=service.name, critical=service.critical, state=service.state, why=service.why)


def _check(result: CheckResult) -> CheckEntry:
    return CheckEntry(
        id=result.id,
        outcome=result.outcome,
        service=result.service,
        runbook=", ".join(result.runbook),
        seconds=result.seconds,
        message=result.message,
    )


def _alert(alert: AlertAssessment) -> AlertEntry:
    return AlertEntry(name=alert.name, service=alert.service, since=alert.since, looks=alert.state, why=alert.why)


def _event(entry: TimelineEntry) -> EventEntry:
    return EventEntry(at=entry.at, service=entry.service, what=entry.what, kind=entry.kind)


def to_json(file: VerdictFile) -> dict[str, object]:
    """Return the file as JSON types, in the order of the fields."""
    table: dict[str, object] = msgspec.to_builtins(file)
    return table


def verdict_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of the file."""
    return {"$schema": SCHEMA_DIALECT, "title": "verdict.json", **msgspec.json.schema(VerdictFile)}
