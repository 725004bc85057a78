"""Metrics are collected and alerts have resolved (runbook 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from service_down.checks.framework.check import VERIFY, AnyTarget, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import tool
from service_down.checks.judges.container_state import judge_container
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation, parse_time
from service_down.fixtures.probes.engine import containers_of
from service_down.fixtures.probes.prometheus import ALERTS, RULES, TARGETS, UP
from service_down.fixtures.settings.schema import Prometheus, Settings
from service_down.fixtures.stack.alert import Alert, known_names
from service_down.fixtures.stack.model import Model

ONLY = (VERIFY,)
HEARTBEATS = ("Watchdog", "DeadMansSwitch")  # fire always, to prove that alerting works
UNALARMING = ("none", "info")  # severities


def jobs(settings: Settings, model: Model) -> Sequence[Target[tuple[str, str]]]:
    """Every job that Prometheus is to scrape, and the service behind it."""
    told = settings.prometheus
    return [Target(job, service, (job, service), model, settings) for job, service in told.jobs.items()] if told else []


@check(
    "target",
    runbook=("8.metrics",),
    modes=ONLY,
    over=jobs,
    asks=lambda target: (TARGETS, UP),
    uses=lambda target: ("engine",),
    absent="stack.toml names no jobs in [prometheus]",
)
def test_target(target: Target[tuple[str, str]], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The job's targets are up, its samples fresh, and neither says "up" of what is down."""
    limit = target.settings.thresholds.sample_age_seconds
    watcher = target.settings.prometheus.service if target.settings.prometheus else target.service
    found = judge_target(target.spec, watcher, seen[TARGETS], seen[UP], limit)
    report_findings(found or judge_blind(target.spec, watcher, target.model, seen[UP], seen["engine"]))


def judge_target(
    spec: tuple[str, str], watcher: str, targets: Observation, up: Observation, limit: float
) -> list[Finding]:
    """`target-down` on the scraped service; `metrics-missing` on Prometheus when it scrapes nothing or no longer."""
    job, service = spec
    for seen in (targets, up):
        if seen.outcome == "error":
            return [
                finding(
                    "metrics-missing",
                    watcher,
                    proof=[Proof("Prometheus", f"{seen.kind}: {seen.text}", seen.at)],
                    what=seen.text,
                )
            ]
    url = targets.value["url"]
    mine = [one for one in targets.value["targets"] if one["job"] == job]
    if not mine:
        proof = Proof(f"active targets of job {job}", "0", targets.at)
        return [finding("monitoring-blind", watcher, proof=[proof], url=url, what=f"the job {job} scrapes nothing")]
    down = [one for one in mine if one["health"] == "down"]
    if down:
        proof = Proof(f"target {down[0]['instance']}", f"down: {down[0]['error']}", down[0]["scraped"])
        return [
            finding(
                "target-down",
                service,
                proof=[proof],
                url=url,
                what=f"{down[0]['instance']} (job {job}): {down[0]['error']}",
            )
        ]
    return _freshness(job, watcher, url, up, limit)


def _freshness(job: str, watcher: str, url: str, up: Observation, limit: float) -> list[Finding]:
    samples = [one for one in up.value["samples"] if one["job"] == job]
    if not samples:
        proof = Proof(f'up{{job="{job}"}}', "no sample", up.at)
        return [
            finding(
                "metrics-missing", watcher, proof=[proof], url=url, what=f"there is no sample of up for the job {job}"
            )
        ]
    age = max(limit * 2 if one["age"] is None else one["age"] for one in samples)
    if age > limit:
        proof = Proof(f'age of up{{job="{job}"}}', f"{age:.0f} s", up.at)
        return [
            finding(
                "metrics-missing",
                watcher,
                proof=[proof],
                url=url,
                what=f"the newest sample of {job} is {age:.0f} s old (limit {limit:g} s)",
            )
        ]
    return []


def judge_blind(
    spec: tuple[str, str], watcher: str, model: Model, up: Observation, engine: Observation
) -> list[Finding]:
    """`monitoring-blind` when a sample says 1 of what is plainly down, and has been for longer than a scrape."""
    job, name = spec
    service = model.service(name)
    if service is None or engine.outcome != "seen" or up.outcome != "seen":
        return []
    containers = containers_of(engine.value, name, service.aliases)
    source = parse_time(engine.at)
    down = [
        one
        for one in containers
        if not one["State"].get("Running") and source and judge_container(service, one, engine.value["events"], source)
    ]
    says_up = [one for one in up.value["samples"] if one["job"] == job and one["value"] == "1"]
    if not says_up or not containers or len(down) < len(containers):
        return []
    ended = parse_time(down[0]["State"].get("FinishedAt"))
    if source and ended and (source - ended).total_seconds() < 60:
        return []  # Prometheus may not have scraped it since
    proof = [
        Proof(f'up{{job="{job}"}}', "1", up.at),
        Proof(f"{name} State.Status", down[0]["State"]["Status"], engine.at),
    ]
    return [
        finding(
            "monitoring-blind",
            watcher,
            proof=proof,
            what=f'up{{job="{job}"}} is 1 while {name} is {down[0]["State"]["Status"]}',
        )
    ]


