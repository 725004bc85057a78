"""The state of one container, from its inspect result and the engine's events. Pure functions.

Exit code 137 alone does not mean out of memory, `running` alone does not mean healthy, and `created` has a reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from service_down.checks.judges.container_findings import (
    container_finding,
    container_proof,
    end_time,
    exit_code_text,
    last_time,
    memory_proof,
    own_events,
)
from service_down.checks.judges.crash_loop import crash_finding, crash_pace
from service_down.fixtures.catalog.finding import Finding, Proof
from service_down.fixtures.engines import field_names
from service_down.fixtures.evidence.observation import parse_time, utc
from service_down.fixtures.stack.containers import Container, ContainerSample, Event
from service_down.fixtures.stack.model import Service

RESTARTING_POLICIES = {"always", "unless-stopped"}
MAX_JOB_LIFE = timedelta(minutes=15)  # what ran longer was a service
RECENT_CHILD_DEATH = timedelta(minutes=10)
MAX_ERROR_CHARACTERS = 200
ON_FAILURE = "on-failure"
SIGKILL_EXIT, SIGTERM_EXIT = 137, 143
STOPPED_EXITS = (0, SIGKILL_EXIT, SIGTERM_EXIT)
ENGINE_STOPPED_EXIT = 255  # what the engine notes for a container that it finds dead when it starts

# Finding code and pattern of a start error; the first that matches
_START_ERRORS = (
    (
        "port-conflict",
        r"port is already allocated|address already in use|failed to bind host port|ports are not available",
    ),
    ("network-missing", r"network \S+ not found|could not find (?:a )?network|network sandbox .{0,200} not found"),
    (
        "mount-missing",
        r"failed to mount local volume|error mounting|not a directory|bind source path does not exist"
        r"|error while mounting|no such file or directory.{0,300}mount",
    ),
    ("wrong-architecture", r"exec format error"),
    (
        "bad-command",
        r"executable file not found|permission denied|no such file or directory"
        r"|unable to start container process|is a directory",
    ),
)


def judge_container(
    service: Service,
    container: Container,
    events: Sequence[Event],
    now: datetime,
    samples: Sequence[ContainerSample] = (),
) -> Finding | None:
    """The most exact finding about this container, or None when it is as it should be.

    `events` are those of every container. `samples` are the inspections of a container that changes, the first
    included.
    """
    own = own_events(container, events)
    since_start = _since_start(container, own)
    if container.start_error and container.status in ("created", "exited", "restarting"):
        return _start_error(service, container, own)
    match container.status:
        case "created":
            return _never_started(service, container)
        case "paused":
            proof = container_proof(container, field_names.STATUS, "paused")
            since = last_time(since_start, "pause")
            return container_finding("container-paused", service, container, proof, since=since)
        case "restarting":
            return crash_finding(service, container, own, samples, "fast")
        case "running":
            pace = crash_pace(container, own, events, now, samples)
            if pace:
                return crash_finding(service, container, own, samples, pace)
            return _child_killed(service, container, since_start, now)
        case "exited" | "dead" | "removing":
            return _ended(service, container, since_start)
    proof = container_proof(container, field_names.STATUS, container.status)
    return container_finding("container-exited", service, container, proof, exit=exit_code_text(container), how="")


def _since_start(container: Container, own: Sequence[Event]) -> list[Event]:
    """The container's events since its last start: what ended an earlier life is no proof for this one."""
    started = parse_time(container.started)
    since = started.timestamp() if started else 0.0
    return [event for event in own if event.at >= since]


def _start_error(service: Service, container: Container, own: Sequence[Event]) -> Finding:
    error = " ".join(container.start_error.split())
    code = next((code for code, pattern in _START_ERRORS if re.search(pattern, error)), "container-exited")
    port = re.search(r":(\d+)(?:/tcp)?(?: failed|: bind|:? address|$)", error)
    tried = utc(own[-1].at) if own else end_time(container) or container.created
    return container_finding(
        code,
        service,
        container,
        container_proof(container, field_names.START_ERROR, error, tried),
        container_proof(container, field_names.EXIT_CODE, container.exit_code, tried),
        since=tried,
        error=_end_of(error),
        exit=container.exit_code,
        port=port.group(1) if port else "?",
        holder="another container" if "allocated" in error else "a program of the host",
        how="",
    )


def _end_of(error: str) -> str:
    """The end of a start error, where the reason stands."""
    return error if len(error) <= MAX_ERROR_CHARACTERS else "… " + error[-MAX_ERROR_CHARACTERS:]


def _never_started(service: Service, container: Container) -> Finding:
    waits = ", ".join(f"{name} ({how.removeprefix('service_')})" for name, how in service.depends_on.items())
    created = container.created
    proof = container_proof(container, field_names.STATUS, "created", created)
    if waits:
        return container_finding("dependency-blocked", service, container, proof, since=created, waits=waits)
    how = ": it was created and never started"
    return container_finding("container-stopped", service, container, proof, since=created, how=how)


