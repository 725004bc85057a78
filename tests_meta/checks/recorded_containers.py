"""Containers that a real engine inspected (see recorded/README.md), with events and engine states for the judges."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from service_down.fixtures.engines.docker import parse
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.stack.containers import Container, EngineState, Event

FOLDER = Path(__file__).resolve().parents[1] / "recorded"
INSPECTED_AT = datetime.fromisoformat("2026-11-23T09:34:16+00:00")


def recorded_container(name: str) -> Container:
    """The typed facts of a recorded container."""
    return parse.container(json.loads((FOLDER / f"{name}.json").read_text()))


def of_service(container: Container, service: str) -> Container:
    """The container as one of this service."""
    return replace(container, compose=replace(container.compose, service=service))


def seconds_of(time: str | None) -> float:
    """A time of the engine in seconds since the epoch."""
    parsed = parse_time(time)
    assert parsed is not None
    return parsed.timestamp()


def event(
    container: Container,
    action: str,
    at: float = INSPECTED_AT.timestamp() - 5,
    exit_code: str | None = None,
    signal: str | None = None,
) -> Event:
    """An event of this container."""
    return Event(at, action, container.id, exit_code=exit_code, signal=signal)


def engine_state(*containers: Container, service: str = "web", events: tuple[Event, ...] = ()) -> EngineState:
    """The engine's answer with these containers, all of one service."""
    return EngineState(
        project="test",
        answered_at=INSPECTED_AT.timestamp(),
        containers=tuple(of_service(container, service) for container in containers),
        events=events,
    )
