"""Each expected service has its containers in the state they should be in (runbook 2, 4, 5, 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.check import VERIFY, Seen, Settle, Target, check, needs_engine
from checks.container_state import judge_container
from checks.log_signs import with_log
from checks.targets import long_running, services
from fixtures.evidence import CannotLook, Observation, parse_time
from fixtures.finding import Finding, Proof, Severity, finding
from fixtures.model import Service
from fixtures.probes.again import AGAIN, moves
from fixtures.probes.engine import containers_of

CANNOT_RUN = re.compile(
    r"executable file not found|oci runtime exec failed|^\S*sh: .*not found|: (?:command )?not found$", re.IGNORECASE
)
ORDER = {"critical": 0, "error": 1, "warning": 2}
_SECOND = 10**9


@check(
    "container-state",
    runbook=("2.compose-ps", "4.docker-ps", "5.container-not-running", "5.out-of-memory", "8.compose-ps"),
    over=services,
    needs=needs_engine,
    uses=lambda target: (f"image:{target.spec.name}", f"logs:{target.spec.name}", AGAIN),
)
def test_container_state(target: Target[Service], seen: Seen, settle: Settle) -> None:
    """Running, or a one-shot that finished with 0; and as many containers as the file wants."""
    found = judge_state(target.spec, seen.value("engine"), seen[f"image:{target.spec.name}"], seen.value(AGAIN))
    if not found and seen[AGAIN].outcome == "unlooked" and _moving(target.spec, seen.value("engine")):
        raise CannotLook(f"it was restarted lately, and no second look was possible: {seen[AGAIN].text}")
    databases = {one.service for one in target.settings.postgres.values()}
    log = seen.value(f"logs:{target.spec.name}")
    settle([with_log(one, log, target.spec, target.model, databases) for one in found])


def _moving(service: Service, view: Mapping[str, Any]) -> bool:
    now = datetime.fromtimestamp(view["asked"], UTC)
    return any(moves(one, now) for one in containers_of(view, service.name, service.aliases))


def judge_state(
    service: Service, view: Mapping[str, Any], image: Observation, again: Mapping[str, Any] | None = None
) -> list[Finding]:
    """One finding for the worst container; impaired, not down, while another of them runs as it should."""
    containers = containers_of(view, service.name, service.aliases)
    if not containers:
        return [] if service.replicas == 0 else [_missing(service, view, image)]
    now = datetime.fromtimestamp(view["asked"], UTC)
    judged = [
        judge_container(service, one, view["events"], now, (again or {}).get(one["Id"], ())) for one in containers
    ]
    found = [one for one in judged if one is not None]
    if not found:
        return _too_few(service, containers)
    fine = len(containers) - len(found)
    if service.replicas == 0:
        return []
    if fine:
        count = Proof("containers as they should be", f"{fine} of {len(containers)}")
        severity: Severity = "error" if found[0].severity == "critical" else found[0].severity
        return [replace(found[0], severity=severity, proof=(*found[0].proof, count))]
    return found[:1]


def _missing(service: Service, view: Mapping[str, Any], image: Observation) -> Finding:
    if image.outcome == "seen" and not image.value["present"]:
        proof = Proof(f"image {service.image}", "not on this machine", image.at)
        return finding("image-missing", service.name, proof=[proof], image=service.image)
    return finding("container-missing", service.name, proof=[Proof(f"containers of {service.name}", "none")])


def _too_few(service: Service, containers: list[dict[str, Any]]) -> list[Finding]:
    if service.one_shot or len(containers) >= service.replicas:
        return []
    proof = Proof(f"containers of {service.name}", f"{len(containers)} of {service.replicas}")
    return [finding("container-missing", service.name, proof=[proof], severity="error")]


@check(
    "healthcheck",
    runbook=("2.compose-ps", "4.docker-ps", "8.compose-ps"),
    over=long_running,
    needs=needs_engine,
)
def test_healthcheck(target: Target[Service], seen: Seen, settle: Settle) -> None:
    """The container's own healthcheck passes; a check that cannot run says nothing about the service."""
    settle(judge_health(target.spec, seen.value("engine"), seen.mode))


