"""A Docker client without an engine: its containers have the labels of their images beside their own, as in Docker."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import pytest

from service_down.fixtures.engines.docker import listing
from service_down.fixtures.engines.docker import snapshot as snapshot_module
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import CannotCheck, ProbeKey
from service_down.fixtures.probes.context import ProbeContext

T = TypeVar("T")
LABEL = "com.docker.compose."
NETWORK = "ab" * 32


def compose_labels(project: str, service: str) -> dict[str, str]:
    """The labels of a container that Compose 2 created."""
    labels = {
        "project": project,
        "service": service,
        "oneoff": "False",
        "container-number": "1",
        "config-hash": "1f" * 32,
        "image": "sha256:" + "2e" * 32,
        "project.config_files": f"/srv/{project}/compose.yaml",
        "project.working_dir": f"/srv/{project}",
        "version": "2.26.1",
    }
    return {LABEL + name: value for name, value in labels.items()}


def without(labels: Mapping[str, str], *names: str) -> dict[str, str]:
    """The labels without these of Compose."""
    return {name: value for name, value in labels.items() if name.removeprefix(LABEL) not in names}


@dataclass(frozen=True)
class DockerContainer:
    """A container. `labels` are its own, `image_labels` those of its image; None: the engine does not tell them."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    image_labels: Mapping[str, str] | None = field(default_factory=dict)
    status: str = "running"
    address: str = ""
    published: tuple[int, int] | None = None  # port in the container, port of the machine
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()
    network_mode: str = "shop_default"

    @property
    def all_labels(self) -> dict[str, str]:
        """Its labels, as the engine shows them."""
        return {**(self.image_labels or {}), **self.labels}

    def listed(self) -> dict[str, Any]:
        """The container in the engine's list."""
        inner, outer = self.published or (0, 0)
        ports = [{"IP": "127.0.0.1", "PrivatePort": inner, "PublicPort": outer, "Type": "tcp"}] if outer else []
        return {
            "Id": self.name,
            "Names": [f"/{self.name}"],
            "Image": f"image-of-{self.name}:1",
            "ImageID": f"sha256:{self.name}",
            "Labels": self.all_labels,
            "State": self.status,
            "Ports": ports,
            "HostConfig": {"NetworkMode": self.network_mode},
        }

    def inspected(self) -> dict[str, Any]:
        """The container, inspected."""
        inner, outer = self.published or (0, 0)
        endpoint = {"NetworkID": NETWORK, "EndpointID": "e1", "IPAddress": self.address}
        ports = {f"{inner}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(outer)}]} if outer else {}
        return {
            "Id": self.name,
            "Name": f"/{self.name}",
            "State": {"Status": self.status, "Running": self.status == "running"},
            "Config": {
                "Image": f"image-of-{self.name}:1",
                "Labels": self.all_labels,
                "Env": [f"{name}={value}" for name, value in self.environment.items()],
                "Cmd": list(self.command),
            },
            "HostConfig": {"NetworkMode": self.network_mode, "PortBindings": ports},
            "NetworkSettings": {"Networks": {"shop_default": endpoint} if self.address else {}, "Ports": ports},
        }


@dataclass
class FakeDocker:
    """The client of an engine with these containers, networks and events; its clock is ahead of this machine's."""

    containers_there: Sequence[DockerContainer] = ()
    networks_there: Sequence[Mapping[str, Any]] = ()
    events_there: Sequence[Mapping[str, Any]] = ()
    clock_ahead_seconds: float = 0.0
    event_filter: Mapping[str, Any] = field(default_factory=dict)
    asked_images: list[str] = field(default_factory=list)

    def containers(self, all: bool) -> list[dict[str, Any]]:  # noqa: A002  # the client's own word
        return [container.listed() for container in self.containers_there]

    def inspect_container(self, container_id: str) -> dict[str, Any]:
        return next(found.inspected() for found in self.containers_there if found.name == container_id)

    def inspect_image(self, image_id: str) -> dict[str, Any]:
        from docker.errors import ImageNotFound

        self.asked_images.append(image_id)
        name = image_id.removeprefix("sha256:")
        labels = next(found.image_labels for found in self.containers_there if found.name == name)
        if labels is None:
            raise ImageNotFound("no such image")
        return {"Id": image_id, "Config": {"Labels": dict(labels) or None}}

    def info(self) -> dict[str, Any]:
        return {"SystemTime": datetime.fromtimestamp(time.time() + self.clock_ahead_seconds, UTC).isoformat()}

    def version(self) -> dict[str, Any]:
        return {}

    def networks(self) -> list[Mapping[str, Any]]:
        return list(self.networks_there)

    def volumes(self, filters: Mapping[str, str]) -> dict[str, Any]:
        return {"Volumes": None}

    def events(self, **event_filter: Any) -> list[Mapping[str, Any]]:
        self.event_filter = event_filter
        return list(self.events_there)


class NoAnswers:
    """No other probe has an answer."""

    def value(self, key: ProbeKey[T]) -> T:
        raise CannotCheck(f"{key.id} does not answer")


@dataclass(frozen=True)
class EngineAnswers:
    """The answers of a run: the engine's snapshot, and no other."""

    snapshot: Mapping[str, Any]

    def value(self, key: ProbeKey[T]) -> T:
        assert key.id == ENGINE.id
        return cast(T, ENGINE.read(self.snapshot))


def snapshot_of(monkeypatch: pytest.MonkeyPatch, engine: FakeDocker, context: ProbeContext) -> dict[str, Any]:
    """The snapshot that a probe takes of this engine."""
    monkeypatch.setattr(listing, "client", lambda context: engine)
    return snapshot_module.snapshot(context, NoAnswers())
