"""The port judge: it names whoever holds a port that a service waits for, and nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service_down.checks.test_ports import judge_port
from service_down.fixtures.engines.docker.parse import engine_state
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.ports import ListeningSocket
from service_down.fixtures.stack.containers import ComposeLabels, Container, EngineState, OtherContainer, PortBinding
from service_down.fixtures.stack.model import PublishedPort, Service

WEB = Service("web")
PORT = PublishedPort("10.0.0.5", 8080, 80)
AT = "2026-11-23T21:00:00Z"
ALLOCATED = "Bind for 10.0.0.5:8080 failed: port is already allocated"


def container(
    name: str = "web", status: str = "exited", *, error: str = "", port: int = 8080, mode: str = "shop_default"
) -> Container:
    """A container of the service `name`, created to publish the port on 10.0.0.5."""
    bindings = (PortBinding(80, "10.0.0.5", port),)
    return Container(
        id=name,
        name=f"{name}-1",
        status=status,
        compose=ComposeLabels(service=name),
        running=status in ("running", "restarting"),
        restarting=status == "restarting",
        start_error=error,
        network_mode=mode,
        configured_ports=bindings,
        bound_ports=bindings if status == "running" and mode != "host" else (),
    )


def other(ip: str = "0.0.0.0", port: int = 8080, protocol: str = "tcp", status: str = "running") -> OtherContainer:
    """A container of another project that publishes a port."""
    return OtherContainer("thief", "thief", None, status, (PortBinding(80, ip, port, protocol),))


def other_of_older_recording() -> OtherContainer:
    """A container of another project as older recordings hold it: the numbers of its ports without addresses."""
    entry = {"name": "thief", "project": None, "state": "running", "ports": [8080]}
    (found,) = engine_state({"asked": 0, "containers": [], "others": [entry]}).others
    return found


def listening(process: str | None, address: str = "0.0.0.0", port: int = 8080) -> ListeningSocket:
    return ListeningSocket(address, port, process, 4711 if process else None)


def engine(*containers: Container, others: tuple[OtherContainer, ...] = ()) -> EngineState:
    return EngineState(project="shop", answered_at=0.0, containers=containers, others=others)


def holders(
    *containers: Container, others: tuple[OtherContainer, ...] = (), sockets: tuple[ListeningSocket, ...] = ()
) -> list[str]:
    """Who holds the port, by the findings."""
    observation = Observation("sockets", "seen", sockets, at=AT)
    findings = judge_port(WEB, PORT, engine(*containers, others=others), observation)
    assert all(finding.code == "port-conflict" for finding in findings)
    return [finding.facts["holder"] for finding in findings]


@pytest.mark.parametrize(
    ("own", "sockets", "holder"),
    [
        ([], [listening("nginx")], "the process nginx (pid 4711)"),
        ([], [listening(None)], "a process of the host"),
        ([container()], [listening("nginx")], "the process nginx (pid 4711)"),
        ([container(status="restarting", error=ALLOCATED)], [listening("nginx")], "the process nginx (pid 4711)"),
        ([container()], [listening("docker-proxy"), listening("nginx")], "the process nginx (pid 4711)"),
    ],
    ids=["no container", "unnamed", "stopped", "restarts in vain", "beside a proxy"],
)
def test_program_that_holds_the_port_is_named(
    own: list[Container], sockets: list[ListeningSocket], holder: str
) -> None:
    assert holders(*own, sockets=tuple(sockets)) == [holder]


@pytest.mark.parametrize(
    ("own", "sockets"),
    [
        ([container(status="running")], [listening("docker-proxy")]),
        ([container(status="restarting")], [listening("docker-proxy")]),
        ([container(status="restarting")], [listening(None)]),
        ([container(status="running", port=9090)], [listening("nginx")]),
        ([container(port=9090)], [listening("nginx")]),
        ([container(status="running", mode="host")], [listening("web")]),
        ([container(mode="host")], [listening("nginx")]),
        ([container()], [listening("docker-proxy"), listening("rootlesskit"), listening("com.docker.backend")]),
        ([container()], [listening("nginx", "127.0.0.1")]),
        ([container()], [listening("nginx", port=8081)]),
        ([container(), container(status="running")], [listening("docker-proxy")]),
    ],
    ids=[
        "runs",
        "crash loop",
        "crash loop, as a user",
        "runs with another port",
        "made for another port",
        "host network",
        "host network, stopped",
        "engine's own forwarders",
        "another address",
        "another port",
        "its other container runs",
    ],
)
def test_no_conflict_when_the_service_does_not_wait_for_the_port(
    own: list[Container], sockets: list[ListeningSocket]
) -> None:
    assert holders(*own, sockets=tuple(sockets)) == []


@pytest.mark.parametrize(
    ("thief", "holds_port"),
    [
        (other(), True),
        (other("10.0.0.5"), True),
        (other("::"), True),
        (other("127.0.0.1"), False),
        (other(protocol="udp"), False),
        (other(port=80), False),
        (other(status="exited"), False),
        (other_of_older_recording(), True),
    ],
    ids=["everywhere", "same", "everywhere, IPv6", "another address", "udp", "another port", "exited", "old recording"],
)
def test_container_of_another_project_holds_the_port_that_it_publishes(thief: OtherContainer, holds_port: bool) -> None:
    assert holders(container(error=ALLOCATED), others=(thief,)) == (["the container thief"] if holds_port else [])


def test_container_of_the_same_project_is_named_too() -> None:
    proxy = (listening("docker-proxy"),)
    api = container("api", "running")
    assert holders(container(), api, sockets=proxy) == ["the container api-1"]
    on_loopback = replace(api, bound_ports=(PortBinding(80, "127.0.0.1", 8080),))
    assert holders(container(), on_loopback, sockets=proxy) == []
    udp = replace(api, bound_ports=(PortBinding(80, "0.0.0.0", 8080, "udp"),))
    assert holders(container(), udp, sockets=proxy) == []


def test_container_that_could_not_be_inspected_cannot_be_judged() -> None:
    hung = replace(container(status="running"), bound_ports=(), inspect_error="timed out")
    with pytest.raises(CannotCheck, match="web-1"):
        holders(hung, sockets=(listening("docker-proxy"),))


def test_engine_is_judged_also_without_the_sockets() -> None:
    unlooked = Observation[tuple[ListeningSocket, ...]]("sockets", "unlooked", text="the engine runs on far")
    assert judge_port(WEB, PORT, engine(container(status="running")), unlooked) == []
    findings = judge_port(WEB, PORT, engine(container(), others=(other(),)), unlooked)
    assert [finding.code for finding in findings] == ["port-conflict"]
    with pytest.raises(CannotCheck, match="port 8080 is not known: the engine runs on far"):
        judge_port(WEB, PORT, engine(container()), unlooked)
