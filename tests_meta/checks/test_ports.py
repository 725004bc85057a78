"""The port judge: whoever holds a port that a service waits for, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from service_down.checks.test_host import judge_port
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.stack.model import PublishedPort, Service

WEB = Service("web")
PORT = PublishedPort("10.0.0.5", 8080, 80)
AT = "2026-11-23T21:00:00Z"
ALLOCATED = "Bind for 10.0.0.5:8080 failed: port is already allocated"


def container(
    name: str = "web", state: str = "exited", *, error: str = "", port: int = 8080, mode: str = "shop_default"
) -> dict[str, Any]:
    """A container of the service `name`, made to publish the port on 10.0.0.5."""
    bindings = {"80/tcp": [{"HostIp": "10.0.0.5", "HostPort": str(port)}]}
    runs = state in ("running", "restarting")
    return {
        "Name": f"/{name}-1",
        "State": {"Status": state, "Running": runs, "Restarting": state == "restarting", "Error": error},
        "Config": {"Labels": {"com.docker.compose.service": name}},
        "HostConfig": {"NetworkMode": mode, "PortBindings": bindings},
        "NetworkSettings": {"Ports": bindings if state == "running" and mode != "host" else {}},
    }


def other(ip: str = "0.0.0.0", port: int = 8080, protocol: str = "tcp", state: str = "running") -> dict[str, Any]:
    """A container of somebody else, as the engine probe keeps it."""
    published = [{"ip": ip, "port": port, "inside": 80, "protocol": protocol}]
    return {"name": "thief", "project": None, "state": state, "ports": [port], "published": published}


def listening(process: str | None, address: str = "0.0.0.0", port: int = 8080) -> dict[str, Any]:
    return {"address": address, "port": port, "process": process, "pid": process and 4711}


def holders(
    *containers: dict[str, Any], others: tuple[dict[str, Any], ...] = (), sockets: tuple[dict[str, Any], ...] = ()
) -> list[str]:
    """Who is said to hold the port."""
    view = {"containers": list(containers), "others": list(others)}
    found = judge_port(WEB, PORT, view, Observation("sockets", "seen", list(sockets), at=AT))
    assert all(one.code == "port-conflict" for one in found)
    return [str(one.facts["holder"]) for one in found]


@pytest.mark.parametrize(
    ("own", "sockets", "holder"),
    [
        ([], [listening("nginx")], "the process nginx (pid 4711)"),
        ([], [listening(None)], "a process of the host"),
        ([container()], [listening("nginx")], "the process nginx (pid 4711)"),
        ([container(state="restarting", error=ALLOCATED)], [listening("nginx")], "the process nginx (pid 4711)"),
        ([container()], [listening("docker-proxy"), listening("nginx")], "the process nginx (pid 4711)"),
    ],
    ids=["no container", "unnamed", "stopped", "restarts in vain", "beside a proxy"],
)
def test_a_program_that_holds_the_port_is_named(own: list[Any], sockets: list[Any], holder: str) -> None:
    assert holders(*own, sockets=tuple(sockets)) == [holder]


@pytest.mark.parametrize(
    ("own", "sockets"),
    [
        ([container(state="running")], [listening("docker-proxy")]),
        ([container(state="restarting")], [listening("docker-proxy")]),
        ([container(state="restarting")], [listening(None)]),
        ([container(state="running", port=9090)], [listening("nginx")]),
        ([container(port=9090)], [listening("nginx")]),
        ([container(state="running", mode="host")], [listening("web")]),
        ([container(mode="host")], [listening("nginx")]),
        ([container()], [listening("docker-proxy"), listening("rootlesskit"), listening("com.docker.backend")]),
        ([container()], [listening("nginx", "127.0.0.1")]),
        ([container()], [listening("nginx", port=8081)]),
        ([container(), container(state="running")], [listening("docker-proxy")]),
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
def test_nobody_is_accused_of_holding_a_port_that_is_not_waited_for(own: list[Any], sockets: list[Any]) -> None:
    assert holders(*own, sockets=tuple(sockets)) == []


@pytest.mark.parametrize(
    ("thief", "held"),
    [
        (other(), True),
        (other("10.0.0.5"), True),
        (other("::"), True),
        (other("127.0.0.1"), False),
        (other(protocol="udp"), False),
        (other(port=80), False),
        (other(state="exited"), False),
        ({"name": "thief", "project": None, "state": "running", "ports": [8080]}, True),
    ],
    ids=["everywhere", "same", "everywhere, IPv6", "another address", "udp", "another port", "exited", "old recording"],
)
def test_a_container_of_another_project_holds_what_it_publishes_there(thief: dict[str, Any], held: bool) -> None:
    assert holders(container(error=ALLOCATED), others=(thief,)) == (["the container thief"] if held else [])


def test_a_container_of_the_same_project_is_named_too() -> None:
    proxy = (listening("docker-proxy"),)
    assert holders(container(), container("api", "running"), sockets=proxy) == ["the container api-1"]
    elsewhere = container("api", "running")
    elsewhere["NetworkSettings"]["Ports"] = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
    assert holders(container(), elsewhere, sockets=proxy) == []
    elsewhere["NetworkSettings"]["Ports"] = {"80/udp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}
    assert holders(container(), elsewhere, sockets=proxy) == []


def test_a_container_that_could_not_be_inspected_accuses_nobody() -> None:
    hung = container(state="running") | {"InspectError": "timed out"}
    hung["NetworkSettings"] = {"Networks": {}}
    with pytest.raises(CannotCheck, match="web-1"):
        holders(hung, sockets=(listening("docker-proxy"),))


def test_without_the_socket_table_the_engine_still_tells() -> None:
    unlooked = Observation("sockets", "unlooked", text="the engine runs on far")
    view = {"containers": [container(state="running")], "others": []}
    assert judge_port(WEB, PORT, view, unlooked) == []
    view = {"containers": [container()], "others": [other()]}
    assert [one.code for one in judge_port(WEB, PORT, view, unlooked)] == ["port-conflict"]
    with pytest.raises(CannotCheck, match="port 8080 is not known: the engine runs on far"):
        judge_port(WEB, PORT, {"containers": [container()], "others": []}, unlooked)
