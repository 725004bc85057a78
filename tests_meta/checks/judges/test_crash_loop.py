"""Containers that crash: in which pace, of what, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service_down.checks.judges.container_state import judge_container
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.stack.model import Service
from service_down.tests_meta.offline import recorded_container

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
API = Service("api")


def running(up: float, restarts: int, health: str | None = None) -> dict[str, Any]:
    """A container that has been running for `up` seconds."""
    container = recorded_container("loop")
    started = (NOW - timedelta(seconds=up)).isoformat()
    container |= {"RestartCount": restarts, "Created": (NOW - timedelta(days=30)).isoformat()}
    container["State"] |= {"Status": "running", "Running": True, "Restarting": False, "StartedAt": started}
    container["State"]["Health"] = {"Status": health} if health else None
    return container


def event(container: dict[str, Any], action: str, ago: float, **more: str) -> dict[str, Any]:
    at = NOW.timestamp() - ago
    return {"at": at, "action": action, "id": container["Id"], "exit": None, "signal": None} | more


def deaths(container: dict[str, Any], *agos: float, code: str = "1") -> list[dict[str, Any]]:
    return [event(container, "die", ago, exit=code) for ago in agos]


def judge(container: dict[str, Any], *events: dict[str, Any]) -> Finding | None:
    return judge_container(API, container, events, NOW)


def test_a_loop_slower_than_the_look_is_seen_by_its_deaths() -> None:
    container = running(150, 12)
    found = judge(container, *deaths(container, 1350, 1050, 750, 450, 150.1))
    assert found is not None
    assert (found.code, found.severity, found.impaired) == ("crash-loop", "error", True)
    assert any("5 deaths in the last hour" in one.what for one in found.proof)
    assert judge(container, *deaths(container, 450, 150.1)) is None


@pytest.mark.parametrize(("hours", "code"), [(0.5, "crash-loop"), (24 * 30.0, None)])
def test_restarts_tell_a_slow_loop_that_the_engine_has_forgotten(hours: float, code: str | None) -> None:
    container = running(130, 8)
    container["Created"] = (NOW - timedelta(hours=hours)).isoformat()
    found = judge(container)
    assert (found.code if found else None) == code


def test_a_loop_that_is_over_is_none() -> None:
    container = running(3300, 4, "healthy")
    assert judge(container, *deaths(container, 3540, 3480, 3420, 3301)) is None
    cron = running(150, 12)
    assert judge(cron, *deaths(cron, 1350, 750, 150.1, code="0")) is None


def test_stops_by_hand_are_no_crashes() -> None:
    container = running(150, 0)
    stops = [event(container, "kill", ago + 1, signal="15") for ago in (900, 600, 160)]
    assert judge(container, *stops, *deaths(container, 900, 600, 160)) is None


@pytest.mark.parametrize(("began", "code"), [(3000.0, None), (90.0, "crash-loop")])
def test_one_crash_after_a_long_life_is_no_loop(began: float, code: str | None) -> None:
    container = running(30, 7)
    found = judge(container, event(container, "start", began), *deaths(container, 31))
    assert (found.code if found else None) == code


def test_without_events_many_restarts_and_a_late_start_are_a_loop() -> None:
    found = judge(running(30, 7))
    assert found is not None
    assert (found.code, found.severity) == ("crash-loop", "critical")


def test_memory_is_the_reason_of_the_death_that_it_goes_with() -> None:
    container = running(2, 7)
    lately = [event(container, "oom", 2700), *deaths(container, 2699, code="137"), *deaths(container, 60, 30, 3)]
    found = judge(container, *lately)
    assert found is not None
    assert found.code == "crash-loop"
    assert found.since == "2026-11-24T11:59:00.000Z"
    found = judge(container, *lately, event(container, "oom", 2.5), *deaths(container, 2.4, code="137"))
    assert found is not None
    assert found.code == "oom-killed"


@pytest.mark.parametrize(
    ("health", "ago", "severity"),
    [(None, 60, "error"), ("unhealthy", 60, "critical"), ("healthy", 60, "error"), ("healthy", 3000, "warning")],
)
def test_a_killed_child_counts_as_much_as_it_does_harm(health: str | None, ago: float, severity: str) -> None:
    container = running(3600, 0, health)
    found = judge(container, event(container, "oom", ago))
    assert found is not None
    assert (found.code, found.severity) == ("oom-killed", severity)


def test_only_signal_9_kills() -> None:
    container = recorded_container("kill9")
    died = datetime.fromisoformat(container["State"]["FinishedAt"][:19] + "+00:00").timestamp()
    hup = event(container, "kill", 0, signal="1") | {"at": died}
    found = judge(container, hup)
    assert found is not None
    assert (found.code, "not recorded" in found.summary) == ("container-killed", True)
    found = judge(container, hup | {"signal": "9"})
    assert found is not None
    assert "from outside" in found.summary
