"""An engine on another machine: observations of this machine are not used as observations of that one."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TypeVar, cast

import pytest

from service_down.checks.framework.check import CheckEvidence, Target
from service_down.checks.framework.runbook import all_checks
from service_down.fixtures.evidence.observation import CannotCheck, ProbeKey, RawObservation
from service_down.fixtures.evidence.recording import ReplayedObservations
from service_down.fixtures.probes import backup, cleanup, host, ports
from service_down.fixtures.probes.context import LOCAL, ProbeContext
from service_down.fixtures.secrets.redact import Redactor
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.containers import EngineState
from service_down.fixtures.stack.model import Model

T = TypeVar("T")
MODEL = Model((), "labels")


def context_for_engine(url: str | None, inspected_host: str = LOCAL) -> ProbeContext:
    """Return a probe context for an engine at `url`; the probes of the machine run on `inspected_host`."""
    settings = Settings().with_entries(backup.TABLE, db=backup.BackupSettings(path="/", data_dirs=["/"]))
    return ProbeContext(
        settings, {}, Redactor(b"salt"), "run", "triage", Path("/"), "shop", host=inspected_host, engine_url=url
    )


class FakeEngine:
    """The observations of an engine."""

    def value(self, key: ProbeKey[T]) -> T:
        return cast(T, EngineState(project="shop", answered_at=0.0, data_root="/"))


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
def test_engine_host_is_set_only_for_another_machine(url: str | None, machine: str | None) -> None:
    assert context_for_engine(url).engine_host == machine
    assert (context_for_engine(url).wrong_machine is None) == (machine is None)


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
    message = context_for_engine(url).wrong_machine
    assert message is not None
    assert message.endswith(remedy)
    assert "secret" not in message


def test_probes_of_the_machine_cannot_check_a_remote_engine() -> None:
    context = context_for_engine("ssh://me@far")
    probes = [probe for subject in (host, ports, backup, cleanup) for probe in subject.probes(context, MODEL)]
    probes = [probe for probe in probes if probe.id != cleanup.GARBAGE.id]  # the engine answers this one
    assert {probe.id for probe in probes} >= {"disk:/", "disk:docker-root", "load", "sockets", "backup:db", "dir:/"}
    for probe in probes:
        with pytest.raises(CannotCheck) as caught:
            probe.ask(FakeEngine())
        assert str(caught.value) == context.wrong_machine, probe.id


def test_checks_of_the_machine_give_the_same_reason() -> None:
    reason = context_for_engine("ssh://me@far").wrong_machine or ""
    observations = ReplayedObservations(
        {name: RawObservation(name, "unlooked", text=reason) for name in ("disk:/", "memory", "load")}
    )
    for check in [check for check in all_checks() if check.id in ("disk", "inodes", "host-memory", "host-load")]:
        target = Target("host", "host", "/", MODEL, Settings())
        with pytest.raises(CannotCheck) as caught:
            CheckEvidence(check, target, observations, "triage")
        assert str(caught.value) == reason, check.id


def test_a_host_that_the_user_names_can_be_checked() -> None:
    assert context_for_engine("ssh://me@far", "ssh://far").wrong_machine is None
    assert context_for_engine("tcp://localhost:2375").wrong_machine is None
