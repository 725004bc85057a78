"""The result of each container's own healthcheck. One that cannot run says nothing of the service (runbook 2, 4, 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check, engine_key
from service_down.checks.framework.targets import long_running, own_log
from service_down.checks.judges.container_findings import samples_proof
from service_down.checks.judges.log_evidence import with_reason
from service_down.fixtures.catalog.finding import SEVERITIES, Finding, Proof, finding
from service_down.fixtures.engines import field_names
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.probes.containers import CONTAINER_SAMPLES
from service_down.fixtures.run.modes import VERIFY
from service_down.fixtures.stack.containers import (
    Container,
    ContainerSample,
    EngineState,
    Health,
    Healthcheck,
    HealthcheckRun,
)
from service_down.fixtures.stack.model import Service

CANNOT_RUN = re.compile(  # a line of the engine or of a shell; a healthcheck's own `404: Not Found` does not match
    r"executable file not found|(?i:oci runtime exec failed)|^\S*sh: .*not found$|: command not found$"
)
CANNOT_RUN_EXITS = (126, 127)  # as shells and the engine use them
MAX_OUTPUT_CHARACTERS, MAX_LINE_CHARACTERS = 300, 200


@check(
    "healthcheck",
    runbook=("2.compose-ps", "4.docker-ps", "8.compose-ps"),
    targets=long_running,
    requires=engine_key,
    uses=lambda target: (CONTAINER_SAMPLES, *own_log(target)),
)
def test_healthcheck(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The container's own healthcheck passes."""
    findings = judge_health(
        target.spec, evidence.required(ENGINE), evidence.mode, evidence.value(CONTAINER_SAMPLES) or {}
    )
    report_findings([with_reason(found, [str(found.facts.get("what"))], target, evidence) for found in findings])


def judge_health(
    service: Service,
    state: EngineState,
    mode: str,
    samples: Mapping[str, Sequence[ContainerSample]] | None = None,
) -> list[Finding]:
    """At most one finding, the worst. It is impaired, not down, while another container is fine.

    A container that does not run, or is paused, is not judged here: its last health is stale. `samples` are the
    inspections of the containers that were starting, the first included, by the container's id.
    """
    running = [
        container
        for container in state.containers_of(service.name, service.aliases)
        if container.in_service and not container.paused
    ]
    judged = [
        _judge_container(service, container, state.now, mode, (samples or {}).get(container.id, ()))
        for container in running
    ]
    findings = sorted((found for found in judged if found), key=lambda found: SEVERITIES[found.severity])
    works_elsewhere = any(found is None or found.severity == "warning" for found in judged)
    if findings and findings[0].severity == "critical" and works_elsewhere:
        return [replace(findings[0], severity="error", impaired=True)]
    return findings[:1]


def _judge_container(
    service: Service, container: Container, now: datetime, mode: str, samples: Sequence[ContainerSample]
) -> Finding | None:
    health = container.health or Health()
    latest = (samples[-1].health if samples else "") or health.status
    if health.status != "healthy" and _has_just_recovered(health):
        return None if latest == "healthy" else _recovered(service, container, health, mode)
    if "unhealthy" in (health.status, latest):
        return _unhealthy(service, container, health, now, samples)
    if health.status == "starting" and latest != "healthy":
        return _starting(service, container, now, mode, samples)
    return _flapping(service, container, health) if health.status == "healthy" else None


def _has_just_recovered(health: Health) -> bool:
    """Whether the last run passed and no failure is counted: after an unpause, the engine's word comes later."""
    return bool(health.runs) and health.runs[-1].exit_code == 0 and health.failing_streak == 0


def _recovered(service: Service, container: Container, health: Health, mode: str) -> Finding:
    """A warning in triage. In verify an error, until the engine calls the container healthy."""
    run, name = health.runs[-1], container.name
    return finding(
        "healthcheck-starting",
        service.name,
        severity="error" if mode == VERIFY else None,
        proof=[
            Proof(f"{name} {field_names.HEALTH_STATUS}", health.status, run.end),
            Proof(f"{name} healthcheck exit code", "0", run.end),
            Proof(f"{name} {field_names.FAILING_STREAK}", "0", run.end),
        ],
        since=run.end,
        container=name,
        what=f"its healthcheck has just passed; the engine still calls it {health.status}",
    )


