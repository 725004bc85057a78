"""Where a service is asked: never at an address that is somebody else's, and no word of a service that nobody found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import CannotLook, ProbeError
from fixtures.look import Look
from fixtures.model import Model, PublishedPort, Service
from fixtures.probes import address
from fixtures.probes.address import Address, locate
from fixtures.probes.route import interface_to
from fixtures.redact import Redactor
from fixtures.settings import Settings

NETWORK, BRIDGE = "ab" * 32, "br-abababababab"
WEB = Service("web")
SHOP = Model((WEB,), "compose")
FILE = Path("/srv/shop/compose.yaml")

ROUTES = """\
Iface   Destination Gateway  Flags RefCnt Use Metric Mask     MTU Window IRTT
eth0    00000000    010200C0 0003  0      0   0      00000000 0   0      0
tun0    000010AC    00000000 0001  0      0   0      0000F0FF 0   0      0
br-abababababab 000012AC 00000000 0001 0  0   0      0000FFFF 0   0      0
eth0    000200C0    00000000 0001  0      0   0      00FFFFFF 0   0      0
"""
ROUTES6 = """\
fd18000000000000000000000000dead 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 1 0 80200001 lo
fd180000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 1 0 00000001 br-abababababab
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 1 0 00000003 eth0
"""  # noqa: E501  # as the kernel writes it


class Told:
    """The engine's answer, or none."""

    def __init__(self, view: Mapping[str, Any] | None) -> None:
        self.view = view

    def raw(self, probe: str) -> Any:
        if self.view is None:
            raise CannotLook("no engine")
        return self.view


def look(url: str | None = None, files: tuple[Path, ...] = (FILE,)) -> Look:
    return Look(
        Settings(), {}, Redactor(b"salt"), "run", "triage", Path("/srv/shop"), compose_files=files, engine_url=url
    )


def container(
    name: str = "web",
    *,
    mode: str = "shop_default",
    state: str = "running",
    ports: Mapping[str, Any] | None = None,
    networks: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A container as the engine probe keeps it; its id is its service's name."""
    runs = state in ("running", "restarting")
    return {
        "Id": name,
        "Name": f"/{name}-1",
        "State": {"Status": state, "Running": runs, "Restarting": state == "restarting"},
        "Config": {"Labels": {"com.docker.compose.service": name}},
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {"Ports": ports or {}, "Networks": networks or {}},
    }


def on(ip: str = "", ip6: str = "", network: str = NETWORK, endpoint: str = "e1") -> dict[str, Any]:
    """One network of a container."""
    return {"shop_default": {"NetworkID": network, "EndpointID": endpoint, "IPAddress": ip, "GlobalIPv6Address": ip6}}


def bound(ip: str, port: int) -> dict[str, Any]:
    return {"80/tcp": [{"HostIp": ip, "HostPort": str(port)}]}


def other(name: str, **published: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "state": "running", "ports": [], "published": [published] if published else []}


def found(
    *containers: dict[str, Any],
    model: Model = SHOP,
    others: tuple[dict[str, Any], ...] = (),
    url: str | None = None,
    files: tuple[Path, ...] = (FILE,),
) -> Address:
    view = {"containers": list(containers), "others": list(others), "bridges": {NETWORK: BRIDGE}}
    return locate(look(url, files), model, "web", 80, None, Told(view))


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Routing tables of a machine with a LAN, a VPN and one bridge of the engine, in place of this one's."""
    (tmp_path / "route").write_text(ROUTES)
    (tmp_path / "ipv6_route").write_text(ROUTES6)
    monkeypatch.setattr(address, "interface_to", lambda wanted: interface_to(wanted, tmp_path), raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "interface"),
    [
        ("172.18.0.3", BRIDGE),
        ("172.19.0.3", "tun0"),
        ("192.0.2.77", "eth0"),
        ("8.8.8.8", "eth0"),
        ("fd18::3", BRIDGE),
        ("fd18::dead", "lo"),
        ("2001:db8::1", "eth0"),
    ],
)
def test_the_most_specific_route_tells_the_interface(tables: Path, wanted: str, interface: str) -> None:
    assert interface_to(wanted, tables) == interface


def test_without_a_routing_table_there_is_no_interface(tmp_path: Path) -> None:
    assert interface_to("172.18.0.3", tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "networks",
    [on("172.18.0.3"), on(ip6="fd18::3"), on("192.0.2.77", "fd18::3")],
    ids=["IPv4", "IPv6 alone", "IPv6 where IPv4 leads astray"],
)
def test_a_container_is_asked_over_its_networks_bridge(networks: dict[str, Any]) -> None:
    told = found(container(networks=networks))
    assert (told.host in ("172.18.0.3", "fd18::3"), told.port, told.via) == (True, 80, "container")


@pytest.mark.parametrize(
    ("networks", "words"),
    [
        (on("192.0.2.77", network="cd" * 32), "192.0.2.77 cannot be reached from here"),
        (on("172.18.0.3", network="cd" * 32), "172.18.0.3 cannot be reached from here"),
        (on("172.19.0.3"), "172.19.0.3 cannot be reached from here"),
        (on("10.1.2.3"), "10.1.2.3 cannot be reached from here"),
        (on(ip6="2001:db8::3"), "2001:db8::3 cannot be reached from here"),
        (on(), "tells no address of it on shop_default"),
    ],
    ids=["macvlan in the LAN", "another engine's bridge", "VPN", "default route", "IPv6", "no address"],
)
def test_an_address_that_leads_elsewhere_is_not_asked(networks: dict[str, Any], words: str) -> None:
    with pytest.raises(CannotLook, match=words):
        found(container(networks=networks))


