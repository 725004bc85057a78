"""The engine probe: the engine's own clock, what it says of others, and what its errors mean."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import CannotLook, ProbeError
from fixtures.look import Look
from fixtures.probes import engine
from fixtures.probes.engine import ask_engine, client, engine_error
from fixtures.redact import Redactor
from fixtures.settings import Settings

BEHIND = 300.0  # seconds
BRIDGES: list[dict[str, Any]] = [
    {"Id": "ab" * 32, "Name": "shop_default", "Driver": "bridge", "Options": {}},
    {"Id": "cd" * 32, "Name": "bridge", "Driver": "bridge", "Options": {"com.docker.network.bridge.name": "docker0"}},
    {"Id": "ef" * 32, "Name": "lan", "Driver": "macvlan"},
]


class Engine:
    """An engine that tells what it is given; its clock is five minutes behind ours."""

    def __init__(self, *listed: dict[str, Any]) -> None:
        self.listed = list(listed)
        self.wanted: Mapping[str, Any] = {}

    def containers(self, all: bool) -> list[dict[str, Any]]:  # noqa: A002  # the client's own word
        return self.listed

    def info(self) -> dict[str, Any]:
        return {"SystemTime": datetime.fromtimestamp(time.time() - BEHIND, UTC).isoformat()}

    def version(self) -> dict[str, Any]:
        return {}

    def networks(self) -> list[dict[str, Any]]:
        return BRIDGES

    def events(self, **wanted: Any) -> list[dict[str, Any]]:
        self.wanted = wanted
        return []


class Nothing:
    """No other probe's answer is wanted."""

    def raw(self, probe: str) -> Any:
        raise CannotLook(f"{probe} does not answer")


LOOK = Look(Settings(), {}, Redactor(b"salt"), "run", "triage", Path("/srv/shop"), "shop")


def asked(monkeypatch: pytest.MonkeyPatch, told: Engine) -> dict[str, Any]:
    """What the probe makes of what an engine tells."""
    monkeypatch.setattr(engine, "client", lambda look: told)
    return ask_engine(LOOK, Nothing())


def test_events_and_moments_are_by_the_engines_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Engine()
    view = asked(monkeypatch, there)
    engines = time.time() - BEHIND
    assert engines - 5 < view["asked"] <= engines
    assert float(there.wanted["until"]) == pytest.approx(view["asked"], abs=1e-5)
    assert there.wanted["since"] == pytest.approx(view["asked"] - 3600, abs=1)
    assert view["ahead"] == pytest.approx(-BEHIND, abs=5)


def test_an_engine_that_tells_no_time_is_taken_to_have_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Engine()
    monkeypatch.setattr(there, "info", dict)
    assert asked(monkeypatch, there)["asked"] == pytest.approx(time.time(), abs=5)


def test_the_bridges_of_networks_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, Engine())["bridges"] == {"ab" * 32: "br-abababababab", "cd" * 32: "docker0"}


def test_of_a_container_of_others_its_ports_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [
        {"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "0.0.0.0", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
        {"PrivatePort": 9000, "Type": "tcp"},
    ]
    thief = {"Id": "thief", "Names": ["/thief"], "Labels": None, "State": "running", "Ports": ports}
    (other,) = asked(monkeypatch, Engine(thief))["others"]
    assert (other["id"], other["name"], other["ports"]) == ("thief", "thief", [8080, 53])
    assert other["published"] == [
        {"ip": "127.0.0.1", "port": 8080, "inside": 80, "protocol": "tcp"},
        {"ip": "0.0.0.0", "port": 53, "inside": 53, "protocol": "udp"},
    ]


DENIED = "Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))"
ABSENT = "Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file'))"


def test_that_we_may_not_ask_says_nothing_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    from docker.errors import DockerException

    said = {"text": DENIED}

    def refuse(url: str | None, seconds: int) -> Any:
        raise DockerException(said["text"])

    monkeypatch.setattr(engine, "_client", refuse)
    with pytest.raises(CannotLook, match=r"no permission .* /var/run/docker.sock: run as root or in the group docker"):
        client(LOOK)
    said["text"] = ABSENT
    with pytest.raises(ProbeError, match="is the engine running"):
        client(LOOK)


@pytest.mark.parametrize(
    ("text", "kind"),
    [(ABSENT, "refused"), ("Connection refused", "refused"), ("Read timed out.", "timeout"), ("what?", "protocol")],
)
def test_each_other_trouble_of_the_engine_has_its_kind(text: str, kind: str) -> None:
    error = engine_error(Exception(text), "tcp://far:2375")
    assert isinstance(error, ProbeError)
    assert error.kind == kind
    assert "tcp://far:2375" in error.text
