"""From findings to causes: what explains what, in the order of the stack's dependencies; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from service_down.fixtures.catalog.finding import SEVERITIES, Finding, Proof, catalogue, fill_command, is_fillable
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.stack.alert import Alert
from service_down.fixtures.stack.model import Model, Service
from service_down.reports.diagnosis.alert import judge_alert
from service_down.reports.diagnosis.common_cause import SEVERAL, shared_causes, with_shared_facts
from service_down.reports.diagnosis.explain import dated, explained_by_others, first_of, layer, roots_of
from service_down.reports.diagnosis.severity import beside_others, weighed
from service_down.reports.diagnosis.summary import sentence
from service_down.reports.diagnosis.timeline import JUDGED, TimelineEntry, changes, releases, timeline
from service_down.reports.verdict import Cause, CheckResult, ServiceState, State, Verdict, VerdictWord

MOST_PROOF = 8
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
    minor: frozenset[str] = frozenset()  # services of other projects that are not critical
    view: Mapping[str, Any] = field(default_factory=dict)  # the engine's answer
    missing: int = 0  # checks that were selected and did not run
    alert: Alert | None = None
    alert_service: str | None = None
    recovering: bool = False  # the run looks whether it is over
    breach: bool = False  # suspected by whoever ran it: no check can see one


def diagnose(results: Sequence[CheckResult], scene: DiagnosisContext) -> Verdict:
    """The verdict of the results. The order in which they came never matters."""
    results = sorted([*results, *_not_run(scene.missing)], key=lambda one: one.id)
    released, emptied = releases(scene.view), scene.view.get("containers") == []
    findings = [
        with_shared_facts(weighed(one, scene.model, scene.minor), released, scene.project, emptied)
        for result in results
        for one in result.findings
    ]
    findings = [beside_others(one, findings, scene.model) for one in findings]
    failing: dict[str, list[Finding]] = {}
    for one in findings:
        if one.severity != "warning":
            failing.setdefault(one.service, []).append(one)
    explained = explained_by_others(failing, scene.model, scene.uses)
    shared, sharing = shared_causes(failing, explained)
    failing |= {key: [one] for key, one in shared.items()}
    blamed_on = roots_of({**explained, **{name: frozenset({key}) for name, key in sharing.items()}})
    causes = _causes(failing, blamed_on, sharing, scene)
    unknown = tuple((one.id, one.message) for one in results if one.outcome == "unknown")
    following = {name: roots for name, roots in blamed_on.items() if name not in sharing}
    services = _states(failing, following, results, scene.model)
    word = _word(failing, results)
    begun = [since for one in causes if (since := parse_time(one.since))]
    return Verdict(
        word=word,
        summary=sentence(word, causes, unknown, results),
        causes=causes,
        warnings=tuple(_unique(one for one in findings if one.severity == "warning" and not _is_told(one, failing))),
        unknown=unknown,
        reasons=_reasons(causes, services, scene),
        services=services,
        checks=tuple(results),
        alert=judge_alert(scene.alert, scene.alert_service, services, word, scene.recovering),
        changes=_changes(scene, causes, begun),
        timeline=timeline(scene.view, _moments(scene)),
    )


def _changes(scene: DiagnosisContext, causes: Sequence[Cause], begun: Sequence[datetime]) -> tuple[TimelineEntry, ...]:
    """What changed before the first cause; before this look, where nobody knows when that began."""
    if begun or not causes:
        return changes(scene.view, min(begun, default=None))
    return changes(scene.view, scene.now, "this look")


def _not_run(missing: int) -> list[CheckResult]:
    """Checks that were selected and never ran say nothing, and nothing is not fine."""
    if missing <= 0:
        return []
    message = f"the run ended before {missing} of its checks"
    return [CheckResult("not-run", "stack", (), "unknown", message=message)]


def _moments(scene: DiagnosisContext) -> list[TimelineEntry]:
    """What the engine cannot know: when the alert began, and when this was looked at."""
    moments = [TimelineEntry(scene.now.isoformat(), "suite", JUDGED, "run")]
    if scene.alert and scene.alert.starts:
        moments.append(
            TimelineEntry(
                scene.alert.starts, scene.alert_service or "alert", f"alert {scene.alert.name} began", "alert"
            )
        )
    return moments


def _is_told(warning: Finding, failing: Mapping[str, Sequence[Finding]]) -> bool:
    """Whether a warning is but a lesser word for what the service is said to have failed at."""
    return warning.service in failing and catalogue()[warning.code].follows


def _unique(findings: Iterable[Finding]) -> list[Finding]:
    return list({(one.service, one.code, one.summary): one for one in findings}.values())


def _causes(
    failing: Mapping[str, Sequence[Finding]],
    blamed_on: Mapping[str, frozenset[str]],
    sharing: Mapping[str, str],
    scene: DiagnosisContext,
) -> tuple[Cause, ...]:
    causes = []
    for name in sorted(failing):
        if name in blamed_on:
            continue
        blocks = tuple(sorted(other for other, roots in blamed_on.items() if name in roots))
        first = first_of(failing[name])
        later = [one for one in failing[name] if layer(one) > layer(first[0])]
        fatal = any(one.severity == "critical" for other in blocks for one in failing[other])
        shares = tuple(other for other in blocks if sharing.get(other) == name)
        effects = [*later, *(one for other in blocks if other not in shares for one in failing[other])]
        for one in first:
            weighed = dated(replace(one, severity="critical") if fatal else one, effects)
            weighed = _since_alert(weighed, (name, *blocks), scene)
            causes.append(replace(_cause(weighed, later, blocks, scene), shares=shares))
    alerted = scene.alert_service
    return tuple(
        sorted(
            causes,
            key=lambda one: (
                SEVERITIES[one.severity],
                alerted not in (one.service, *one.blocks),  # what explains the alert stands first among its like
                -len(one.blocks),
                one.since or "~",
                one.service,
            ),
        )
    )


def _since_alert(found: Finding, services: Sequence[str], scene: DiagnosisContext) -> Finding:
    """A cause whose beginning nothing else tells had begun when the alert about it did."""
    alert = scene.alert
    if found.since or alert is None or not alert.starts or scene.alert_service not in services:
        return found
    proof = Proof(f"alert {alert.name} about {scene.alert_service}", "began", alert.starts)
    return replace(found, since=alert.starts, proof=(*found.proof, proof))


def _cause(found: Finding, later: Sequence[Finding], blocks: tuple[str, ...], scene: DiagnosisContext) -> Cause:
    code = catalogue()[found.code]
    services = found.facts.get("services", found.service).split(SEVERAL)
    known = {name: value for name, value in found.facts.items() if name not in ("service", "container", "image")}
    facts = {
        "project": scene.project,
        "user": "postgres",
        "database": "postgres",
        **known,
        "compose": scene.compose,
        "service": shlex.join(services),
        "container": shlex.join(_container(one, found, scene) for one in services),
    }
    if found.facts.get("image"):
        facts["image"] = shlex.quote(found.facts["image"])
    proof: dict[Proof, None] = dict.fromkeys((*found.proof, *(one for other in later for one in other.proof)))
    return Cause(
        service=found.service,
        code=found.code,
        severity=found.severity,
        summary=found.summary,
        since=found.since,
        runbook=code.runbook,
        proof=tuple(proof)[:MOST_PROOF],
        next=tuple(fill_command(command, facts) for command in code.next if is_fillable(command, facts)),
        caution=found.facts.get("caution") or code.caution,
        blocks=blocks,
    )


def _container(service: str, found: Finding, scene: DiagnosisContext) -> str:
    """The container to name in commands: the one that the finding is about, else the service's first."""
    own = found.facts.get("container") if service == found.service else None
    return own or scene.containers.get(service, f"{scene.project}-{service}-1")


