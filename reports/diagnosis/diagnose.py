"""From findings to the verdict: severity, explanations, causes, states of the services, reasons to escalate; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service_down.fixtures.catalog.finding import SEVERITIES, Finding, Proof, catalogue
from service_down.fixtures.catalog.templates import fill_command
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.stack.alert import Alert
from service_down.fixtures.stack.containers import EngineState
from service_down.fixtures.stack.model import Model, Service
from service_down.reports.diagnosis.alert import judge_alert
from service_down.reports.diagnosis.common_cause import with_stack_facts
from service_down.reports.diagnosis.explain import ExplainedFindings, explain, first_of, layer, with_time
from service_down.reports.diagnosis.severity import with_raised_severity, with_service_severity
from service_down.reports.diagnosis.summary import set_up_sentence, summary_sentence
from service_down.reports.diagnosis.timeline import JUDGED, TimelineEntry, changes, releases, timeline
from service_down.reports.verdict import Cause, CheckResult, ServiceState, State, Verdict, VerdictWord

MAX_PROOFS = 8
NOT_LOOKED_AT = "only its set-up was looked at, not whether it works"
LONG_DOWN = timedelta(minutes=30)


@dataclass(frozen=True)
class DiagnosisContext:
    """What the diagnosis knows beside the findings."""

    model: Model
    uses: Mapping[str, frozenset[str]]  # service -> external systems it uses
    containers: Mapping[str, str]  # service -> name of its container
    compose: str  # the beginning of a compose command, to paste
    project: str
    now: datetime
    not_critical_services: frozenset[str] = frozenset()  # services of other projects that are not critical
    engine: EngineState | None = None
    missing: int = 0  # checks that were selected and did not run
    alert: Alert | None = None
    alert_service: str | None = None
    recovering: bool = False  # the run verifies a recovery
    only_set_up: bool = False  # the run looks at how the stack is set up, not at whether it works
    breach: bool = False  # the user suspects a security breach: no check can detect it


def diagnose(results: Sequence[CheckResult], context: DiagnosisContext) -> Verdict:
    """The verdict of the results, whatever their order."""
    results = sorted([*results, *_not_run(context.missing)], key=lambda result: result.id)
    findings = _findings(results, context)
    explained = explain(findings, context.model, context.uses)
    causes = _causes(explained, context)
    unknown = tuple((result.id, result.message) for result in results if result.outcome == "unknown")
    services = _states(explained, results, context.model)
    word = _word(explained, results)
    judged: VerdictWord = "unknown" if context.only_set_up else word  # of the services, for the alert
    warnings = _unique(
        finding for finding in findings if finding.severity == "warning" and not explained.is_repeated(finding)
    )
    if context.only_set_up:
        services = tuple(_not_looked_at(state) for state in services)
    if context.only_set_up and not causes:
        summary = set_up_sentence(warnings, unknown, results, len(services))
    else:
        summary = summary_sentence(word, causes, unknown, results)
    return Verdict(
        word=word,
        summary=summary,
        causes=causes,
        warnings=warnings,
        unknown=unknown,
        reasons=_reasons(causes, services, context),
        services=services,
        checks=tuple(results),
        alert=judge_alert(context.alert, context.alert_service, services, judged, context.recovering),
        changes=_changes(context, causes),
        timeline=timeline(context.engine, _run_entries(context)),
    )


def _findings(results: Sequence[CheckResult], context: DiagnosisContext) -> list[Finding]:
    """The findings of the results, with the facts of the stack and the severity that counts."""
    released, emptied = releases(context.engine), context.engine is not None and not context.engine.containers
    findings = [
        with_stack_facts(
            with_service_severity(finding, context.model, context.not_critical_services),
            released,
            context.project,
            emptied,
        )
        for result in results
        for finding in result.findings
    ]
    return [with_raised_severity(finding, findings, context.model) for finding in findings]


def _changes(context: DiagnosisContext, causes: Sequence[Cause]) -> tuple[TimelineEntry, ...]:
    """What changed before the first cause, or before this run where no cause has a time."""
    begun = [since for cause in causes if (since := parse_time(cause.since))]
    if begun or not causes:
        return changes(context.engine, min(begun, default=None))
    return changes(context.engine, context.now, "this look")


def _not_run(missing: int) -> list[CheckResult]:
    """One unknown result in place of the selected checks that did not run."""
    if missing <= 0:
        return []
    message = f"the run ended before {missing} of its checks"
    return [CheckResult("not-run", "stack", (), "unknown", message=message)]


def _run_entries(context: DiagnosisContext) -> list[TimelineEntry]:
    """The timeline entries that the engine cannot know: the start of the alert, and this run."""
    entries = [TimelineEntry(context.now.isoformat(), "suite", JUDGED, "run")]
    alert = context.alert
    if alert and alert.starts:
        service = context.alert_service or "alert"
        entries.append(TimelineEntry(alert.starts, service, f"alert {alert.name} began", "alert"))
    return entries


def _unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple({(finding.service, finding.code, finding.summary): finding for finding in findings}.values())


def _causes(explained: ExplainedFindings, context: DiagnosisContext) -> tuple[Cause, ...]:
    """The causes, the worst first. Among equals, the one that explains the alert stands first."""
    causes = [cause for key in explained.causes() for cause in _causes_of(key, explained, context)]
    return tuple(
        sorted(
            causes,
            key=lambda cause: (
                SEVERITIES[cause.severity],
                context.alert_service not in (cause.service, *cause.blocks),
                -len(cause.blocks),
                cause.since or "~",
                cause.service,
            ),
        )
    )


def _causes_of(key: str, explained: ExplainedFindings, context: DiagnosisContext) -> list[Cause]:
    """A cause for each first finding of a service that nothing explains, or the shared cause of this key."""
    findings, blocks = explained.failing[key], explained.explained_by(key)
    first = first_of(findings)
    later = [finding for finding in findings if layer(finding) > layer(first[0])]
    shares = tuple(service for service in blocks if explained.shared.get(service) == key)
    fatal = any(finding.severity == "critical" for service in blocks for finding in explained.failing[service])
    followers = [service for service in blocks if service not in shares]
    effects = [*later, *(effect for service in followers for effect in explained.failing[service])]
    causes = []
    for finding in first:
        dated = with_time(replace(finding, severity="critical") if fatal else finding, effects)
        dated = _with_alert_time(dated, (key, *blocks), context)
        causes.append(replace(_cause(dated, later, context), blocks=blocks, shares=shares))
    return causes


def _with_alert_time(cause: Finding, services: Sequence[str], context: DiagnosisContext) -> Finding:
    """The finding with the start of the alert as its time, where it has none and explains the alert."""
    alert = context.alert
    if cause.since or alert is None or not alert.starts or context.alert_service not in services:
        return cause
    proof = Proof(f"alert {alert.name} about {context.alert_service}", "began", alert.starts)
    return replace(cause, since=alert.starts, proof=(*cause.proof, proof))


def _cause(finding: Finding, later: Sequence[Finding], context: DiagnosisContext) -> Cause:
    """The cause of this finding, with its commands. `later` are findings of the same service, which add proof."""
    code = catalogue()[finding.code]
    services = finding.services or (finding.service,)
    facts = {
        "project": context.project,
        **code.default_facts,
        **finding.facts,
        "compose": context.compose,
        "service": shlex.join(services),
        "container": shlex.join(_container(service, finding, context) for service in services),
    }
    if image := facts.pop("image", None):
        facts["image"] = shlex.quote(image)
    proof = dict.fromkeys((*finding.proof, *(entry for other in later for entry in other.proof)))
    return Cause(
        service=finding.service,
        code=finding.code,
        severity=finding.severity,
        summary=finding.summary,
        since=finding.since,
        runbook=code.runbook,
        proof=tuple(proof)[:MAX_PROOFS],
        next=tuple(filter(None, (fill_command(template, facts) for template in code.next))),
        caution=finding.caution or code.caution,
        blocks=(),
    )


def _container(service: str, finding: Finding, context: DiagnosisContext) -> str:
    """The container to name in commands: that of the finding, else the service's first one."""
    own = finding.facts.get("container") if service == finding.service else None
    return own or context.containers.get(service, f"{context.project}-{service}-1")