@pytest.mark.parametrize("networks", [{}, on(endpoint="")], ids=["none", "left"])
def test_a_container_on_no_network_has_certainly_no_address(networks: dict[str, Any]) -> None:
    with pytest.raises(ProbeError, match="no address on any network") as caught:
        found(container(networks=networks))
    assert caught.value.kind == "unreachable"


def test_one_that_waits_to_be_restarted_does_not_run() -> None:
    with pytest.raises(ProbeError, match="is restarting") as caught:
        found(container(state="restarting", networks=on(endpoint="")))
    assert caught.value.kind == "not-running"


def test_the_network_of_another_container_is_followed_to_its_address_and_ports() -> None:
    inner, side = container("vpn", networks=on("172.18.0.3")), container("proxy", mode="container:vpn")
    assert found(container(mode="container:vpn"), inner).host == "172.18.0.3"
    assert found(container(mode="container:proxy"), side, inner).host == "172.18.0.3"
    published = container("vpn", ports=bound("0.0.0.0", 8080), networks=on("172.18.0.3"))
    assert found(container(mode="container:vpn"), published) == Address("127.0.0.1", 8080, "published")
    foreign = other("vpn", ip="0.0.0.0", port=8080, inside=80, protocol="tcp")
    assert found(container(mode="container:vpn"), others=(foreign,)) == Address("127.0.0.1", 8080, "published")
    host = container("vpn", mode="host", networks={"host": {"EndpointID": "e1"}})
    assert found(container(mode="container:vpn"), host) == Address("127.0.0.1", 80, "host network")


@pytest.mark.parametrize(
    ("containers", "others", "error"),
    [
        ([container("vpn", state="exited")], (), ProbeError("not-running", "the network of vpn-1, which is exited")),
        ([], (), ProbeError("unreachable", "a container that is gone")),
        ([container("vpn") | {"InspectError": "timed out"}], (), CannotLook("does not inspect")),
        ([], (other("vpn"),), CannotLook("no address of it on the network of vpn")),
    ],
    ids=["ended", "gone", "hung", "of another project"],
)
def test_the_network_of_another_container_may_be_gone_or_unknown(
    containers: list[dict[str, Any]], others: tuple[dict[str, Any], ...], error: Exception
) -> None:
    with pytest.raises(type(error), match=str(error)) as caught:
        found(container(mode="container:vpn"), *containers, others=others)
    assert getattr(caught.value, "kind", None) == getattr(error, "kind", None)


def test_the_hosts_network_goes_before_a_port_of_the_file() -> None:
    model = Model((Service("web", ports=(PublishedPort("0.0.0.0", 9090, 80),)),), "compose")
    told = found(container(mode="host", networks={"host": {"EndpointID": "e1"}}), model=model)
    assert told == Address("127.0.0.1", 80, "host network")


@pytest.mark.parametrize("url", ["tcp://far:2375", "ssh://me@far"])
def test_a_port_of_a_remote_engine_is_asked_there_and_never_here(url: str) -> None:
    assert found(container(ports=bound("0.0.0.0", 8080)), url=url) == Address("far", 8080, "published")
    assert found(container(ports=bound("10.0.0.5", 8080)), url=url) == Address("10.0.0.5", 8080, "published")
    for ip in ("127.0.0.1", "::1"):
        with pytest.raises(CannotLook, match=f"published on {ip} of far only"):
            found(container(ports=bound(ip, 8080)), url=url)
    with pytest.raises(CannotLook, match="cannot be reached from here"):
        found(container(networks=on("172.18.0.3")), url=url)


@pytest.mark.parametrize("url", [None, "unix:///run/docker.sock", "tcp://127.0.0.1:2375", "tcp://localhost:2375"])
def test_an_engine_on_this_machine_is_asked_here(url: str | None) -> None:
    assert found(container(ports=bound("127.0.0.1", 8080)), url=url) == Address("127.0.0.1", 8080, "published")
    assert found(container(networks=on("172.18.0.3")), url=url).via == "container"


def test_localhost_is_asked_only_for_what_is_certainly_of_no_project() -> None:
    assert found(model=Model((), "compose")) == Address("127.0.0.1", 80, "default")
    assert found(model=Model((), "labels"), files=()) == Address("127.0.0.1", 80, "default")
    with pytest.raises(CannotLook, match="neither a container nor the compose file, which cannot be read, tells"):
        found(model=Model((), "labels", "compose.yaml is broken"))


def test_a_missing_container_is_certain_only_where_there_must_be_one() -> None:
    needs = Service("shop", depends_on={"web": "service_started"})
    for model in (SHOP, Model((WEB, needs), "labels")):
        with pytest.raises(ProbeError, match="its container is missing"):
            found(model=model)
    with pytest.raises(CannotLook, match="no container of web, and no compose file that tells"):
        found(model=Model((WEB,), "labels"))


def test_without_an_engine_the_file_tells_the_published_port_alone() -> None:
    told = Model((Service("web", ports=(PublishedPort("127.0.0.1", 8080, 80),)),), "compose")
    assert locate(look(), told, "web", 80, None, Told(None)) == Address("127.0.0.1", 8080, "published")
    with pytest.raises(CannotLook, match="web publishes no port and the engine does not tell"):
        locate(look(), SHOP, "web", 80, None, Told(None))
    with pytest.raises(CannotLook, match="no file tells a port of web"):
        locate(look(), Model((WEB,), "settings"), "web", 80, None, Told(None))
    with pytest.raises(CannotLook, match=r"published on 127.0.0.1 of far only"):
        locate(look("ssh://far"), told, "web", 80, None, Told(None))
