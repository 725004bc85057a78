"""What is known of the containers of a service: as they are, else as the compose file describes them, else nothing."""

from __future__ import annotations

import pytest

from service_down.checks.judges.set_up import Instance, instances
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.prevent import SetUp
from service_down.fixtures.stack.containers import (
    ComposeLabels,
    Container,
    EngineState,
    Health,
    Healthcheck,
    PortBinding,
)
from service_down.fixtures.stack.model import PublishedPort, Service

WEB = Service("web", image="nginx:1", restart="always", ports=(PublishedPort("127.0.0.1", 80, 80),))
HIDDEN = Observation[EngineState]("engine", "unlooked", text="no engine")


def engine(*containers: Container) -> Observation[EngineState]:
    return Observation("engine", "seen", EngineState("shop", 0.0, containers=containers))


def container(**facts: object) -> Container:
    return Container("1", "web-1", compose=ComposeLabels("web"), **facts)  # type: ignore[arg-type]  # its fields


def test_a_container_counts_more_than_the_file() -> None:
    running = container(
        running=True,
        restart_policy="no",
        image="nginx:2",
        memory_limit_bytes=7,
        bound_ports=(PortBinding(80, "0.0.0.0", 80),),
        configured_ports=(PortBinding(80, "", 80),),
    )
    declared = SetUp(declared=True, memory_limit_bytes=9)
    ports = (PublishedPort("0.0.0.0", 80, 80),)
    assert instances(WEB, declared, engine(running)) == [Instance("web-1", "no", 7, "nginx:2", False, ports)]


def test_the_file_tells_where_there_is_no_container_or_no_engine() -> None:
    declared = SetUp(declared=True, memory_limit_bytes=9)
    described = Instance("compose file", "always", 9, "nginx:1", None, WEB.ports)
    assert instances(WEB, declared, engine()) == [described]
    assert instances(WEB, declared, HIDDEN) == [described]


def test_nothing_is_known_without_container_and_file() -> None:
    assert instances(WEB, SetUp(), engine()) == []
    with pytest.raises(CannotCheck, match="no engine"):
        instances(WEB, SetUp(), HIDDEN)


def test_an_image_that_is_built_has_no_version_to_name() -> None:
    assert instances(WEB, SetUp(declared=True, builds=True), engine())[0].image is None
    assert instances(WEB, SetUp(builds=True), engine(container(image="web")))[0].image is None


@pytest.mark.parametrize(
    ("found", "told", "expected"),
    [
        (container(health=Health("healthy")), False, True),
        (container(), True, False),
        (container(healthcheck=Healthcheck()), False, False),  # it is switched off
        (container(healthcheck=Healthcheck()), True, True),
        (container(healthcheck=Healthcheck()), None, None),
    ],
)
def test_whether_a_healthcheck_is_in_force(found: Container, told: bool | None, expected: bool | None) -> None:
    assert instances(WEB, SetUp(healthcheck=told), engine(found))[0].healthcheck is expected
