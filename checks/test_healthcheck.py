"""What each container's own healthcheck says; one that cannot run says nothing about the service (runbook 2, 4, 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from service_down.checks.framework.check import VERIFY, CheckEvidence, ReportFindings, Target, check, needs_engine
from service_down.checks.framework.targets import long_running, own_log
from service_down.checks.judges.log_evidence import with_reason
from service_down.fixtures.catalog.finding import SEVERITIES, Finding, Proof, finding
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.probes.container_samples import AGAIN
from service_down.fixtures.probes.engine import containers_of
from service_down.fixtures.stack.model import Service

CANNOT_RUN = re.compile(  # a line of the engine or of a shell; a check's own `404: Not Found` is none
    r"executable file not found|(?i:oci runtime exec failed)|^\S*sh: .*not found$|: command not found$"
)
_SECOND = 10**9
Samples = Sequence[Mapping[str, Any]]


@check(
    "healthcheck",
    runbook=("2.compose-ps", "4.docker-ps", "8.compose-ps"),
    over=long_running,
    needs=needs_engine,
    uses=lambda target: (AGAIN, *own_log(target)),
)
def test_healthcheck(target: Target[Service], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The container's own healthcheck passes."""
    found = judge_health(target.spec, seen.value("engine"), seen.mode, seen.value(AGAIN))
    report_findings([with_reason(one, [str(one.facts.get("what"))], target, seen) for one in found])


def judge_health(
    service: Service, view: Mapping[str, Any], mode: str, again: Mapping[str, Any] | None = None
) -> list[Finding]:
    """At most one finding, the worst; impaired, not down, while another container is fine.

    A container that does not run, or is paused, is the state check's business: its last health is stale. `again` are
    further looks at what was starting, first look included.
    """
    now = datetime.fromtimestamp(view["asked"], UTC)
    containers = containers_of(view, service.name, service.aliases)
    stale = ("Restarting", "Paused")  # the engine says `Running` of these too
    running = [one for one in containers if one["State"].get("Running") and not any(map(one["State"].get, stale))]
    judged = [_health(service, one, now, mode, (again or {}).get(one["Id"], ())) for one in running]
    found = sorted((one for one in judged if one), key=lambda one: SEVERITIES[one.severity])
    if found and found[0].severity == "critical" and any(one is None or one.severity == "warning" for one in judged):
        return [replace(found[0], severity="error", impaired=True)]
    return found[:1]


def _health(service: Service, container: Mapping[str, Any], now: datetime, mode: str, again: Samples) -> Finding | None:
    health = container["State"].get("Health") or {}
    status = health.get("Status")
    last = (again[-1].get("health") if again else None) or status
    if status == "unhealthy" or last == "unhealthy":
        return _unhealthy(service, container, health, now, again)
    if status == "starting" and last != "healthy":
        return _starting(service, container, now, mode, again)
    return _flapping(service, container, health) if status == "healthy" else None


def _seen_again(name: str, again: Samples) -> list[Proof]:
    """What the further looks saw, where there were any."""
    if len(again) < 2:
        return []
    seconds = again[-1]["at"] - again[0]["at"]
    return [Proof(f"{name} seen in {len(again)} looks over {seconds:.0f} s", ", ".join(one["health"] for one in again))]


def _unhealthy(
    service: Service, container: Mapping[str, Any], health: Mapping[str, Any], now: datetime, again: Samples
) -> Finding:
    log = health.get("Log") or [{}]
    said = _said(log[-1])
    output = " ".join(said)[-300:]
    exit_code = log[-1].get("ExitCode")
    broken = exit_code in (126, 127) or any(CANNOT_RUN.search(line) for line in said)
    told = container["Config"].get("Healthcheck") or {}
    streak = health.get("FailingStreak") or 1
    failing = timedelta(seconds=streak * (told.get("Interval") or 30 * _SECOND) / _SECOND)
    started = parse_time(container["State"].get("StartedAt"))
    name = container["Name"].lstrip("/")
    return finding(
        "healthcheck-broken" if broken else "healthcheck-failing",
        service.name,
        proof=[
            Proof(f"{name} State.Health.Status", "unhealthy", log[-1].get("End")),
            Proof(f"{name} healthcheck exit code", str(exit_code), log[-1].get("End")),
            Proof(f"{name} healthcheck output", output, log[-1].get("End")),
            *_seen_again(name, again),
        ],
        since=max(now - failing, started or now - failing).isoformat(),
        container=name,
        streak=streak,
        what=said[-1][-200:] if said else f"exit code {exit_code}",
    )


def _said(entry: Mapping[str, Any]) -> list[str]:
    """The lines that one run of the healthcheck printed."""
    return [line.strip() for line in str(entry.get("Output", "")).splitlines() if line.strip()]


def _starting(service: Service, container: Mapping[str, Any], now: datetime, mode: str, again: Samples) -> Finding:
    """A warning in triage: nobody knows yet; in verify it is not over before it is healthy."""
    told = container["Config"].get("Healthcheck") or {}
    started = parse_time(container["State"].get("StartedAt"))
    interval, retries = told.get("Interval") or 30 * _SECOND, told.get("Retries") or 3
    allowed = timedelta(seconds=((told.get("StartPeriod") or 0) + interval * retries) / _SECOND)
    up = now - started if started else allowed
    name = container["Name"].lstrip("/")
    late = f"past the {allowed.total_seconds():.0f} s" if up > allowed else f"of the {allowed.total_seconds():.0f} s"
    what = f"its healthcheck has not passed yet, {up.total_seconds():.0f} s after its start, {late} that it may take"
    return finding(
        "healthcheck-starting",
        service.name,
        severity="error" if mode == VERIFY else None,
        proof=[
            Proof(f"{name} State.Health.Status", "starting", container["State"].get("StartedAt")),
            *_seen_again(name, again),
        ],
        since=container["State"].get("StartedAt"),
        container=name,
        what=what,
    )


def _flapping(service: Service, container: Mapping[str, Any], health: Mapping[str, Any]) -> Finding | None:
    """A warning for one that is called healthy and lately failed after it had passed: Docker waits for `retries`."""
    started = parse_time(container["State"].get("StartedAt"))
    log = [one for one in health.get("Log") or () if started and (parse_time(one.get("Start")) or started) >= started]
    passed = next((index for index, one in enumerate(log) if one.get("ExitCode") == 0), len(log))
    failed = [one for one in log[passed:] if one.get("ExitCode") != 0]
    streak = health.get("FailingStreak") or 0
    failed = failed or log[len(log) - streak :]
    if not failed:
        return None
    said = _said(failed[-1])
    name = container["Name"].lstrip("/")
    return finding(
        "healthcheck-flapping",
        service.name,
        proof=[
            Proof(f"{name} healthcheck exit code", str(failed[-1].get("ExitCode")), failed[-1].get("End")),
            Proof(f"{name} State.Health.FailingStreak", str(streak), log[-1].get("End")),
        ],
        since=failed[0].get("Start"),
        container=name,
        count=len(failed),
        total=len(log),
        what=said[-1][-200:] if said else f"exit code {failed[-1].get('ExitCode')}",
    )
