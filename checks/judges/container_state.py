"""How one container is, from its inspect result and the engine's events; pure. The signals and their traps are those
of the Engine API: 137 alone is not out of memory, `running` alone is not healthy, `created` has a reason."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from service_down.checks.judges.container_findings import (
    Container,
    Events,
    Samples,
    at,
    last,
    memory_proof,
    own_events,
    proof_of,
    say,
)
from service_down.checks.judges.crash_loop import keeps_crashing, pace_of
from service_down.fixtures.catalog.finding import Finding, Proof
from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.stack.model import Service

KEEPS_RUNNING = {"always", "unless-stopped"}
A_JOB = timedelta(minutes=15)  # what ran longer was a service
LONG_AGO = timedelta(minutes=10)  # a child that the kernel killed, in a container that is healthy since
ENGINE_WENT_DOWN = 255  # what the engine notes for a container that it finds dead when it starts

# What a start error says -> code; the first that matches
_START_ERRORS = (
    (
        "port-conflict",
        r"port is already allocated|address already in use|failed to bind host port|ports are not available",
    ),
    ("network-missing", r"network \S+ not found|could not find (?:a )?network|network sandbox .* not found"),
    (
        "mount-missing",
        r"failed to mount local volume|error mounting|not a directory|bind source path does not exist"
        r"|error while mounting|no such file or directory.*mount",
    ),
    ("wrong-architecture", r"exec format error"),
    (
        "bad-command",
        r"executable file not found|permission denied|no such file or directory"
        r"|unable to start container process|is a directory",
    ),
)


def judge_container(
    service: Service, container: Container, events: Events, now: datetime, again: Samples = ()
) -> Finding | None:
    """The one finding that says best why this container is not as it should be, or None.

    `again` are further looks at a container that moves, first look included.
    """
    state = container["State"]
    status = state.get("Status", "?")
    every = own_events(container, events)
    own = _of_this_life(container, every)
    if state.get("Error") and status in ("created", "exited", "restarting"):
        return _start_error(service, container, every)
    if status == "created":
        return _never_started(service, container)
    if status == "paused":
        return say(
            "container-paused",
            service,
            container,
            proof_of(container, "State.Status", "paused"),
            since=last(own, "pause"),
        )
    pace = "fast" if status == "restarting" else pace_of(container, every, events, now, again)
    if status == "restarting" or (status == "running" and pace):
        return keeps_crashing(service, container, every, again, pace)
    if status == "running":
        return _killed_inside(service, container, own, now)
    if status in ("exited", "dead", "removing"):
        return _ended(service, container, own)
    return say(
        "container-exited",
        service,
        container,
        proof_of(container, "State.Status", status),
        exit=state.get("ExitCode", "?"),
        how="",
    )


def _of_this_life(container: Container, own: Events) -> Events:
    """The container's events since it was last started: what ended an earlier life says nothing of this one."""
    started = parse_time(container["State"].get("StartedAt"))
    since = started.timestamp() if started else 0.0
    return [event for event in own if event["at"] >= since]


def _start_error(service: Service, container: Container, own: Events) -> Finding:
    error = " ".join(container["State"]["Error"].split())
    code = next((code for code, pattern in _START_ERRORS if re.search(pattern, error)), "container-exited")
    port = re.search(r":(\d+)(?:/tcp)?(?: failed|: bind|:? address|$)", error)
    holder = "another container" if "allocated" in error else "a program of the host"
    exit_code = container["State"].get("ExitCode")
    ended = container["State"].get("FinishedAt")
    tried = at(own[-1]) if own else ended if parse_time(ended) else container.get("Created")  # the last that it did
    return say(
        code,
        service,
        container,
        proof_of(container, "State.Error", error, tried),
        proof_of(container, "State.ExitCode", exit_code, tried),
        since=tried,
        error=_short(error),
        exit=exit_code,
        port=port.group(1) if port else "?",
        holder=holder,
        how="",
    )


def _short(error: str) -> str:
    """The end of a start error, where the reason stands."""
    return error if len(error) <= 200 else "… " + error[-200:]


def _never_started(service: Service, container: Container) -> Finding:
    waits = ", ".join(f"{name} ({how.removeprefix('service_')})" for name, how in service.depends_on.items())
    proof = proof_of(container, "State.Status", "created", container.get("Created"))
    if not waits:
        return say(
            "container-stopped",
            service,
            container,
            proof,
            since=container.get("Created"),
            how=": it was created and never started",
        )
    return say("dependency-blocked", service, container, proof, since=container.get("Created"), waits=waits)


