"""Each expected service has its containers in the state they should be in (runbook 2, 4, 5, 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check, engine_key
from service_down.checks.framework.targets import services
from service_down.checks.judges.container_state import judge_container
from service_down.checks.judges.log_evidence import log_codes_of, with_log
from service_down.fixtures.catalog.finding import SEVERITIES, Finding, Proof, finding
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import CannotCheck, Observation, parse_time, utc
from service_down.fixtures.probes.container_logs import LOGS
from service_down.fixtures.probes.containers import CONTAINER_SAMPLES, IMAGE, RECENT_SECONDS, Image
from service_down.fixtures.stack.containers import Container, ContainerSample, EngineState, restarted_recently
from service_down.fixtures.stack.model import Service

Samples = Mapping[str, Sequence[ContainerSample]]  # by the container's id


@check(
    "container-state",
    runbook=("2.compose-ps", "4.docker-ps", "5.container-not-running", "5.out-of-memory", "8.compose-ps"),
    targets=services,
    requires=engine_key,
    uses=lambda target: (IMAGE.of(target.spec.name), LOGS.of(target.spec.name), CONTAINER_SAMPLES),
)
def test_container_state(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """It runs, or is a one-shot that ended with 0. There are as many containers as the compose file wants."""
    service, state = target.spec, evidence.required(ENGINE)
    containers = state.containers_of(service.name, service.aliases)
    if len(containers) < service.replicas:
        state.must_list_all(service.name)
    if not containers:
        _must_exist(target)
    samples = evidence.value(CONTAINER_SAMPLES) or {}
    image = evidence[IMAGE.of(service.name)]
    findings = judge_state(service, state, image, samples, target.model.awaited(service.name))
    if not findings and _lacks_samples(service, state, samples):
        why = evidence[CONTAINER_SAMPLES].text or "the engine did not inspect it again"
        raise CannotCheck(f"it was restarted lately, and no second look was possible: {why}")
    log, log_codes = evidence.value(LOGS.of(service.name)), log_codes_of(service.name, target.settings)
    report_findings([with_log(found, log, service, target.model, log_codes) for found in findings])


def _must_exist(target: Target[Service]) -> None:
    """Raises CannotCheck when it is not known whether the project has this service at all."""
    if not target.model.is_sure_of(target.service):
        raise CannotCheck(
            f"there is no container of {target.service}, and no compose file that tells whether there should be one"
            f" (expected = false in [services.{target.service}] if not)"
        )


def _lacks_samples(service: Service, state: EngineState, samples: Samples) -> bool:
    """Whether a container of the service was restarted recently and was inspected only once."""
    return any(
        restarted_recently(container, state.now, RECENT_SECONDS) and len(samples.get(container.id, ())) < 2
        for container in state.containers_of(service.name, service.aliases)
    )


def judge_state(
    service: Service,
    state: EngineState,
    image: Observation[Image],
    samples: Samples | None = None,
    awaited_by: Iterable[str] = (),
) -> list[Finding]:
    """At most one finding, for the worst container. It is impaired, not down, while another runs as it should.

    `awaited_by`: the services that wait for this one to finish.
    """
    containers = state.containers_of(service.name, service.aliases)
    if service.replicas == 0:
        return []
    if not containers:
        return [_missing(service, state, image, awaited_by)]
    judged = [
        judge_container(service, container, state.events, state.now, (samples or {}).get(container.id, ()))
        for container in containers
    ]
    findings = sorted((found for found in judged if found), key=lambda found: SEVERITIES[found.severity])
    failed = [found for found in findings if found.severity != "warning"]
    if not failed:
        return _too_few(service, containers) or findings[:1]
    fine = len(containers) - len(failed)
    if fine:
        count = Proof("containers as they should be", f"{fine} of {len(containers)}")
        return [replace(failed[0], severity="error", impaired=True, proof=(*failed[0].proof, count))]
    return failed[:1]


def _missing(service: Service, state: EngineState, image: Observation[Image], awaited_by: Iterable[str]) -> Finding:
    """No container at all: critical for what must run, a warning for a one-shot that nothing waits for any more."""
    removed = [event.at for event in state.events if event.action == "destroy" and event.service == service.name]
    since = utc(removed[-1]) if removed else None
    none = Proof(f"containers of {service.name}", "none: the last one was removed" if since else "none", since)
    if image.value and not image.value.present:
        proof = Proof(f"image {service.image}", "not on this machine", image.at)
        found = finding("image-missing", service.name, proof=[proof, none], since=since, image=service.image)
    else:
        count = "no container: it was never created, or was removed"
        found = finding("container-missing", service.name, proof=[none], since=since, count=count)
    if service.one_shot and not any(_never_started(other, state) for other in awaited_by):
        return replace(found, severity="warning", summary=f"{found.summary}; nothing waits for this one-shot any more")
    needed = service.must_keep_running or service.ports or service.healthcheck or service.one_shot
    if service.restart == "no" and not needed:
        caution = f"If it is a job that ends, say so in stack.toml: [services.{service.name}] one_shot = true."
        return replace(found, severity="error", caution=caution)
    return found


def _never_started(service: str, state: EngineState) -> bool:
    """Whether no container of a service was ever started."""
    return all(parse_time(container.started) is None for container in state.containers_of(service))


def _too_few(service: Service, containers: Sequence[Container]) -> list[Finding]:
    if service.one_shot or len(containers) >= service.replicas:
        return []
    count = f"only {len(containers)} of its {service.replicas} containers"
    proof = Proof(f"containers of {service.name}", f"{len(containers)} of {service.replicas}")
    found = finding("container-missing", service.name, proof=[proof], severity="error", count=count)
    return [replace(found, impaired=True)]
