"""Places at which a service may seem to be, as the engine and the compose file tell of them.

A secret may be sent to some of them, and must not be sent to the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from service_down.fixtures.clients import address
from service_down.fixtures.evidence.observation import CannotCheck, ProbeError
from service_down.fixtures.evidence.probe import Answers
from service_down.fixtures.probes.context import ProbeContext
from service_down.fixtures.settings.schema import ServiceSettings, Settings, Timeouts
from service_down.fixtures.stack.model import Model, PublishedPort, Service
from service_down.tests_meta.fake_docker import (
    NETWORK,
    DockerContainer,
    EngineAnswers,
    FakeDocker,
    NoAnswers,
    compose_labels,
    snapshot_of,
)
from service_down.tests_meta.single_probe import probe_context

SETTINGS_SECRET, CONTAINER_SECRET = "s3ttings/s3cret+x9", "c0ntainer/s3cret+y7"
BRIDGE = {"Id": NETWORK, "Name": "shop_default", "Driver": "bridge"}
COMPOSE = compose_labels("shop", "store")
NO_MODEL = Model((), "compose")
ENVIRONMENT = {
    "POSTGRES_USER": "app",
    "POSTGRES_PASSWORD": CONTAINER_SECRET,
    "REDIS_PASSWORD": CONTAINER_SECRET,
    "RABBITMQ_DEFAULT_USER": "app",
    "RABBITMQ_DEFAULT_PASS": CONTAINER_SECRET,
    "MYSQL_USER": "app",
    "MYSQL_PASSWORD": CONTAINER_SECRET,
    "GF_SECURITY_ADMIN_USER": "app",
    "GF_SECURITY_ADMIN_PASSWORD": CONTAINER_SECRET,
}


@dataclass(frozen=True)
class Place:
    """What the engine and the compose file say of the service `store`, whose port is the server's."""

    containers: Callable[[int], list[DockerContainer]]
    model: Callable[[int], Model]
    host: str | None = None
    has_engine: bool = True
    alias: str | None = None


def own(port: int, *, address: str = "", published: bool = False, **changes: object) -> DockerContainer:
    """The container of `store` that Compose created, with secrets in its environment."""
    container = DockerContainer(
        "shop-store-1",
        COMPOSE,
        address=address,
        published=(port, port) if published else None,
        environment=ENVIRONMENT,
    )
    return replace(container, **changes)  # type: ignore[arg-type]  # the fields of DockerContainer


def stranger(port: int, *, published: bool = False) -> DockerContainer:
    """A container whose image says that it is `store`."""
    return own(port, address="127.0.0.1", published=published, name="fake", labels={}, image_labels=COMPOSE)


def in_network_of(mode: str, *, status: str = "running") -> DockerContainer:
    """A stranger without an address of its own: it uses the host's network, or another container's."""
    return replace(stranger(0), address="", network_mode=mode, status=status)


def in_project(port: int) -> Model:
    """The service is one of the compose file and publishes nothing."""
    return Model((Service("store"),), "compose")


def published(port: int) -> Model:
    """The service publishes its port by the compose file."""
    return Model((Service("store", ports=(PublishedPort("127.0.0.1", port, port),)),), "compose")


UNKNOWN_PLACES = {
    "a stranger's address": Place(lambda port: [stranger(port)], in_project),
    "a stranger's address beside the stopped service": Place(
        lambda port: [stranger(port), own(port, status="exited")], in_project
    ),
    "a stranger on the service's port": Place(lambda port: [stranger(port, published=True)], published),
    "a stranger on the stopped service's port": Place(
        lambda port: [stranger(port, published=True), own(port, status="exited")], published
    ),
    "a stranger on the port of a service of another project": Place(
        lambda port: [stranger(port, published=True)], lambda port: NO_MODEL
    ),
    "a stranger in the host's network, beside the stopped service": Place(
        lambda port: [in_network_of("host"), own(port, status="exited")], published
    ),
    "a stranger in the host's network, for a service of another project": Place(
        lambda port: [in_network_of("host")], lambda port: NO_MODEL
    ),
    "a stranger in the host's network, beside the service in it": Place(
        lambda port: [in_network_of("host"), own(port, network_mode="host")], in_project
    ),
    "a stranger in the service's network": Place(
        lambda port: [in_network_of("container:shop-store-1"), own(port, address="127.0.0.1")], in_project
    ),
    "a stranger in the network of the service with a published port": Place(
        lambda port: [in_network_of("container:shop-store-1"), own(port, published=True)], published
    ),
    "a stranger in the network that the service uses too": Place(
        lambda port: [
            in_network_of("container:vpn"),
            own(port, network_mode="container:vpn"),
            DockerContainer("vpn", compose_labels("shop", "vpn"), address="127.0.0.1"),
        ],
        in_project,
    ),
    "a program on the stopped service's port": Place(lambda port: [own(port, status="exited")], published),
    "a program on the running service's port": Place(lambda port: [own(port)], published),
    "the port of the compose file, without an engine": Place(lambda port: [], published, has_engine=False),
    "localhost": Place(lambda port: [], lambda port: NO_MODEL),
    "localhost, beside the address of a stranger": Place(lambda port: [stranger(port)], lambda port: NO_MODEL),
    "a container that may be a stranger": Place(
        lambda port: [own(port, address="127.0.0.1", image_labels=None)], in_project
    ),
}
STRANGERS = [name for name in UNKNOWN_PLACES if name.startswith("a stranger")]
KNOWN_PLACES = {
    "its own port, beside a stopped stranger in its network": Place(
        lambda port: [in_network_of("container:shop-store-1", status="exited"), own(port, published=True)], published
    ),
    "its own port, beside a stranger in the host's network": Place(
        lambda port: [in_network_of("host"), own(port, published=True)], published
    ),
    "its own address": Place(lambda port: [own(port, address="127.0.0.1")], in_project),
    "its own port": Place(lambda port: [own(port, published=True)], published),
    "a container that an alias names": Place(
        lambda port: [own(port, address="127.0.0.1", name="db-prod", labels={})], in_project, alias="db-prod"
    ),
    "a container that an alias names, whatever its image says": Place(
        lambda port: [replace(stranger(port), name="db-prod")], in_project, alias="db-prod"
    ),
}
HOST = Place(lambda port: [own(port, address="127.0.0.9")], in_project, host="127.0.0.1")


def context_of(place: Place, environ: Mapping[str, str]) -> ProbeContext:
    services = {"store": ServiceSettings(aliases=[place.alias] if place.alias else [])}
    settings = Settings(services=services, timeouts=Timeouts(sql=1.0, redis=1.0, http=2.0))
    return replace(probe_context(settings, **environ), project="shop")


def model_of(place: Place, port: int) -> Model:
    model = place.model(port)
    if place.alias is None:
        return model
    return Model((Service("store", aliases=(place.alias,)),), "compose")


def answers_at(monkeypatch: pytest.MonkeyPatch, place: Place, port: int) -> Answers:
    """The engine's answer at a place; every address is reached over the bridge of the stack's network."""
    monkeypatch.setattr(address, "interface_to", lambda wanted: f"br-{NETWORK[:12]}")
    if not place.has_engine:
        return NoAnswers()
    engine = FakeDocker(place.containers(port), networks_there=[BRIDGE])
    return EngineAnswers(snapshot_of(monkeypatch, engine, context_of(place, {})))


def outcome(ask: Callable[[], object]) -> Exception | None:
    """The exception of a probe; None when it has an answer."""
    try:
        ask()
    except (CannotCheck, ProbeError) as error:
        return error
    return None
