"""What the checks are about: services, endpoints, databases … as the settings and the Compose model name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service_down.checks.framework.check import AnyTarget, Target
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model, PublishedPort, Service

HOST, STACK = "host", "stack"

Over = Callable[[Settings, Model], Sequence[AnyTarget]]


def services(settings: Settings, model: Model) -> Sequence[Target[Service]]:
    """Every service of the stack."""
    return [Target(one.name, one.name, one, model, settings) for one in model.services]


def long_running(settings: Settings, model: Model) -> Sequence[Target[Service]]:
    """Every service that is to keep running."""
    return [one for one in services(settings, model) if not one.spec.one_shot and one.spec.replicas]


def ports(settings: Settings, model: Model) -> Sequence[Target[PublishedPort]]:
    """Every published port."""
    return [
        Target(f"{one.name}-{port.host_port}", one.name, port, model, settings)
        for one in model.services
        if one.replicas
        for port in one.ports
    ]


def stack(settings: Settings, model: Model) -> Sequence[AnyTarget]:
    """The stack as a whole."""
    return [Target("stack", STACK, None, model, settings)]


def machine(settings: Settings, model: Model) -> Sequence[AnyTarget]:
    """The machine as a whole."""
    return [Target("host", HOST, None, model, settings)]


def disks(settings: Settings, model: Model) -> Sequence[Target[str]]:
    """Every path whose file system is looked at, and the Docker root."""
    return [Target(path, HOST, path, model, settings) for path in [*settings.host.paths, "docker-root"]]


def named(table: str) -> Over:
    """Every entry of a table such as `[endpoints.NAME]`; its service is the one it names, else itself."""

    def over(settings: Settings, model: Model) -> Sequence[AnyTarget]:
        entries: Mapping[str, Any] = getattr(settings, table)
        targets = [Target(name, getattr(one, "service", name), one, model, settings) for name, one in entries.items()]
        return [one for one in targets if _runs(model.service(one.service))]

    return over


def own_log(target: AnyTarget) -> Sequence[str]:
    """The probe of the log of what the check is about; none where it is not of this project."""
    return [f"logs:{target.service}"] if target.model.service(target.service) else []


def _runs(service: Service | None) -> bool:
    """Whether a service is to run at all: scaled to nothing, it answers nothing on purpose."""
    return service is None or service.replicas > 0


def tool(table: str) -> Over:
    """The one monitoring tool of a table such as `[loki]`, where there is one."""

    def over(settings: Settings, model: Model) -> Sequence[AnyTarget]:
        told = getattr(settings, table)
        return [Target(told.service, told.service, told, model, settings)] if told else []

    return over