def _unhealthy(
    service: Service, container: Container, health: Health, now: datetime, samples: Sequence[ContainerSample]
) -> Finding:
    run = health.runs[-1] if health.runs else HealthcheckRun()
    lines = _output_lines(run)
    broken = run.exit_code in CANNOT_RUN_EXITS or any(CANNOT_RUN.search(line) for line in lines)
    streak = health.failing_streak or 1
    failing = timedelta(seconds=streak * (container.healthcheck or Healthcheck()).interval_seconds)
    started = parse_time(container.started)
    name = container.name
    return finding(
        "healthcheck-broken" if broken else "healthcheck-failing",
        service.name,
        proof=[
            Proof(f"{name} {field_names.HEALTH_STATUS}", "unhealthy", run.end),
            Proof(f"{name} healthcheck exit code", str(run.exit_code), run.end),
            Proof(f"{name} healthcheck output", " ".join(lines)[-MAX_OUTPUT_CHARACTERS:], run.end),
            *_samples_proof(container, samples),
        ],
        since=max(now - failing, started or now - failing).isoformat(),
        container=name,
        streak=streak,
        what=_reason(run),
    )


def _samples_proof(container: Container, samples: Sequence[ContainerSample]) -> list[Proof]:
    return samples_proof(container, samples, [sample.health for sample in samples])


def _output_lines(run: HealthcheckRun) -> list[str]:
    """The lines that a run of the healthcheck printed."""
    return [line.strip() for line in run.output.splitlines() if line.strip()]


def _reason(run: HealthcheckRun) -> str:
    """Why a run failed: its last line, else its exit code."""
    lines = _output_lines(run)
    return lines[-1][-MAX_LINE_CHARACTERS:] if lines else f"exit code {run.exit_code}"


def _starting(
    service: Service, container: Container, now: datetime, mode: str, samples: Sequence[ContainerSample]
) -> Finding:
    """A warning in triage, when the result is not known yet. In verify an error, until it is healthy."""
    healthcheck = container.healthcheck or Healthcheck()
    started = parse_time(container.started)
    allowed = timedelta(seconds=healthcheck.start_period_seconds + healthcheck.interval_seconds * healthcheck.retries)
    up = now - started if started else allowed
    late = f"past the {allowed.total_seconds():.0f} s" if up > allowed else f"of the {allowed.total_seconds():.0f} s"
    what = f"its healthcheck has not passed yet, {up.total_seconds():.0f} s after its start, {late} that it may take"
    return finding(
        "healthcheck-starting",
        service.name,
        severity="error" if mode == VERIFY else None,
        proof=[
            Proof(f"{container.name} {field_names.HEALTH_STATUS}", "starting", container.started),
            *_samples_proof(container, samples),
        ],
        since=container.started,
        container=container.name,
        what=what,
    )


def _flapping(service: Service, container: Container, health: Health) -> Finding | None:
    """A warning when a healthy container's healthcheck recently failed after it had passed: Docker waits for `retries`.

    Runs before the container's last start do not count.
    """
    started = parse_time(container.started)
    runs = [run for run in health.runs if started and (parse_time(run.start) or started) >= started]
    passed = next((index for index, run in enumerate(runs) if run.exit_code == 0), len(runs))
    streak = health.failing_streak
    failed = [run for run in runs[passed:] if run.exit_code != 0] or runs[len(runs) - streak :]
    if not failed:
        return None
    return finding(
        "healthcheck-flapping",
        service.name,
        proof=[
            Proof(f"{container.name} healthcheck exit code", str(failed[-1].exit_code), failed[-1].end),
            Proof(f"{container.name} {field_names.FAILING_STREAK}", str(streak), runs[-1].end),
        ],
        since=failed[0].start,
        container=container.name,
        count=len(failed),
        total=len(runs),
        what=_reason(failed[-1]),
    )
