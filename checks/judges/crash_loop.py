"""Whether a container keeps crashing: one look at a loop often shows `running`; pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from service_down.checks.judges.container_findings import (
    Container,
    Event,
    Events,
    Samples,
    at,
    memory_proof,
    proof_of,
    say,
)
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.stack.model import Service

LOOP_RESTARTS = 3
LOOP_WINDOW = timedelta(minutes=2)  # Docker waits at most a minute between restarts
BRIEF = timedelta(minutes=15)
ON_PURPOSE = 30.0  # seconds before a death in which somebody's signal explains it

Pace = Literal["", "fast", "slow"]


def pace_of(container: Container, events: Events, heard: Events, now: datetime, again: Samples) -> Pace:
    """How a container that runs at this moment crashes: again and again, now and then within the hour, or not.

    `events` are its own; `heard` all that the engine told, which shows how far back its memory goes.
    """
    if len({look["restarts"] for look in again}) > 1 or any(look["status"] == "restarting" for look in again):
        return "fast"
    started = parse_time(container["State"].get("StartedAt"))
    lately = started is not None and now - started <= LOOP_WINDOW
    often = (container.get("RestartCount") or 0) >= LOOP_RESTARTS
    if lately and often and not _lived_long(events, heard):
        return "slow" if (container["State"].get("Health") or {}).get("Status") == "healthy" else "fast"
    slow = _recurs(_crashes(events), started, now) or (often and _lives_briefly(container, now))
    return "slow" if slow else ""


def _recurs(crashes: Events, started: datetime | None, now: datetime) -> bool:
    """Whether it crashed often within the hour, and has not lived longer by now than it used to: a loop may be over."""
    if len(crashes) < LOOP_RESTARTS or started is None:
        return False
    gap = timedelta(seconds=(crashes[-1]["at"] - crashes[0]["at"]) / (len(crashes) - 1))
    return now - started <= max(2 * gap, LOOP_WINDOW)


def _lives_briefly(container: Container, now: datetime) -> bool:
    """Whether it has on average not lived long since it was created, and is not past that now: also without events."""
    created, started = parse_time(container.get("Created")), parse_time(container["State"].get("StartedAt"))
    if created is None or started is None:
        return False
    average = (started - created) / max(container.get("RestartCount") or 0, 1)
    return average <= BRIEF and now - started <= 2 * average


def _crashes(events: Events) -> list[Event]:
    """Its deaths that nobody wanted; an end with 0 is none."""
    signals = [one["at"] for one in events if one["action"] == "kill"]
    deaths = [one for one in events if one["action"] == "die" and one["exit"] != "0"]
    return [one for one in deaths if not any(0 <= one["at"] - signal <= ON_PURPOSE for signal in signals)]


def _lived_long(events: Events, heard: Events) -> bool:
    """Whether the life before this one is known to have been a long one."""
    deaths = [one["at"] for one in events if one["action"] == "die"]
    if not deaths:
        return False
    starts = [one["at"] for one in events if one["action"] == "start" and one["at"] < deaths[-1]]
    earliest = starts[-1] if starts else min(one["at"] for one in heard)
    return bool(deaths[-1] - earliest > LOOP_WINDOW.total_seconds())


def keeps_crashing(service: Service, container: Container, events: Events, again: Samples, pace: Pace) -> Finding:
    """`crash-loop`, or `oom-killed` where its last death was the kernel's; only impaired while it runs between two."""
    state = container["State"]
    deaths = [event for event in events if event["action"] == "die"]
    exit_code = deaths[-1]["exit"] if deaths else state.get("ExitCode", "?")
    proof = [
        proof_of(container, "RestartCount", container.get("RestartCount", 0)),
        proof_of(container, "State.Status", state["Status"]),
        proof_of(container, "last exit code", exit_code),
    ]
    if len(deaths) > 1:
        when = ", ".join(at(one)[11:19] for one in deaths[-LOOP_RESTARTS:])
        proof.append(proof_of(container, f"{len(deaths)} deaths in the last hour, the last at", when, at(deaths[-1])))
    if len(again) > 1:
        seconds = again[-1]["at"] - again[0]["at"]
        states = ", ".join(str(look["status"]) for look in again)
        proof.append(proof_of(container, f"seen in {len(again)} looks over {seconds:.0f} s", states))
    restarts = max([container.get("RestartCount") or 0, *(look["restarts"] for look in again)])
    memory = memory_proof(container, events)
    code = "oom-killed" if memory else "crash-loop"
    found = say(code, service, container, *memory, *proof, since=_began(deaths), restarts=restarts, exit=exit_code)
    healthy = (state.get("Health") or {}).get("Status") in (None, "healthy")
    return replace(found, severity="error", impaired=True) if pace == "slow" and healthy else found


def _began(deaths: Events) -> str | None:
    """The first of the last deaths that are alike: an earlier one of another kind is another story."""
    began = None
    for one in reversed(deaths):
        if one["exit"] != deaths[-1]["exit"]:
            break
        began = at(one)
    return began
