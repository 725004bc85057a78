"""How the containers of a service are set up; where there are none, how the compose file describes them; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from service_down.checks.framework.check import CheckEvidence, Target
from service_down.fixtures.derive.technologies import Technology, technologies
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.prevent import SET_UP, SetUp
from service_down.fixtures.stack.containers import Container, EngineState
from service_down.fixtures.stack.model import PublishedPort, Service

COMPOSE_FILE = "compose file"
NOT_KNOWN = "not known: {service} has no container, and no compose file tells"


@dataclass(frozen=True)
class Instance:
    """One container as it is, or as the compose file describes it. None: not known.

    `where` is the container's name, or says that it is the file. `memory_limit_bytes` is 0 for no limit.
    """

    where: str
    restart: str | None = None
    memory_limit_bytes: int | None = None
    image: str | None = None
    healthcheck: bool | None = None
    ports: tuple[PublishedPort, ...] = ()


def instances(service: Service, set_up: SetUp, engine: Observation[EngineState]) -> list[Instance]:
    """The containers of a service, else what the compose file says; empty where nothing tells.

    Raises CannotCheck when the engine does not tell, and no compose file does.
    """
    declared = [_described(service, set_up)] if set_up.declared else []
    if engine.value is None:
        if declared:
            return declared
        raise CannotCheck(f"engine could not be asked: {engine.text}")
    containers = engine.value.containers_of(service.name, service.aliases)
    return [_found(service, container, set_up) for container in containers] or declared


def known_instances(target: Target[Service], evidence: CheckEvidence) -> list[Instance]:
    """The instances of a check's service. Skips the check where nothing is known of any."""
    found = instances(target.spec, set_up_of(target, evidence), evidence[ENGINE])
    if not found:
        pytest.skip(NOT_KNOWN.format(service=target.spec.name))
    return found


def set_up_of(target: Target[Service], evidence: CheckEvidence) -> SetUp:
    """How the service of a check is set up."""
    return evidence.required(SET_UP).get(target.spec.name, SetUp())


def technology_of(set_up: SetUp) -> Technology:
    """What is known of the program that a service runs; nothing for none."""
    return technologies().get(set_up.technology, Technology())


def _described(service: Service, set_up: SetUp) -> Instance:
    return Instance(
        where=COMPOSE_FILE,
        restart=service.restart,
        memory_limit_bytes=set_up.memory_limit_bytes,
        image=None if set_up.builds else service.image,
        healthcheck=set_up.healthcheck,
        ports=service.ports,
    )


def _found(service: Service, container: Container, set_up: SetUp) -> Instance:
    bindings = container.bound_ports if container.running else container.configured_ports
    return Instance(
        where=container.name,
        restart=container.restart_policy,
        memory_limit_bytes=container.memory_limit_bytes,
        image=None if set_up.builds else container.image,
        healthcheck=_has_healthcheck(container, set_up),
        ports=tuple(_once(PublishedPort(port.host_ip, port.host_port, port.container_port) for port in bindings)),
    )


def _has_healthcheck(container: Container, set_up: SetUp) -> bool | None:
    """Whether a healthcheck is in force; one that is switched off is configured too."""
    if container.health is not None:
        return True
    if container.healthcheck is None:
        return False
    return set_up.healthcheck


def _once(ports: Iterable[PublishedPort]) -> Iterable[PublishedPort]:
    return dict.fromkeys(ports)
