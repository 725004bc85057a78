"""Metrics are collected and alerts have resolved (runbook 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from checks.check import VERIFY, AnyTarget, Seen, Settle, Target, check
from checks.container_state import judge_container
from checks.targets import tool
from fixtures.evidence import Observation, parse_time
from fixtures.finding import Finding, Proof, finding
from fixtures.model import Model
from fixtures.probes.engine import containers_of
from fixtures.probes.prometheus import ALERTS, RULES, TARGETS, UP
from fixtures.settings import Prometheus, Settings

ONLY = (VERIFY,)


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
def test_target(target: Target[tuple[str, str]], seen: Seen, settle: Settle) -> None:
    """The job's targets are up, its samples fresh, and neither says "up" of what is down."""
    limit = target.settings.thresholds.sample_age_seconds
    watcher = target.settings.prometheus.service if target.settings.prometheus else target.service
    found = judge_target(target.spec, watcher, seen[TARGETS], seen[UP], limit)
    settle(found or judge_blind(target.spec, watcher, target.model, seen[UP], seen["engine"]))


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
    asked = parse_time(engine.at)
    down = [
        one
        for one in containers
        if not one["State"].get("Running") and asked and judge_container(service, one, engine.value["events"], asked)
    ]
    says_up = [one for one in up.value["samples"] if one["job"] == job and one["value"] == "1"]
    if not says_up or not containers or len(down) < len(containers):
        return []
    ended = parse_time(down[0]["State"].get("FinishedAt"))
    if asked and ended and (asked - ended).total_seconds() < 60:
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
    absent="stack.toml has no [prometheus]",
)
def test_alerts(target: Target[Prometheus], seen: Seen, settle: Settle) -> None:
    """None of the stack's alerts fires in Prometheus."""
    settle(judge_alerts(target.service, target.settings, seen[RULES], target.model))


@check(
    "alertmanager",
    runbook=("8.alerts",),
    modes=ONLY,
    over=tool("alertmanager"),
    asks=lambda target: (ALERTS,),
    absent="stack.toml has no [alertmanager]",
)
def test_alertmanager(target: AnyTarget, seen: Seen, settle: Settle) -> None:
    """None of the stack's alerts is active in Alertmanager."""
    settle(judge_alerts(target.service, target.settings, seen[ALERTS], target.model))


def judge_alerts(service: str, settings: Settings, seen: Observation, model: Model) -> list[Finding]:
    """One `alerts-firing` for all; the services that the labels name are blamed."""
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
    watched = settings.prometheus.alerts if settings.prometheus else []
    alerts = [one for one in seen.value["alerts"] if not watched or one["labels"].get("alertname") in watched]
    if not alerts:
        return []
    names = sorted({_named(one["labels"]) for one in alerts})
    proof = [Proof(f"alert {_named(one['labels'])}", "firing", one["since"]) for one in alerts[:10]]
    since = min((one["since"] for one in alerts if one["since"]), default=None)
    blamed = sorted(_blamed(alerts, settings, model))
    return [
        finding(
            "alerts-firing",
            service,
            proof=proof,
            since=since,
            url=seen.value["url"],
            what=", ".join(names),
            blamed=blamed,
        )
    ]


def _named(labels: Mapping[str, str]) -> str:
    about = labels.get("service") or labels.get("job") or labels.get("instance")
    return labels.get("alertname", "?") + (f" ({about})" if about else "")


def _blamed(alerts: Sequence[Mapping[str, Any]], settings: Settings, model: Model) -> set[str]:
    known = {one.name for one in model.services}
    jobs_of = settings.prometheus.jobs if settings.prometheus else {}
    named = {one["labels"].get("service") for one in alerts} | {
        jobs_of.get(one["labels"].get("job", "")) for one in alerts
    }
    return {name for name in named if name in known}
