"""Prometheus scrapes the stack's jobs, and the stack's alerts have resolved (runbook 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service_down.checks.framework.check import VERIFY_ONLY, CheckEvidence, ReportFindings, Target, check, engine_key
from service_down.checks.framework.targets import entries_of
from service_down.checks.judges.alerts import judge_alerts, must_be_readable, unjudged_alerts
from service_down.checks.judges.container_state import judge_container
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines.field_names import STATUS
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import CannotCheck, Observation, parse_time
from service_down.fixtures.probes.prometheus import (
    ALERTS,
    TABLE,
    TARGETS,
    UP,
    PrometheusSettings,
    ScrapeTargets,
    UpSamples,
)
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.containers import EngineState
from service_down.fixtures.stack.model import Model

SCRAPE_GRACE_SECONDS = 60  # after the end of a container, in which Prometheus may not have scraped it yet


@dataclass(frozen=True)
class Job:
    """A job that Prometheus must scrape: the service behind it, and Prometheus' own service."""

    name: str
    service: str
    prometheus: str


def jobs(settings: Settings, model: Model) -> Sequence[Target[Job]]:
    """Every job that Prometheus must scrape."""
    prometheus = settings.only(TABLE)
    if prometheus is None:
        return []
    return [
        Target(name, service, Job(name, service, prometheus.service), model, settings)
        for name, service in prometheus.jobs.items()
    ]


@check(
    "target",
    runbook=("8.metrics",),
    modes=VERIFY_ONLY,
    targets=jobs,
    judges_errors_of=lambda target: (TARGETS, UP),
    uses=engine_key,
    absent="stack.toml names no jobs in [prometheus]",
)
def test_target(target: Target[Job], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The job's targets are up, its samples are fresh, and neither reports as up what is down."""
    limit = target.settings.thresholds.sample_age_seconds
    found = judge_target(target.spec, evidence[TARGETS], evidence[UP], limit)
    report_findings(found or judge_blind(target.spec, target.model, evidence[UP], evidence[ENGINE]))


def judge_target(
    job: Job, targets: Observation[ScrapeTargets], up: Observation[UpSamples], max_age_seconds: float
) -> list[Finding]:
    """`target-down` on the scraped service; `metrics-missing` on Prometheus when it scrapes nothing or no longer."""
    if targets.value is None:
        return [_no_answer(job, targets)]
    if up.value is None:
        return [_no_answer(job, up)]
    url = targets.value.url
    of_job = [target for target in targets.value.targets if target.job == job.name]
    sampled = any(sample.job == job.name for sample in up.value.samples)
    _must_be_readable(job, (*targets.value.odd_jobs, *up.value.odd_jobs), bool(of_job) and sampled)
    if not of_job:
        proof = Proof(f"active targets of job {job.name}", "0", targets.at)
        what = f"the job {job.name} scrapes nothing"
        return [finding("monitoring-blind", job.prometheus, proof=[proof], url=url, what=what)]
    down = next((target for target in of_job if target.health == "down"), None)
    if down:
        proof = Proof(f"target {down.instance}", f"down: {down.error}", down.scraped)
        what = f"{down.instance} (job {job.name}): {down.error}"
        return [finding("target-down", job.service, proof=[proof], url=url, what=what)]
    return _judge_freshness(job, url, up.value, up.at, max_age_seconds)


def _must_be_readable(job: Job, odd_jobs: Sequence[str], is_known: bool) -> None:
    """Raises CannotCheck when a part of Prometheus' answers cannot be read that is about the job, or may be.

    `is_known`: the rest tells of the job. Else it may be the one of which not even the job can be read.
    """
    if job.name in odd_jobs or ("" in odd_jobs and not is_known):
        whose = f"on the job {job.name}" if job.name in odd_jobs else f"on a job, which may be {job.name},"
        raise CannotCheck(f"what Prometheus says {whose} cannot be read: a wrong type, or a value that is no number")


def _no_answer(job: Job, observation: Observation[ScrapeTargets] | Observation[UpSamples]) -> Finding:
    proof = Proof("Prometheus", observation.error_text, observation.at)
    return finding("metrics-missing", job.prometheus, proof=[proof], what=observation.text)


def _judge_freshness(job: Job, url: str, up: UpSamples, at: str, max_age_seconds: float) -> list[Finding]:
    """`metrics-missing` when the job has no sample of `up`, or an old one. A sample without an age counts as old."""
    samples = [sample for sample in up.samples if sample.job == job.name]
    if not samples:
        proof = Proof(f'up{{job="{job.name}"}}', "no sample", at)
        what = f"there is no sample of up for the job {job.name}"
        return [finding("metrics-missing", job.prometheus, proof=[proof], url=url, what=what)]
    age = max(max_age_seconds * 2 if sample.age_seconds is None else sample.age_seconds for sample in samples)
    if age > max_age_seconds:
        proof = Proof(f'age of up{{job="{job.name}"}}', f"{age:.0f} s", at)
        what = f"the newest sample of {job.name} is {age:.0f} s old (limit {max_age_seconds:g} s)"
        return [finding("metrics-missing", job.prometheus, proof=[proof], url=url, what=what)]
    return []


def judge_blind(
    job: Job, model: Model, up: Observation[UpSamples], observation: Observation[EngineState]
) -> list[Finding]:
    """`monitoring-blind` when a sample is 1 although every container of the service has been down for a minute."""
    service, state, now = model.service(job.service), observation.value, parse_time(observation.at)
    if service is None or state is None or up.value is None:
        return []
    containers = state.containers_of(service.name, service.aliases)
    down = [
        container
        for container in containers
        if not container.running and now and judge_container(service, container, state.events, now)
    ]
    reported_up = any(sample.job == job.name and sample.value == "1" for sample in up.value.samples)
    if not reported_up or not containers or len(down) < len(containers):
        return []
    ended, status = parse_time(down[0].finished), down[0].status
    if now and ended and (now - ended).total_seconds() < SCRAPE_GRACE_SECONDS:
        return []
    proof = [
        Proof(f'up{{job="{job.name}"}}', "1", up.at),
        Proof(f"{service.name} {STATUS}", status, observation.at),
    ]
    what = f'up{{job="{job.name}"}} is 1 while {service.name} is {status}'
    return [finding("monitoring-blind", job.prometheus, proof=proof, what=what)]


@check(
    "alerts",
    runbook=("8.alerts",),
    modes=VERIFY_ONLY,
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (ALERTS,),
    uses=engine_key,
    absent="stack.toml has no [prometheus]",
)
def test_alerts(target: Target[PrometheusSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """None of the stack's alerts fires in Prometheus."""
    found = judge_alerts(target.service, target.settings, evidence[ALERTS], target.model, evidence[ENGINE])
    must_be_readable("Prometheus", evidence[ALERTS], found)
    report_findings(found, unjudged_alerts(target.settings, evidence[ALERTS]))