def _states(explained: ExplainedFindings, results: Sequence[CheckResult], model: Model) -> tuple[ServiceState, ...]:
    judged = {result.service for result in results if result.outcome in ("passed", "warned", "failed")}
    incomplete = {result.service for result in results if result.outcome == "unknown"}
    incomplete |= {service.name for service in model.services} - judged
    states = []
    for service in sorted(model.services, key=lambda service: service.name):
        state, why = _state(service, explained, service.name in incomplete)
        states.append(ServiceState(service.name, service.critical, state, why))
    return tuple(states)


def _not_looked_at(state: ServiceState) -> ServiceState:
    """The state of a service of which only the set-up was looked at; a failing check of the user's own counts."""
    if state.state != "ok":
        return state
    return replace(state, state="unknown", why=NOT_LOOKED_AT)


def _state(service: Service, explained: ExplainedFindings, incomplete: bool) -> tuple[State, str]:
    """The state of a service and its reason. `incomplete`: not all its checks could judge."""
    findings = explained.failing.get(service.name)
    if not findings:
        return ("unknown", "not all of it could be looked at") if incomplete else ("ok", "")
    code = first_of(findings)[0].code
    if causes := explained.causes_of(service.name):
        return "blocked", f"follows from {', '.join(sorted({key.partition(':')[0] for key in causes}))}: {code}"
    severities = {finding.severity if service.critical else catalogue()[finding.code].severity for finding in findings}
    return ("down" if "critical" in severities else "degraded"), code


def _word(explained: ExplainedFindings, results: Sequence[CheckResult]) -> VerdictWord:
    """The worst of its parts. A check that could not judge is worse than degraded where it may hide what is down.

    A service that only follows counts too: a failed one-shot is not critical, the service that waits for it is.
    """
    if any(finding.severity == "critical" for findings in explained.failing.values() for finding in findings):
        return "down"
    unknown = [result for result in results if result.outcome == "unknown"]
    if any(not result.only_warns for result in unknown) or all(result.outcome == "skipped" for result in results):
        return "unknown"
    return "degraded" if explained.failing else "unknown" if unknown else "healthy"


def _reasons(causes: Sequence[Cause], services: Sequence[ServiceState], context: DiagnosisContext) -> tuple[str, ...]:
    """The runbook's reasons to escalate that hold. The start of the alert counts more than times of containers."""
    reasons: list[str] = []
    critical = [cause for cause in causes if cause.severity == "critical"]
    begun = [since for cause in critical if (since := parse_time(cause.since))]
    if critical and context.alert and (start := parse_time(context.alert.starts)):
        begun = [start]
    if any(context.now - since > LONG_DOWN for since in begun):
        reasons.append("down-over-30-min")
    reasons.extend(reason for cause in causes if (reason := catalogue()[cause.code].escalate))
    if context.breach:
        reasons.append("security-breach-suspected")
    if sum(service.critical and service.state in ("down", "blocked") for service in services) > 1:
        reasons.append("multiple-critical-services")
    return tuple(dict.fromkeys(reasons))
