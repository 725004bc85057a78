"""Containers that crash: how often, why, and since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service_down.checks.judges.container_state import judge_container
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.stack.containers import Container, Event, Health
from service_down.fixtures.stack.model import Service
from service_down.tests_meta.checks import recorded_containers
from service_down.tests_meta.checks.recorded_containers import recorded_container, seconds_of

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
API = Service("api")


def running(seconds: float, restarts: int, health: str | None = None) -> Container:
    """A container that has been running for so many seconds."""
    return replace(
        recorded_container("loop"),
        status="running",
        running=True,
        restarting=False,
        restart_count=restarts,
        created=(NOW - timedelta(days=30)).isoformat(),
        started=(NOW - timedelta(seconds=seconds)).isoformat(),
        health=Health(health) if health else None,
    )


def event(container: Container, action: str, seconds_ago: float, signal: str | None = None) -> Event:
    return recorded_containers.event(container, action, NOW.timestamp() - seconds_ago, signal=signal)


def deaths(container: Container, *seconds_ago: float, exit_code: str = "1") -> list[Event]:
    return [replace(event(container, "die", seconds), exit_code=exit_code) for seconds in seconds_ago]


def judge(container: Container, *events: Event) -> Finding | None:
    return judge_container(API, container, events, NOW)


def test_a_crash_loop_is_found_while_the_container_runs() -> None:
    container = replace(recorded_container("loop"), restart_count=5)
    started = datetime.fromtimestamp(seconds_of(container.started), UTC)
    found = judge_container(API, container, [], started + timedelta(seconds=1))
    assert found is not None
    assert found.code == "crash-loop"
    assert judge_container(API, container, [], started + timedelta(hours=1)) is None


def test_slow_crash_loop_is_found_from_die_events() -> None:
    container = running(150, 12)
    found = judge(container, *deaths(container, 1350, 1050, 750, 450, 150.1))
    assert found is not None
    assert (found.code, found.severity, found.impaired) == ("crash-loop", "error", True)
    assert any("5 deaths in the last hour" in proof.what for proof in found.proof)
    assert judge(container, *deaths(container, 450, 150.1)) is None


@pytest.mark.parametrize(("hours", "code"), [(0.5, "crash-loop"), (24 * 30.0, None)])
def test_the_restart_count_shows_a_slow_loop_whose_events_the_engine_has_forgotten(
    hours: float, code: str | None
) -> None:
    found = judge(replace(running(130, 8), created=(NOW - timedelta(hours=hours)).isoformat()))
    assert (found.code if found else None) == code


def test_a_loop_that_is_over_is_no_finding() -> None:
    container = running(3300, 4, "healthy")
    assert judge(container, *deaths(container, 3540, 3480, 3420, 3301)) is None


def test_exit_code_0_is_not_a_crash() -> None:
    cron = running(150, 12)
    assert judge(cron, *deaths(cron, 1350, 750, 150.1, exit_code="0")) is None


def test_requested_stop_is_not_a_crash() -> None:
    container = running(150, 0)
    stops = [event(container, "kill", seconds + 1, signal="15") for seconds in (900, 600, 160)]
    assert judge(container, *stops, *deaths(container, 900, 600, 160)) is None


@pytest.mark.parametrize(("seconds_ago", "code"), [(3000.0, None), (90.0, "crash-loop")])
def test_a_single_crash_after_a_long_life_is_no_loop(seconds_ago: float, code: str | None) -> None:
    container = running(30, 7)
    found = judge(container, event(container, "start", seconds_ago), *deaths(container, 31))
    assert (found.code if found else None) == code


def test_without_events_many_restarts_and_a_recent_start_are_a_loop() -> None:
    found = judge(running(30, 7))
    assert found is not None
    assert (found.code, found.severity) == ("crash-loop", "critical")


def test_an_out_of_memory_event_explains_only_the_death_that_it_belongs_to() -> None:
    container = running(2, 7)
    events = [
        event(container, "oom", 2700),
        *deaths(container, 2699, exit_code="137"),
        *deaths(container, 60, 30, 3),
    ]
    found = judge(container, *events)
    assert found is not None
    assert found.code == "crash-loop"
    assert found.since == "2026-11-24T11:59:00.000Z"
    found = judge(container, *events, event(container, "oom", 2.5), *deaths(container, 2.4, exit_code="137"))
    assert found is not None
    assert found.code == "oom-killed"


@pytest.mark.parametrize(
    ("health", "seconds_ago", "severity"),
    [(None, 60, "error"), ("unhealthy", 60, "critical"), ("healthy", 60, "error"), ("healthy", 3000, "warning")],
)
def test_severity_of_oom_killed_child_depends_on_health(health: str | None, seconds_ago: float, severity: str) -> None:
    container = running(3600, 0, health)
    found = judge(container, event(container, "oom", seconds_ago))
    assert found is not None
    assert (found.code, found.severity) == ("oom-killed", severity)