@check(
    "alerts",
    runbook=("8.alerts",),
    modes=ONLY,
    over=tool("prometheus"),
    asks=lambda target: (RULES,),
    uses=lambda target: ("engine",),
    absent="stack.toml has no [prometheus]",
)
def test_alerts(target: Target[Prometheus], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """None of the stack's alerts fires in Prometheus."""
    found = judge_alerts(target.service, target.settings, seen[RULES], target.model, seen["engine"])
    report_findings(found, _left_aside(target.settings, seen[RULES]))


@check(
    "alertmanager",
    runbook=("8.alerts",),
    modes=ONLY,
    over=tool("alertmanager"),
    asks=lambda target: (ALERTS,),
    uses=lambda target: ("engine",),
    absent="stack.toml has no [alertmanager]",
)
def test_alertmanager(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """None of the stack's alerts is active in Alertmanager."""
    found = judge_alerts(target.service, target.settings, seen[ALERTS], target.model, seen["engine"])
    report_findings(found, _left_aside(target.settings, seen[ALERTS]))


def judge_alerts(
    service: str, settings: Settings, seen: Observation, model: Model, engine: Observation
) -> list[Finding]:
    """One `alerts-firing` for all that count, which blames the services that they name, and a warning for the others.

    Where the settings name the alerts that count, those count. Else one counts when it names a service of the stack,
    or the stack: a Prometheus that watches other things too would never let this stack be healthy.
    """
    if seen.outcome == "error":
        return [
            finding(
                "metrics-missing",
                service,
                proof=[Proof("alerts", f"{seen.kind}: {seen.text}", seen.at)],
                url=service,
                what=f"unknown, since {seen.text}",
            )
        ]
    known = known_names(engine.value if engine.outcome == "seen" else {}, model)
    ours: list[Alert] = []
    others: list[Alert] = []
    blamed: set[str] = set()
    for alert in _judged(settings, seen):
        named = alert.service(settings, model, known)
        counts = _wanted(settings) or named or alert.names_stack(settings)
        (ours if counts else others).append(alert)
        blamed |= {named} if named else set()
    url = seen.value["url"]
    found = [_firing(service, ours, url, blamed)] if ours else []
    return found + ([_firing(service, others, url, None)] if others else [])


def _firing(service: str, alerts: Sequence[Alert], url: str, blamed: Set[str] | None) -> Finding:
    """The finding; a warning where no service of the stack can be blamed."""
    what = ", ".join(sorted({_named(one.labels) for one in alerts}))
    return finding(
        "alerts-firing",
        service,
        proof=[Proof(f"alert {_named(one.labels)}", "firing", one.starts) for one in alerts[:10]],
        since=min((one.starts for one in alerts if one.starts), default=None),
        severity="warning" if blamed is None else None,
        url=url,
        what=what if blamed is not None else f"{what}; no label names a service of this stack",
        blamed=sorted(blamed or ()),
    )


def _wanted(settings: Settings) -> Sequence[str]:
    return settings.prometheus.alerts if settings.prometheus else ()


def _judged(settings: Settings, seen: Observation) -> list[Alert]:
    """The alerts that are judged: those that the settings name, else all but the ones that fire by design."""
    alerts = [
        Alert(one["labels"].get("alertname", "?"), one["since"], True, one["labels"]) for one in _firing_now(seen)
    ]
    wanted = _wanted(settings)
    return [one for one in alerts if (one.name in wanted if wanted else not _by_design(one))]


def _firing_now(seen: Observation) -> Sequence[Mapping[str, Any]]:
    return seen.value["alerts"] if seen.outcome == "seen" else ()


def _by_design(alert: Alert) -> bool:
    """Whether it fires without anything being wrong: to prove that alerting works, or to be read."""
    return alert.name in HEARTBEATS or alert.labels.get("severity", "").lower() in UNALARMING


def _left_aside(settings: Settings, seen: Observation) -> str:
    judged = {one.name for one in _judged(settings, seen)}
    names = {one["labels"].get("alertname", "?") for one in _firing_now(seen)} - judged
    return f"not judged: {', '.join(sorted(names))}" if names else ""


def _named(labels: Mapping[str, str]) -> str:
    about = labels.get("service") or labels.get("job") or labels.get("instance")
    return labels.get("alertname", "?") + (f" ({about})" if about else "")
