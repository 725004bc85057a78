"""Whether a container keeps crashing. A single inspection of a crash loop often shows `running`. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from service_down.checks.judges.container_findings import (
    container_finding,
    container_proof,
    end_time,
    exit_code_text,
    memory_proof,
    samples_proof,
)
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.engines import field_names
from service_down.fixtures.evidence.observation import parse_time, utc
from service_down.fixtures.stack.containers import Container, ContainerSample, Event
from service_down.fixtures.stack.model import Service

LOOP_RESTARTS = 3
LOOP_WINDOW = timedelta(minutes=2)  # Docker waits at most a minute between restarts
SHORT_LIFE = timedelta(minutes=15)
SECONDS_AFTER_SIGNAL = 30.0  # a death within this time after a signal was requested

Pace = Literal["", "fast", "slow"]


def crash_pace(
    container: Container,
    own_events: Sequence[Event],
    all_events: Sequence[Event],
    now: datetime,
    samples: Sequence[ContainerSample],
) -> Pace:
    """How often a container that runs now crashes: all the time, now and then within the hour, or not.

    `all_events` are the events of every container. They show how far back the engine's memory goes.
    """
    if len({sample.restarts for sample in samples}) > 1 or any(sample.status == "restarting" for sample in samples):
        return "fast"
    started = parse_time(container.started)
    started_recently = started is not None and now - started <= LOOP_WINDOW
    often = container.restart_count >= LOOP_RESTARTS
    if started_recently and often and not _had_long_life(own_events, all_events):
        return "slow" if container.health_status == "healthy" else "fast"
    slow = _recurs(_crashes(own_events), started, now) or (often and _has_short_lives(container, now))
    return "slow" if slow else ""


def _recurs(crashes: Sequence[Event], started: datetime | None, now: datetime) -> bool:
    """Whether there were several crashes and the present life is not yet longer than usual: a loop may be over."""
    if len(crashes) < LOOP_RESTARTS or started is None:
        return False
    gap = timedelta(seconds=(crashes[-1].at - crashes[0].at) / (len(crashes) - 1))
    return now - started <= max(2 * gap, LOOP_WINDOW)


def _has_short_lives(container: Container, now: datetime) -> bool:
    """Whether its average life since its creation is short, and the present life not much longer. Needs no events."""
    created, started = parse_time(container.created), parse_time(container.started)
    if created is None or started is None:
        return False
    average = (started - created) / max(container.restart_count, 1)
    return average <= SHORT_LIFE and now - started <= 2 * average


def _crashes(events: Sequence[Event]) -> list[Event]:
    """The deaths that nobody requested. An end with exit code 0 is no crash."""
    signals = [event.at for event in events if event.action == "kill"]
    deaths = [event for event in events if event.action == "die" and event.exit_code != "0"]
    return [death for death in deaths if not any(0 <= death.at - signal <= SECONDS_AFTER_SIGNAL for signal in signals)]


def _had_long_life(own_events: Sequence[Event], all_events: Sequence[Event]) -> bool:
    """Whether the events show that the container's previous life was long."""
    deaths = [event.at for event in own_events if event.action == "die"]
    if not deaths:
        return False
    starts = [event.at for event in own_events if event.action == "start" and event.at < deaths[-1]]
    earliest = starts[-1] if starts else min(event.at for event in all_events)
    return deaths[-1] - earliest > LOOP_WINDOW.total_seconds()


def crash_finding(
    service: Service, container: Container, events: Sequence[Event], samples: Sequence[ContainerSample], pace: Pace
) -> Finding:
    """`crash-loop`, or `oom-killed` when the last death was out of memory.

    It is impaired, not down, while a slow loop runs between two crashes. `events` are the container's own.
    """
    deaths = [event for event in events if event.action == "die"]
    exit_code = str(deaths[-1].exit_code) if deaths else exit_code_text(container)
    proof = [
        container_proof(container, field_names.RESTART_COUNT, container.restart_count),
        container_proof(container, field_names.STATUS, container.status),
        container_proof(container, "last exit code", exit_code),
    ]
    if len(deaths) > 1:
        times = ", ".join(utc(death.at)[11:19] for death in deaths[-LOOP_RESTARTS:])
        what = f"{len(deaths)} deaths in the last hour, the last at"
        proof.append(container_proof(container, what, times, utc(deaths[-1].at)))
    proof += samples_proof(container, samples, [str(sample.status) for sample in samples], end_time(container))
    memory = memory_proof(container, events)
    found = container_finding(
        "oom-killed" if memory else "crash-loop",
        service,
        container,
        *memory,
        *proof,
        since=_loop_start(deaths),
        restarts=max([container.restart_count, *(sample.restarts for sample in samples)]),
        exit=exit_code,
    )
    works_between = pace == "slow" and container.health_status in ("", "healthy")
    return replace(found, severity="error", impaired=True) if works_between else found


def _loop_start(deaths: Sequence[Event]) -> str | None:
    """The time of the first of the last deaths with the same exit code: earlier ones have another reason."""
    start = None
    for death in reversed(deaths):
        if death.exit_code != deaths[-1].exit_code:
            break
        start = utc(death.at)
    return start
