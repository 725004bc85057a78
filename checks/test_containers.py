"""Each expected service has its containers in the state they should be in (runbook 2, 4, 5, 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check, needs_engine
from service_down.checks.framework.targets import services
from service_down.checks.judges.container_state import judge_container
from service_down.checks.judges.log_evidence import with_log
from service_down.fixtures.catalog.finding import SEVERITIES, Finding, Proof, finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation, parse_time, utc
from service_down.fixtures.probes.container_samples import AGAIN, moves
from service_down.fixtures.probes.engine import containers_of
from service_down.fixtures.stack.model import Service


@check(
    "container-state",
    runbook=("2.compose-ps", "4.docker-ps", "5.container-not-running", "5.out-of-memory", "8.compose-ps"),
    over=services,
    needs=needs_engine,
    uses=lambda target: (f"image:{target.spec.name}", f"logs:{target.spec.name}", AGAIN),
)
def test_container_state(target: Target[Service], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """Running, or a one-shot that finished with 0; and as many containers as the file wants."""
    if not containers_of(seen.value("engine"), target.service, target.spec.aliases):
        _must_exist(target)
    awaited = target.model.awaited(target.service)
    image = seen[f"image:{target.spec.name}"]
    found = judge_state(target.spec, seen.value("engine"), image, seen.value(AGAIN), awaited)
    if not found and _seen_once(target.spec, seen.value("engine"), seen.value(AGAIN)):
        why = seen[AGAIN].text or "the engine did not inspect it again"
        raise CannotCheck(f"it was restarted lately, and no second look was possible: {why}")
    databases = {one.service for one in target.settings.postgres.values()}
    log = seen.value(f"logs:{target.spec.name}")
    report_findings([with_log(one, log, target.spec, target.model, databases) for one in found])


def _must_exist(target: Target[Service]) -> None:
    """Raises CannotLook where nobody knows whether the project has this service at all."""
    if not target.model.is_sure_of(target.service):
        raise CannotCheck(
            f"there is no container of {target.service}, and no compose file that tells whether there should be one"
            f" (expected = false in [services.{target.service}] if not)"
        )


def _seen_once(service: Service, view: Mapping[str, Any], again: Mapping[str, Any] | None) -> bool:
    """Whether a container of it moves, and one look is all there is."""
    now = datetime.fromtimestamp(view["asked"], UTC)
    moving = [one["Id"] for one in containers_of(view, service.name, service.aliases) if moves(one, now)]
    return any(len((again or {}).get(key, ())) < 2 for key in moving)


def judge_state(
    service: Service,
    view: Mapping[str, Any],
    image: Observation,
    again: Mapping[str, Any] | None = None,
    awaited: Iterable[str] = (),
) -> list[Finding]:
    """One finding for the worst container; impaired, not down, while another of them runs as it should.

    `awaited`: the services that wait for this one to finish.
    """
    containers = containers_of(view, service.name, service.aliases)
    if service.replicas == 0:
        return []
    if not containers:
        return [_missing(service, view, image, awaited)]
    now = datetime.fromtimestamp(view["asked"], UTC)
    judged = [
        judge_container(service, one, view["events"], now, (again or {}).get(one["Id"], ())) for one in containers
    ]
    found = sorted((one for one in judged if one is not None), key=lambda one: SEVERITIES[one.severity])
    bad = [one for one in found if one.severity != "warning"]
    if not bad:
        return _too_few(service, containers) or found[:1]
    fine = len(containers) - len(bad)
    if fine:
        count = Proof("containers as they should be", f"{fine} of {len(containers)}")
        return [replace(bad[0], severity="error", impaired=True, proof=(*bad[0].proof, count))]
    return bad[:1]


def _missing(service: Service, view: Mapping[str, Any], image: Observation, awaited: Iterable[str]) -> Finding:
    """No container at all: fatal for what must run, and nothing much for a job that nobody waits for any more."""
    removed = [one for one in view["events"] if one["action"] == "destroy" and one["service"] == service.name]
    since = utc(removed[-1]["at"]) if removed else None
    none = Proof(f"containers of {service.name}", "none: the last one was removed" if since else "none", since)
    if image.outcome == "seen" and not image.value["present"]:
        proof = Proof(f"image {service.image}", "not on this machine", image.at)
        found = finding("image-missing", service.name, proof=[proof, none], since=since, image=service.image)
    else:
        found = finding(
            "container-missing",
            service.name,
            proof=[none],
            since=since,
            count="no container: it was never created, or was removed",
        )
    if service.one_shot and not any(_waits(other, view) for other in awaited):
        return replace(found, severity="warning", summary=f"{found.summary}; nothing waits for this one-shot any more")
    needed = service.leaned_on or service.ports or service.healthcheck or service.one_shot
    if service.restart == "no" and not needed:
        caution = f"If it is a job that ends, say so in stack.toml: [services.{service.name}] one_shot = true."
        return replace(found, severity="error", caution=caution)
    return found


def _waits(service: str, view: Mapping[str, Any]) -> bool:
    """Whether a service has not come up: no container of it was ever started."""
    return all(parse_time(one["State"].get("StartedAt")) is None for one in containers_of(view, service))


def _too_few(service: Service, containers: list[dict[str, Any]]) -> list[Finding]:
    if service.one_shot or len(containers) >= service.replicas:
        return []
    count = f"only {len(containers)} of its {service.replicas} containers"
    proof = Proof(f"containers of {service.name}", f"{len(containers)} of {service.replicas}")
    found = finding("container-missing", service.name, proof=[proof], severity="error", count=count)
    return [replace(found, impaired=True)]
