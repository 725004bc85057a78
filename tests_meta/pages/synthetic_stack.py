"""Stacks of any size, made of what was recorded of single services: each copy under a name of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from service_down.fixtures.evidence.observation import Evidence, Observation
from service_down.fixtures.evidence.recording import Recording
from service_down.fixtures.settings.schema import Endpoint, Settings
from service_down.fixtures.stack.model import LABEL, Model, Service

KINDS = ("logs", "usage", "image")
HOST = ("disk:", "load", "memory", "sockets", "engine:again", "compose")


@dataclass(frozen=True)
class Part:
    """One service with everything that was seen of it."""

    service: Service
    containers: tuple[dict[str, Any], ...]
    events: tuple[dict[str, Any], ...]
    seen: Mapping[str, Observation]  # by kind of probe
    drift: str = ""  # its hash by Compose
    endpoint: Endpoint | None = None
    answer: Observation | None = None
    endpoint_name: str = ""

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.name


@dataclass(frozen=True)
class Copy:
    """How one service of the made stack is to be."""

    of: Part
    name: str
    needs: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)  # fields of the part to set at last


def part_of(bundle: Recording, name: str) -> Part:
    """What a recording holds of one service."""
    service = bundle.model.service(name)
    assert service is not None, name
    seen = bundle.evidence.observations
    view = seen["engine"].value
    containers = [one for one in view["containers"] if one["Config"]["Labels"].get(LABEL + "service") == name]
    ids = {one["Id"] for one in containers}
    place, endpoint = next(
        ((key, one) for key, one in bundle.settings.endpoints.items() if one.service == name), ("", None)
    )
    return Part(
        service=replace(service, ports=(), aliases=(), critical=True, monitoring=False),
        containers=tuple(containers),
        events=tuple(one for one in view["events"] if one["id"] in ids),
        seen={kind: seen[f"{kind}:{name}"] for kind in KINDS},
        drift=seen["compose:hashes"].value["hashes"][name],
        endpoint=endpoint,
        answer=seen.get(f"http:{place}"),
    )


def made(copy: Copy) -> Part:
    """The part under its new name, with container ids of its own."""
    part = copy.of
    words = {one["Id"]: hashlib.sha256(f"{copy.name}{one['Id']}".encode()).hexdigest() for one in part.containers}
    words[part.name] = copy.name

    def again(value: Any, kind: type[Any]) -> Any:
        return msgspec.convert(renamed(msgspec.to_builtins(value), words), kind)

    containers = again(part.containers, tuple[dict[str, Any], ...])
    for one in containers:
        one["Config"]["Labels"][LABEL + "depends_on"] = ",".join(f"{name}:service_healthy:false" for name in copy.needs)
    changed = Part(
        service=replace(part.service, name=copy.name, depends_on=dict.fromkeys(copy.needs, "service_healthy")),
        containers=containers,
        events=again(part.events, tuple[dict[str, Any], ...]),
        seen={kind: replace(again(one, Observation), probe=f"{kind}:{copy.name}") for kind, one in part.seen.items()},
        drift=part.drift,
        endpoint=again(part.endpoint, Endpoint) if part.endpoint else None,
        answer=again(part.answer, Observation) if part.answer else None,
        endpoint_name=copy.name,
    )
    return replace(changed, **copy.more)


def renamed(value: Any, words: Mapping[str, str]) -> Any:
    """`value` with whole words replaced in every text of it, keys included."""
    pattern = re.compile(r"(?<![A-Za-z0-9_])(" + "|".join(map(re.escape, words)) + r")(?![A-Za-z0-9_])")

    def walk(one: Any) -> Any:
        if isinstance(one, str):
            return pattern.sub(lambda match: words[match.group(1)], one)
        if isinstance(one, dict):
            return {walk(key): walk(inner) for key, inner in one.items()}
        return [walk(inner) for inner in one] if isinstance(one, list | tuple) else one

    return walk(value)


def stack_of(bundle: Recording, parts: Iterable[Part], model: Model | None = None) -> Recording:
    """A run of a stack that consists of these parts, on the machine and at the time of the recording."""
    parts = list(parts)
    seen = {name: one for name, one in bundle.evidence.observations.items() if name.startswith(HOST)}
    engine = bundle.evidence.observations["engine"]
    view = {
        **engine.value,
        "containers": [one for part in parts for one in part.containers],
        "events": sorted((one for part in parts for one in part.events), key=lambda one: float(one["at"])),
    }
    hashes = seen["compose:hashes"]
    seen["engine"] = replace(engine, value=view)
    seen["compose:hashes"] = replace(hashes, value={**hashes.value, "hashes": {one.name: one.drift for one in parts}})
    seen |= {one.probe: one for part in parts for one in part.seen.values()}
    for part in parts:
        if part.answer:
            seen[f"http:{part.endpoint_name}"] = replace(part.answer, probe=f"http:{part.endpoint_name}")
    return Recording(
        Evidence(bundle.evidence.context, seen),
        _settings(bundle.settings, {one.endpoint_name: one.endpoint for one in parts if one.endpoint}),
        model or Model(tuple(one.service for one in parts), "compose"),
        bundle.options,
    )


def _settings(settings: Settings, endpoints: dict[str, Endpoint]) -> Settings:
    return Settings(stack=settings.stack, thresholds=settings.thresholds, host=settings.host, endpoints=endpoints)
