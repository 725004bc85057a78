"""An engine on another machine: what this machine says of itself says nothing of that one."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from service_down.checks.framework.check import CheckEvidence, Target
from service_down.checks.framework.runbook import all_checks
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.evidence.recording import ReplayedObservations
from service_down.fixtures.probes import host
from service_down.fixtures.probes.context import LOCAL, ProbeContext
from service_down.fixtures.secrets.redact import Redactor
from service_down.fixtures.settings.schema import Backup, Settings
from service_down.fixtures.stack.model import Model


def context(url: str | None, at: str = LOCAL) -> ProbeContext:
    settings = Settings(backup={"db": Backup(path="/", data_dirs=["/"])})
    return ProbeContext(settings, {}, Redactor(b"salt"), "run", "triage", Path("/"), "shop", host=at, engine_url=url)


class Engine:
    """The engine's answer."""

    def raw(self, probe: str) -> Any:
        return {"root": "/"}


@pytest.mark.parametrize(
    ("url", "machine"),
    [
        (None, None),
        ("unix:///var/run/docker.sock", None),
        ("tcp://localhost:2375", None),
        ("tcp://127.0.0.1:2375", None),
        ("tcp://[::1]:2375", None),
        (f"ssh://me@{platform.node().upper()}", None),
        ("ssh://me@far:22", "far"),
        ("tcp://10.0.0.5:2376", "10.0.0.5"),
        ("https://far:2376", "far"),
    ],
)
def test_the_engines_machine_is_told_only_where_it_is_another(url: str | None, machine: str | None) -> None:
    assert context(url).engine_host == machine
    assert (context(url).elsewhere is None) == (machine is None)


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("ssh://me@far", "--hosts=ssh://me@far"),
        ("ssh://me:secret@far:2222", "--hosts=ssh://me@far"),
        ("tcp://far:2376", "--hosts=ssh://far"),
        ("tcp://[fd00::5]:2376", "--hosts=ssh://[fd00::5]"),
    ],
)
def test_the_remedy_can_be_pasted(url: str, remedy: str) -> None:
    told = context(url).elsewhere
    assert told is not None
    assert told.endswith(remedy)
    assert "secret" not in told


def test_no_probe_of_the_machine_speaks_for_another() -> None:
    at = context("ssh://me@far")
    probes = list(host.probes(at))
    assert {one.id for one in probes} >= {"disk:/", "disk:docker-root", "load", "sockets", "backup:db", "dir:/"}
    for probe in probes:
        with pytest.raises(CannotCheck) as caught:
            probe.ask(Engine())
        assert str(caught.value) == at.elsewhere, probe.id


def test_its_checks_say_so_in_one_and_the_same_sentence() -> None:
    why = context("ssh://me@far").elsewhere or ""
    asked = ReplayedObservations(
        {name: Observation(name, "unlooked", text=why) for name in ("disk:/", "memory", "load")}
    )
    for described in [one for one in all_checks() if one.id in ("disk", "inodes", "host-memory", "host-load")]:
        target = Target("host", "host", "/", Model((), "labels"), Settings())
        with pytest.raises(CannotCheck) as caught:
            CheckEvidence(described, target, asked, "triage")
        assert str(caught.value) == why, described.id


def test_the_machine_that_was_named_is_looked_at() -> None:
    assert context("ssh://me@far", "ssh://far").elsewhere is None
    assert context("tcp://localhost:2375").elsewhere is None