def judge_health(service: Service, view: Mapping[str, Any], mode: str) -> list[Finding]:
    """At most one finding, the worst; impaired, not down, while another container is fine.

    A container that does not run is the state check's business: its last health is stale.
    """
    now = datetime.fromtimestamp(view["asked"], UTC)
    containers = containers_of(view, service.name, service.aliases)
    running = [one for one in containers if one["State"].get("Running") and not one["State"].get("Restarting")]
    judged = [_health(service, one, now, mode) for one in running]
    found = sorted((one for one in judged if one), key=lambda one: ORDER[one.severity])
    if found and found[0].severity == "critical" and None in judged:
        return [replace(found[0], severity="error")]
    return found[:1]


def _health(service: Service, container: Mapping[str, Any], now: datetime, mode: str) -> Finding | None:
    health = container["State"].get("Health") or {}
    if health.get("Status") == "unhealthy":
        return _unhealthy(service, container, health, now)
    if health.get("Status") == "starting":
        return _starting(service, container, now, mode)
    return None


def _unhealthy(service: Service, container: Mapping[str, Any], health: Mapping[str, Any], now: datetime) -> Finding:
    log = health.get("Log") or [{}]
    said = [line.strip() for line in str(log[-1].get("Output", "")).splitlines() if line.strip()]
    output = " ".join(said)[-300:]
    exit_code = log[-1].get("ExitCode")
    broken = exit_code in (126, 127) or bool(CANNOT_RUN.search(output))
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
        ],
        since=max(now - failing, started or now - failing).isoformat(),
        container=name,
        streak=health.get("FailingStreak"),
        what=said[-1][-200:] if said else f"exit code {exit_code}",
    )


def _starting(service: Service, container: Mapping[str, Any], now: datetime, mode: str) -> Finding | None:
    """In triage a warning once the start period is over; in verify it is not over before it is healthy."""
    told = container["Config"].get("Healthcheck") or {}
    started = parse_time(container["State"].get("StartedAt"))
    interval, retries = told.get("Interval") or 30 * _SECOND, told.get("Retries") or 3
    allowed = timedelta(seconds=((told.get("StartPeriod") or 0) + interval * retries) / _SECOND)
    up = now - started if started else allowed
    if mode != VERIFY and up <= allowed:
        return None
    name = container["Name"].lstrip("/")
    what = f"its healthcheck has not passed yet, {up.total_seconds():.0f} s after its start"
    return finding(
        "healthcheck-starting",
        service.name,
        severity="error" if mode == VERIFY else None,
        proof=[Proof(f"{name} State.Health.Status", "starting", container["State"].get("StartedAt"))],
        since=container["State"].get("StartedAt"),
        container=name,
        what=what,
    )


@check("network", runbook=("4.network",), over=long_running, needs=needs_engine)
def test_network(target: Target[Service], seen: Seen, settle: Settle) -> None:
    """A running container is on its networks, under its service's name."""
    settle(judge_network(target.spec, seen.value("engine")))


def _is_on(network: str, attached: Iterable[str]) -> bool:
    """Whether a network, told by its name or the beginning of its id, is among those."""
    return any(one == network or (len(network) >= 12 and one.startswith(network)) for one in attached)


def judge_network(service: Service, view: Mapping[str, Any]) -> list[Finding]:
    """One finding when peers cannot find a running container by name."""
    for container in containers_of(view, service.name, service.aliases):
        mode = str(container["HostConfig"].get("NetworkMode") or "")
        if (
            not container["State"].get("Running")
            or container["State"].get("Restarting")
            or mode.startswith(("host", "none", "container:"))
        ):
            continue
        networks = container["NetworkSettings"].get("Networks") or {}
        joined = {name: one for name, one in networks.items() if one.get("EndpointID") or one.get("IPAddress")}
        named = [
            name
            for name, one in joined.items()
            if service.name in {*(one.get("Aliases") or ()), *(one.get("DNSNames") or ())}
        ]
        name = container["Name"].lstrip("/")
        attached = {*joined, *(str(one.get("NetworkID")) for one in joined.values())}
        home = mode if mode not in ("", "default", "bridge") and not _is_on(mode, attached) else ""
        if not joined:
            what = "it is on no network"
        elif home:
            what = f"it is on {', '.join(joined)}, and cut from {home}, which it was made for"
        elif not named and (container["Config"].get("Labels") or {}).get("com.docker.compose.service"):
            what = f"it is on {', '.join(joined)} without the name {service.name}"
        else:
            continue
        proof = Proof(f"{name} NetworkSettings.Networks", ", ".join(networks) or "none")
        return [finding("network-detached", service.name, proof=[proof], container=name, what=what, network=home)]
    return []
