"""Builds recordings of stacks of any size from what was recorded of single services, each copied under its own name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from service_down.fixtures.engines.docker.parse import LABEL
from service_down.fixtures.evidence.observation import Evidence, RawObservation
from service_down.fixtures.evidence.recording import Recording
from service_down.fixtures.probes import endpoints
from service_down.fixtures.probes.endpoints import EndpointSettings
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model, Service

SERVICE_PROBES = ("logs", "usage", "image")
HOST_PROBES = ("disk:", "load", "memory", "sockets", "engine:again", "compose")  # beginnings of probe ids


@dataclass(frozen=True)
class RecordedService:
    """One service with everything that a recording holds of it."""

    service: Service
    containers: tuple[dict[str, Any], ...]
    events: tuple[dict[str, Any], ...]
    observations: Mapping[str, RawObservation]  # by the first part of the probe id
    config_hash: str = ""  # Compose's hash of its configuration
    endpoint: EndpointSettings | None = None
    endpoint_name: str = ""
    answer: RawObservation | None = None  # of the endpoint

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.name


def recorded_service(recording: Recording, name: str) -> RecordedService:
    """Return what a recording holds of one service."""
    service = recording.model.service(name)
    assert service is not None, name
    observations = recording.evidence.observations
    view = observations["engine"].value
    containers = [
        container for container in view["containers"] if container["Config"]["Labels"].get(LABEL + "service") == name
    ]
    ids = {container["Id"] for container in containers}
    entries = recording.settings.all_of(endpoints.TABLE)
    endpoint_name = next((key for key, endpoint in entries.items() if endpoint.service == name), "")
    return RecordedService(
        service=msgspec.structs.replace(service, ports=(), aliases=(), critical=True, monitoring=False),
        containers=tuple(containers),
        events=tuple(event for event in view["events"] if event["id"] in ids),
        observations={kind: observations[f"{kind}:{name}"] for kind in SERVICE_PROBES},
        config_hash=observations["compose:hashes"].value["hashes"][name],
        endpoint=entries.get(endpoint_name),
        endpoint_name=endpoint_name,
        answer=observations.get(f"http:{endpoint_name}"),
    )


def copy_service(source: RecordedService, name: str, needs: tuple[str, ...] = ()) -> RecordedService:
    """Return a copy with a new name, new container ids, and `needs` as the services that it depends on."""
    new_names = {
        container["Id"]: hashlib.sha256(f"{name}{container['Id']}".encode()).hexdigest()
        for container in source.containers
    }
    new_names[source.name] = name

    def renamed(value: Any, kind: type[Any]) -> Any:
        return msgspec.convert(replace_words(msgspec.to_builtins(value), new_names), kind)

    containers = renamed(source.containers, tuple[dict[str, Any], ...])
    for container in containers:
        depends_on = ",".join(f"{needed}:service_healthy:false" for needed in needs)
        container["Config"]["Labels"][LABEL + "depends_on"] = depends_on
    return RecordedService(
        service=msgspec.structs.replace(source.service, name=name, depends_on=dict.fromkeys(needs, "service_healthy")),
        containers=containers,
        events=renamed(source.events, tuple[dict[str, Any], ...]),
        observations={
            kind: replace(renamed(observation, RawObservation), probe=f"{kind}:{name}")
            for kind, observation in source.observations.items()
        },
        config_hash=source.config_hash,
        endpoint=renamed(source.endpoint, EndpointSettings) if source.endpoint else None,
        endpoint_name=name,
        answer=renamed(source.answer, RawObservation) if source.answer else None,
    )


def replace_words(value: Any, words: Mapping[str, str]) -> Any:
    """Return `value` with whole words replaced in all of its texts, keys included."""
    pattern = re.compile(r"(?<![A-Za-z0-9_])(" + "|".join(map(re.escape, words)) + r")(?![A-Za-z0-9_])")

    def walk(node: Any) -> Any:
        if isinstance(node, str):
            return pattern.sub(lambda match: words[match.group(1)], node)
        if isinstance(node, dict):
            return {walk(key): walk(child) for key, child in node.items()}
        return [walk(child) for child in node] if isinstance(node, list | tuple) else node

    return walk(value)


def synthetic_recording(
    source: Recording, services: Iterable[RecordedService], model: Model | None = None
) -> Recording:
    """Return a run of a stack of these services, on the machine and at the time of the source recording."""
    services = list(services)
    observations = {
        probe: observation
        for probe, observation in source.evidence.observations.items()
        if probe.startswith(HOST_PROBES)
    }
    engine = source.evidence.observations["engine"]
    events = [event for service in services for event in service.events]
    view = {
        **engine.value,
        "containers": [container for service in services for container in service.containers],
        "events": sorted(events, key=lambda event: float(event["at"])),
    }
    observations["engine"] = replace(engine, value=view)
    hashes = observations["compose:hashes"]
    config_hashes = {service.name: service.config_hash for service in services}
    observations["compose:hashes"] = replace(hashes, value={**hashes.value, "hashes": config_hashes})
    for service in services:
        observations |= {observation.probe: observation for observation in service.observations.values()}
        if service.answer:
            probe = f"http:{service.endpoint_name}"
            observations[probe] = replace(service.answer, probe=probe)
    return Recording(
        Evidence(source.evidence.context, observations),
        _settings(source.settings, services),
        model or Model(tuple(service.service for service in services), "compose"),
        source.options,
    )


def _settings(settings: Settings, services: list[RecordedService]) -> Settings:
    """Return the source's settings for the host, with the endpoints of these services."""
    entries = {service.endpoint_name: service.endpoint for service in services if service.endpoint}
    bare = Settings(stack=settings.stack, thresholds=settings.thresholds, host=settings.host)
    return bare.with_entries(endpoints.TABLE, **entries)