def _killed_inside(service: Service, container: Container, events: Events, now: datetime) -> Finding | None:
    """A running container in which the kernel has killed a child for memory since it started.

    Down where nothing says that it works; impaired where its healthcheck passes, and only a warning when that was a
    while ago.
    """
    ooms = [event for event in events if event["action"] == "oom"]
    if not ooms:
        return None
    proof = proof_of(container, "event", "oom, while the main process lives on", at(ooms[-1]))
    found = say("oom-killed", service, container, proof, since=at(ooms[0]))
    health = (container["State"].get("Health") or {}).get("Status")
    if health != "healthy":
        return found if health else replace(found, severity="error", impaired=True)
    past = now.timestamp() - ooms[-1]["at"] > LONG_AGO.total_seconds()
    return replace(found, severity="warning" if past else "error", impaired=True)


def _ended(service: Service, container: Container, events: Events) -> Finding | None:
    state = container["State"]
    exit_code = state.get("ExitCode", "?")
    if service.one_shot and exit_code == 0 and not state.get("OOMKilled"):
        return None
    ended = proof_of(container, "State.ExitCode", exit_code)
    memory = memory_proof(container, events)
    if memory:
        return say("oom-killed", service, container, *memory, ended)
    stop = [event for event in events if event["action"] == "stop"]
    kills = [event for event in events if event["action"] == "kill" and event["signal"] in ("9", "SIGKILL")]
    if stop:
        proof = proof_of(container, "event", "stop", at(stop[-1]))
        return say(
            "container-stopped", service, container, proof, ended, how=f" {_after(exit_code)}", since=at(stop[-1])
        )
    if kills and exit_code == 137:
        proof = proof_of(container, "event", f"kill, signal {kills[-1]['signal']}", at(kills[-1]))
        return say("container-killed", service, container, proof, ended, how=" from outside")
    if service.one_shot:
        return say("one-shot-failed", service, container, ended, exit=exit_code)
    died = any(event["action"] == "die" for event in events)
    return _ended_without_events(service, container, ended, exit_code, died)


def _ended_without_events(
    service: Service, container: Container, ended: Proof, exit_code: object, died: bool
) -> Finding:
    """The engine keeps few events: what the state alone proves."""
    policy = (((container.get("HostConfig") or {}).get("RestartPolicy")) or {}).get("Name") or "no"
    kept = proof_of(container, "HostConfig.RestartPolicy", policy)
    if exit_code == 137:
        return say("container-killed", service, container, ended, kept, how="; who sent it is not recorded")
    if policy in KEEPS_RUNNING and exit_code in (0, 143):
        how = f" {_after(exit_code)}: with restart policy {policy} it would have been restarted otherwise"
        return say("container-stopped", service, container, ended, kept, how=how)
    if exit_code == 143:
        return say("container-stopped", service, container, ended, kept, how=" with SIGTERM")
    outage = {"outage": "engine"} if exit_code == ENGINE_WENT_DOWN and not died else {}
    how = "by itself " if died else ""  # without the event, somebody's signal may have been forgotten
    found = say("container-exited", service, container, ended, kept, exit=exit_code, how=how, **outage)
    return replace(found, severity="warning") if exit_code == 0 and _is_job(service, container, policy) else found


def _is_job(service: Service, container: Container, policy: str) -> bool:
    """Whether it is by all signs a job that was to end: nobody leans on it, and it did not live long.

    With policy `on-failure` an end with 0 is an end that was meant.
    """
    checked = bool(container["Config"].get("Healthcheck")) if service.healthcheck is None else service.healthcheck
    if policy == "on-failure":
        return not (service.leaned_on or service.ports or checked)
    started, ended = (parse_time(container["State"].get(key)) for key in ("StartedAt", "FinishedAt"))
    brief = started is not None and ended is not None and ended - started <= A_JOB
    return brief and not (service.leaned_on or service.ports or checked)


def _after(exit_code: object) -> str:
    return {0: "and ended cleanly", 143: "with SIGTERM", 137: "and, as it did not end, killed"}.get(
        exit_code if isinstance(exit_code, int) else -1, f"(exit code {exit_code})"
    )