def _child_killed(service: Service, container: Container, events: Sequence[Event], now: datetime) -> Finding | None:
    """`oom-killed` for a running container in which the kernel has killed a child since the start, or None.

    It is down when its healthcheck does not pass. It is impaired when the healthcheck passes, or there is none. It is
    a warning when the healthcheck passes and the kill is not recent.
    """
    kills = [event.at for event in events if event.action == "oom"]
    if not kills:
        return None
    proof = container_proof(container, "event", "oom, while the main process lives on", utc(kills[-1]))
    found = container_finding("oom-killed", service, container, proof, since=utc(kills[0]))
    if container.health_status not in ("", "healthy"):
        return found
    is_past = now.timestamp() - kills[-1] > RECENT_CHILD_DEATH.total_seconds()
    is_warning = container.health_status == "healthy" and is_past
    return replace(found, severity="warning" if is_warning else "error", impaired=True)


def _ended(service: Service, container: Container, events: Sequence[Event]) -> Finding | None:
    exit_code = container.exit_code
    if service.one_shot and exit_code == 0 and not container.oom_killed:
        return None
    ended = container_proof(container, field_names.EXIT_CODE, exit_code_text(container))
    memory = memory_proof(container, events)
    if memory:
        return container_finding("oom-killed", service, container, *memory, ended)
    stopped = last_time(events, "stop")
    if stopped:
        proof = container_proof(container, "event", "stop", stopped)
        how = f" {_after_stop(container)}"
        return container_finding("container-stopped", service, container, proof, ended, how=how, since=stopped)
    kills = [event for event in events if event.action == "kill" and event.signal in ("9", "SIGKILL")]
    if kills and exit_code == SIGKILL_EXIT:
        proof = container_proof(container, "event", f"kill, signal {kills[-1].signal}", utc(kills[-1].at))
        return container_finding("container-killed", service, container, proof, ended, how=" from outside")
    if service.one_shot:
        return container_finding("one-shot-failed", service, container, ended, exit=exit_code_text(container))
    died = any(event.action == "die" for event in events)
    return _ended_without_events(service, container, ended, died)


def _ended_without_events(service: Service, container: Container, ended: Proof, died: bool) -> Finding:
    """What the state alone proves: the engine keeps few events. `died`: the event of the death is known."""
    exit_code, policy = container.exit_code, container.restart_policy
    proof = (ended, container_proof(container, field_names.RESTART_POLICY, policy))
    by_hand = exit_code in STOPPED_EXITS and _would_have_been_restarted(container)
    otherwise = f": with restart policy {policy} it would have been restarted otherwise"
    if exit_code == SIGKILL_EXIT and (died or not by_hand):  # the event of a stop is later than that of the death
        how = f" from outside{otherwise}" if by_hand else "; who sent it is not recorded"
        return container_finding("container-killed", service, container, *proof, how=how)
    if by_hand:
        how = f" {_after_stop(container)}{otherwise}"
        return container_finding("container-stopped", service, container, *proof, how=how)
    if exit_code == SIGTERM_EXIT:
        return container_finding("container-stopped", service, container, *proof, how=" with SIGTERM")
    outage = {"outage": "engine"} if exit_code == ENGINE_STOPPED_EXIT and not died else {}
    how = "by itself " if died else ""  # without the event, a signal may have been forgotten
    exit_text = exit_code_text(container)
    found = container_finding("container-exited", service, container, *proof, exit=exit_text, how=how, **outage)
    return replace(found, severity="warning") if exit_code == 0 and _is_job(service, container) else found


def _would_have_been_restarted(container: Container) -> bool:
    """Whether the engine restarts such a container when it ends by itself, or is killed by another than the engine."""
    if container.restart_policy in RESTARTING_POLICIES:
        return True
    never_restarted = container.restart_policy == ON_FAILURE and not container.restart_count
    return never_restarted and container.exit_code != 0  # of a limit of restarts, none is used up


def _is_job(service: Service, container: Container) -> bool:
    """Whether a container that ended with 0 was a job: nothing needs it, and its life was short.

    With restart policy `on-failure` an end with 0 is intended, however long the life was.
    """
    has_healthcheck = container.healthcheck is not None if service.healthcheck is None else service.healthcheck
    if service.must_keep_running or service.ports or has_healthcheck:
        return False
    if container.restart_policy == ON_FAILURE:
        return True
    started, ended = parse_time(container.started), parse_time(container.finished)
    return started is not None and ended is not None and ended - started <= MAX_JOB_LIFE


def _after_stop(container: Container) -> str:
    """How a container ended that was stopped."""
    if container.exit_code == 0:
        return "and ended cleanly"
    if container.exit_code == SIGTERM_EXIT:
        return "with SIGTERM"
    if container.exit_code == SIGKILL_EXIT:
        return "and, as it did not end, killed"
    return f"(exit code {exit_code_text(container)})"
