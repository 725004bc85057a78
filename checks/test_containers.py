"""Each expected service has its containers in the state they should be in (runbook 2, 4, 5, 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from checks.check import Seen, Settle, Target, check, needs_engine
from checks.container_state import judge_container
from checks.log_signs import with_log
from checks.targets import services
from fixtures.evidence import CannotLook, Observation, utc
from fixtures.finding import Finding, Proof, Severity, finding
from fixtures.model import Service
from fixtures.probes.again import AGAIN, moves
from fixtures.probes.engine import containers_of


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
    removed = [one for one in view["events"] if one["action"] == "destroy" and one["service"] == service.name]
    since = utc(removed[-1]["at"]) if removed else None
    none = Proof(f"containers of {service.name}", "none: the last one was removed" if since else "none", since)
    if image.outcome == "seen" and not image.value["present"]:
        proof = Proof(f"image {service.image}", "not on this machine", image.at)
        return finding("image-missing", service.name, proof=[proof, none], since=since, image=service.image)
    return finding("container-missing", service.name, proof=[none], since=since)


def _too_few(service: Service, containers: list[dict[str, Any]]) -> list[Finding]:
    if service.one_shot or len(containers) >= service.replicas:
        return []
    proof = Proof(f"containers of {service.name}", f"{len(containers)} of {service.replicas}")
    return [finding("container-missing", service.name, proof=[proof], severity="error")]
