"""The judge of one container, on containers that were broken on purpose on a real engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec.structs import replace as replace_field

from service_down.checks.judges.container_state import judge_container
from service_down.fixtures.stack.containers import Container, Event, Healthcheck
from service_down.fixtures.stack.model import Service
from service_down.tests_meta.checks.recorded_containers import (
    INSPECTED_AT,
    event,
    recorded_container,
    seconds_of,
)

SERVICE = Service("web")


def code_of(container: Container, *events: Event) -> str:
    found = judge_container(SERVICE, container, events, INSPECTED_AT)
    assert found is not None
    return found.code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ex0", "container-exited"),
        ("ex1", "container-exited"),
        ("abrt", "container-exited"),
        ("segv2", "container-exited"),
        ("kill9", "container-killed"),
        ("oommain", "oom-killed"),
        ("oomchildexit", "oom-killed"),
        ("oomloop", "oom-killed"),
        ("port2", "port-conflict"),
        ("port3", "port-conflict"),
        ("nocmd", "bad-command"),
        ("noperm", "bad-command"),
        ("dir126", "bad-command"),
        ("file2dir", "mount-missing"),
        ("nonet", "network-missing"),
    ],
)
def test_each_recorded_failure_has_its_code_and_proof(name: str, code: str) -> None:
    found = judge_container(SERVICE, recorded_container(name), [], INSPECTED_AT)
    assert found is not None
    assert found.code == code
    assert found.proof


@pytest.mark.parametrize("name", ["hvdemo-ok-1", "loop", "hcnone", "lnone", "oomchild", "term143"])
def test_a_running_container_without_events_has_no_finding(name: str) -> None:
    assert judge_container(SERVICE, recorded_container(name), [], INSPECTED_AT + timedelta(hours=1)) is None


def test_exit_code_137_alone_is_not_out_of_memory() -> None:
    container = recorded_container("stopign")
    assert container.exit_code == 137
    kill = event(container, "kill", signal="9")
    assert code_of(container, event(container, "kill", signal="15"), kill, event(container, "stop")) == (
        "container-stopped"
    )
    assert code_of(container, kill) == "container-killed"
    assert code_of(container) == "container-killed"


def test_the_event_proves_out_of_memory_where_the_flag_is_missing() -> None:
    container = recorded_container("kill9")
    assert not container.oom_killed
    assert code_of(container, event(container, "oom"), event(container, "die", exit_code="137")) == "oom-killed"


def test_a_child_killed_for_memory_since_the_start_is_found_although_the_container_runs() -> None:
    container = recorded_container("oomchild")
    later = event(container, "oom", seconds_of(container.started) + 1)
    earlier = event(container, "oom", seconds_of(container.started) - 1)
    assert code_of(container, later) == "oom-killed"
    assert judge_container(SERVICE, container, [earlier], INSPECTED_AT) is None


@pytest.mark.parametrize("exit_code", [0, 143])
def test_a_clean_end_under_a_restart_policy_was_a_stop(exit_code: int) -> None:
    container = replace(recorded_container("ex0"), exit_code=exit_code, restart_policy="unless-stopped")
    assert code_of(container) == "container-stopped"


@pytest.mark.parametrize(
    ("policy", "exit_code", "restarts", "code"),
    [
        ("always", 137, 0, "container-stopped"),
        ("unless-stopped", 137, 3, "container-stopped"),
        ("on-failure", 143, 0, "container-stopped"),
        ("on-failure", 137, 0, "container-stopped"),
        ("on-failure", 137, 3, "container-killed"),
        ("on-failure", 0, 0, "container-exited"),
        ("no", 137, 0, "container-killed"),
        ("always", 1, 0, "container-exited"),
    ],
)
def test_a_stop_whose_event_is_forgotten_is_told_by_the_restart_that_did_not_come(
    policy: str, exit_code: int, restarts: int, code: str
) -> None:
    container = replace(
        recorded_container("stopign"), restart_policy=policy, exit_code=exit_code, restart_count=restarts
    )
    found = judge_container(SERVICE, container, [], INSPECTED_AT)
    assert found is not None
    assert found.code == code
    assert ("would have been restarted" in found.summary) == (code == "container-stopped")
    assert code_of(replace(container, oom_killed=True)) == "oom-killed"


def test_a_death_whose_event_is_known_without_a_stop_behind_it_was_no_stop() -> None:
    container = replace(recorded_container("stopign"), restart_policy="always", restart_count=0)
    death = event(container, "die", seconds_of(container.finished), exit_code="137")
    found = judge_container(SERVICE, container, [death], INSPECTED_AT)
    assert found is not None
    assert (found.code, "from outside: with restart policy always" in found.summary) == ("container-killed", True)


def test_only_signal_9_kills() -> None:
    container = recorded_container("kill9")
    hangup = event(container, "kill", seconds_of(container.finished), signal="1")
    found = judge_container(SERVICE, container, [hangup], INSPECTED_AT)
    assert found is not None
    assert (found.code, "not recorded" in found.summary) == ("container-killed", True)
    found = judge_container(SERVICE, container, [replace(hangup, signal="9")], INSPECTED_AT)
    assert found is not None
    assert "from outside" in found.summary


def test_a_one_shot_must_end_with_0() -> None:
    one_shot = Service("migrate", one_shot=True)
    assert judge_container(one_shot, recorded_container("hvdemo-init-1"), [], INSPECTED_AT) is None
    found = judge_container(one_shot, recorded_container("hvdemo-initfail-1"), [], INSPECTED_AT)
    assert found is not None
    assert (found.code, found.facts["exit"]) == ("one-shot-failed", "4")


def test_a_container_that_waits_for_another_was_never_started() -> None:
    waiting = Service("api", depends_on={"db": "service_healthy"})
    found = judge_container(waiting, recorded_container("hvdemo-api-1"), [], INSPECTED_AT)
    assert found is not None
    assert found.code == "dependency-blocked"
    assert "db (healthy)" in found.summary


@pytest.mark.parametrize(("healthcheck", "severity"), [(False, "warning"), (True, "critical"), (None, "critical")])
def test_the_healthcheck_of_the_compose_file_shows_a_job_and_not_that_of_the_image(
    healthcheck: bool | None, severity: str
) -> None:
    container = recorded_container("ex0")
    job = replace(container, healthcheck=Healthcheck(), finished=container.started)
    found = judge_container(Service("web", healthcheck=healthcheck), job, [], INSPECTED_AT)
    assert found is not None
    assert found.severity == severity


@pytest.mark.parametrize(
    ("service", "minutes", "severity"),
    [
        (Service("web"), 1, "warning"),
        (Service("web"), 60, "critical"),  # a worker that was stopped, and whose stop was forgotten
        (Service("web", must_keep_running=True), 1, "critical"),
        (Service("web", restart="on-failure"), 60, "critical"),  # by the container's own policy, which is none
    ],
    ids=["short", "long", "must-keep-running", "policy"],
)
def test_an_end_with_0_is_a_job_only_by_all_signs(service: Service, minutes: float, severity: str) -> None:
    ended = replace(
        recorded_container("ex0"),
        started=(INSPECTED_AT - timedelta(minutes=minutes)).isoformat(),
        finished=INSPECTED_AT.isoformat(),
    )
    found = judge_container(service, ended, [], INSPECTED_AT)
    assert found is not None
    assert (found.severity, "by itself" in found.summary) == (severity, False)
    on_failure = replace(ended, restart_policy="on-failure")
    intended = judge_container(replace_field(service, must_keep_running=False), on_failure, [], INSPECTED_AT)
    assert intended is not None
    assert intended.severity == "warning"


def test_a_service_with_a_healthcheck_is_no_job() -> None:
    ended = replace(recorded_container("ex0"), restart_policy="on-failure")
    found = judge_container(Service("web", healthcheck=True), ended, [], INSPECTED_AT)
    assert found is not None
    assert found.severity == "critical"
