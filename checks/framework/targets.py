"""What checks are parametrized over: services, endpoints, databases … as the settings and the model name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from service_down.checks.framework.check import AnyTarget, Target, Targets
from service_down.fixtures.evidence.observation import ProbeKey
from service_down.fixtures.probes.container_logs import LOGS
from service_down.fixtures.probes.host import DOCKER_ROOT
from service_down.fixtures.settings.schema import Section, Settings, Table
from service_down.fixtures.stack.containers import LogTail
from service_down.fixtures.stack.model import Model, PublishedPort, Service

HOST, STACK = "host", "stack"

S = TypeVar("S", bound=Section)


def services(settings: Settings, model: Model) -> Sequence[Target[Service]]:
    """Every service of the stack."""
    return [Target(service.name, service.name, service, model, settings) for service in model.services]


def long_running(settings: Settings, model: Model) -> Sequence[Target[Service]]:
    """Every service that is to keep running."""
    return [target for target in services(settings, model) if not target.spec.one_shot and target.spec.replicas]


def ports(settings: Settings, model: Model) -> Sequence[Target[PublishedPort]]:
    """Every published port."""
    return [
        Target(f"{service.name}-{port.host_port}", service.name, port, model, settings)
        for service in model.services
        if service.replicas
        for port in service.ports
    ]


def stack(settings: Settings, model: Model) -> Sequence[Target[None]]:
    """The stack as a whole."""
    return [Target("stack", STACK, None, model, settings)]


def machine(settings: Settings, model: Model) -> Sequence[Target[None]]:
    """The machine as a whole."""
    return [Target("host", HOST, None, model, settings)]


def disks(settings: Settings, model: Model) -> Sequence[Target[str]]:
    """Every path whose file system is checked, and the engine's data."""
    return [Target(path, HOST, path, model, settings) for path in [*settings.host.paths, DOCKER_ROOT]]


def entries_of(table: Table[S]) -> Targets[S]:
    """Every entry of a subject's table. Its service is the one that it names, else itself.

    A service that is scaled to zero answers nothing on purpose, so its entries are left out.
    """

    def targets(settings: Settings, model: Model) -> Sequence[Target[S]]:
        found = []
        for name, entry in settings.all_of(table).items():
            service = str(getattr(entry, "service", name))
            known = model.service(service)
            if table.several and known is not None and known.replicas == 0:
                continue
            origin = model.derived.get(f"{table.name}.{name}", "")
            found.append(Target(name if table.several else service, service, entry, model, settings, origin))
        return found

    return targets


def own_log(target: AnyTarget) -> Sequence[ProbeKey[Mapping[str, LogTail]]]:
    """The probe of the log of the target's service; none where the service is not of this project."""
    return [LOGS.of(target.service)] if target.model.service(target.service) else []