def _states(
    failing: Mapping[str, Sequence[Finding]],
    blamed_on: Mapping[str, frozenset[str]],
    results: Sequence[CheckResult],
    model: Model,
) -> tuple[ServiceState, ...]:
    judged = {one.service for one in results if one.outcome in ("passed", "warned", "failed")}
    unseen = {one.service for one in results if one.outcome == "unknown"}
    unseen |= {one.name for one in model.services} - judged
    states = []
    for service in sorted(model.services, key=lambda one: one.name):
        state, why = _state(service, failing, blamed_on, unseen)
        states.append(ServiceState(service.name, service.critical, state, why))
    return tuple(states)


def _state(
    service: Service,
    failing: Mapping[str, Sequence[Finding]],
    blamed_on: Mapping[str, frozenset[str]],
    unseen: set[str],
) -> tuple[State, str]:
    name = service.name
    if name in failing:
        first = first_of(failing[name])[0]
        if name in blamed_on:
            roots = sorted({root.partition(":")[0] for root in blamed_on[name]})
            return "blocked", f"follows from {', '.join(roots)}: {first.code}"
        worst = {one.severity if service.critical else catalogue()[one.code].severity for one in failing[name]}
        down = "critical" in worst
        return ("down" if down else "degraded"), first.code
    return ("unknown", "not all of it could be looked at") if name in unseen else ("ok", "")


def _word(failing: Mapping[str, Sequence[Finding]], results: Sequence[CheckResult]) -> VerdictWord:
    """The worst of its parts. What could not be looked at is worse than degraded where it may hide what is down.

    What only follows counts too: a failed one-shot is not critical, the service that waits for it is.
    """
    if any(one.severity == "critical" for found in failing.values() for one in found):
        return "down"
    unseen = [one for one in results if one.outcome == "unknown"]
    if any(not one.only_warns for one in unseen) or not any(one.outcome != "skipped" for one in results):
        return "unknown"
    return "degraded" if failing else "unknown" if unseen else "healthy"


def _reasons(causes: Sequence[Cause], services: Sequence[ServiceState], scene: DiagnosisContext) -> tuple[str, ...]:
    """Which of the runbook's four reasons to escalate hold; the alert's start counts more than a container's times."""
    reasons = []
    critical = [one for one in causes if one.severity == "critical"]
    begun = [since for one in critical if (since := parse_time(one.since))]
    if critical and scene.alert and (start := parse_time(scene.alert.starts)):
        begun = [start]
    if any(scene.now - since > LONG_DOWN for since in begun):
        reasons.append("down-over-30-min")
    if any(one.code == "db-corrupt" for one in causes):
        reasons.append("data-corruption-suspected")
    if scene.breach:
        reasons.append("security-breach-suspected")
    if sum(one.critical and one.state in ("down", "blocked") for one in services) > 1:
        reasons.append("multiple-critical-services")
    return tuple(reasons)
