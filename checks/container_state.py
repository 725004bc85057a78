"""How one container is, from its inspect result and the engine's events; pure. The signals and their traps are those
of the Engine API: 137 alone is not out of memory, `running` alone is not healthy, `created` has a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fixtures.evidence import parse_time
from fixtures.finding import Finding, Proof, finding
from fixtures.model import Service

LOOP_RESTARTS = 3
LOOP_WINDOW = timedelta(minutes=2)  # Docker waits at most a minute between restarts
KEEPS_RUNNING = {"always", "unless-stopped"}

Container = Mapping[str, Any]
Events = Iterable[Mapping[str, Any]]
Looks = Sequence[Mapping[str, Any]]

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
    service: Service, container: Container, events: Events, now: datetime, again: Looks = ()
) -> Finding | None:
    """The one finding that says best why this container is not as it should be, or None.

    `again` are further looks at a container that moves, first look included.
    """
    state = container["State"]
    status = state.get("Status", "?")
    own = _of_this_life(container, events)
    if state.get("Error") and status in ("created", "exited", "restarting"):
        return _start_error(service, container)
    if status == "created":
        return _never_started(service, container)
    if status == "paused":
        return _say(
            "container-paused",
            service,
            container,
            _proof(container, "State.Status", "paused"),
            since=_last(own, "pause"),
        )
    if status == "restarting" or (status == "running" and _loops(container, again, now)):
        return _keeps_crashing(service, container, own, again)
    if status == "running":
        return _killed_inside(service, container, own)
    if status in ("exited", "dead", "removing"):
        return _ended(service, container, own)
    return _say(
        "container-exited",
        service,
        container,
        _proof(container, "State.Status", status),
        exit=state.get("ExitCode", "?"),
    )


def _of_this_life(container: Container, events: Events) -> list[Mapping[str, Any]]:
    """The container's events since it was last started: what ended an earlier life says nothing of this one."""
    started = parse_time(container["State"].get("StartedAt"))
    since = started.timestamp() if started else 0.0
    looping = (container.get("RestartCount") or 0) > 0  # each restart is a life; the loop is one story
    own = [event for event in events if event["id"] == container["Id"]]
    return own if looping else [event for event in own if event["at"] >= since]


def _say(
    code: str, service: Service, container: Container, *proof: Proof, since: str | None = None, **facts: object
) -> Finding:
    state = container["State"]
    ended = state.get("FinishedAt") if parse_time(state.get("FinishedAt")) else None
    limit = (container.get("HostConfig") or {}).get("Memory") or 0
    return finding(
        code,
        service.name,
        proof=proof,
        since=since or ended,
        container=container["Name"].lstrip("/"),
        image=container["Config"].get("Image"),
        limit=f"{limit / 2**20:.0f} MiB" if limit else "none",
        facts=facts,
    )


def _proof(container: Container, what: str, value: object, at: str | None = None) -> Proof:
    state = container["State"]
    when = at or (state.get("FinishedAt") if parse_time(state.get("FinishedAt")) else None)
    return Proof(f"{container['Name'].lstrip('/')} {what}", str(value), when)


def _start_error(service: Service, container: Container) -> Finding:
    error = " ".join(container["State"]["Error"].split())
    code = next((code for code, pattern in _START_ERRORS if re.search(pattern, error)), "container-exited")
    port = re.search(r":(\d+)(?:/tcp)?(?: failed|: bind|:? address|$)", error)
    holder = "another container" if "allocated" in error else "a program of the host"
    created, exit_code = container.get("Created"), container["State"].get("ExitCode")
    return _say(
        code,
        service,
        container,
        _proof(container, "State.Error", error, created),
        _proof(container, "State.ExitCode", exit_code, created),
        since=None if parse_time(container["State"].get("FinishedAt")) else created,
        error=_short(error),
        exit=exit_code,
        port=port.group(1) if port else "?",
        holder=holder,
    )


def _short(error: str) -> str:
    """The end of a start error, where the reason stands."""
    return error if len(error) <= 200 else "… " + error[-200:]


def _never_started(service: Service, container: Container) -> Finding:
    waits = ", ".join(f"{name} ({how.removeprefix('service_')})" for name, how in service.depends_on.items())
    proof = _proof(container, "State.Status", "created", container.get("Created"))
    if not waits:
        return _say(
            "container-stopped",
            service,
            container,
            proof,
            since=container.get("Created"),
            how=": it was created and never started",
        )
    return _say("dependency-blocked", service, container, proof, since=container.get("Created"), waits=waits)


def _loops(container: Container, again: Looks, now: datetime) -> bool:
    """Whether a container that runs at this moment is between two crashes."""
    if len({look["restarts"] for look in again}) > 1 or any(look["status"] == "restarting" for look in again):
        return True
    started = parse_time(container["State"].get("StartedAt"))
    if started is None or now - started > LOOP_WINDOW:
        return False
    return (container.get("RestartCount") or 0) >= LOOP_RESTARTS


def _keeps_crashing(service: Service, container: Container, events: list[Mapping[str, Any]], again: Looks) -> Finding:
    state = container["State"]
    deaths = [event for event in events if event["action"] == "die"]
    exit_code = deaths[-1]["exit"] if deaths else state.get("ExitCode", "?")
    proof = [
        _proof(container, "RestartCount", container.get("RestartCount", 0)),
        _proof(container, "State.Status", state["Status"]),
        _proof(container, "last exit code", exit_code),
    ]
    if len(again) > 1:
        seconds = again[-1]["at"] - again[0]["at"]
        states = ", ".join(str(look["status"]) for look in again)
        proof.append(_proof(container, f"seen in {len(again)} looks over {seconds:.0f} s", states))
    restarts = max([container.get("RestartCount") or 0, *(look["restarts"] for look in again)])
    memory = _memory_proof(container, events)
    code = "oom-killed" if memory else "crash-loop"
    began = next((_at(event) for event in deaths), None)
    return _say(code, service, container, *memory, *proof, since=began, restarts=restarts, exit=exit_code)


def _memory_proof(container: Container, events: Iterable[Mapping[str, Any]]) -> list[Proof]:
    """What proves that memory was the reason: the flag or the event, since the flag is unreliable (moby#38352)."""
    proof = []
    if container["State"].get("OOMKilled"):
        proof.append(_proof(container, "State.OOMKilled", "true"))
    ooms = [event for event in events if event["action"] == "oom"]
    if ooms:
        proof.append(_proof(container, "event", "oom", _at(ooms[-1])))
    return proof


def _killed_inside(service: Service, container: Container, events: list[Mapping[str, Any]]) -> Finding | None:
    """A running container in which the kernel has killed a child for memory since it started."""
    started = parse_time(container["State"].get("StartedAt"))
    ooms = [event for event in events if event["action"] == "oom" and started and event["at"] >= started.timestamp()]
    if not ooms:
        return None
    proof = _proof(container, "event", "oom, while the main process lives on", _at(ooms[-1]))
    return _say("oom-killed", service, container, proof, since=_at(ooms[0]))


def _ended(service: Service, container: Container, events: list[Mapping[str, Any]]) -> Finding | None:
    state = container["State"]
    exit_code = state.get("ExitCode", "?")
    if service.one_shot and exit_code == 0 and not state.get("OOMKilled"):
        return None
    ended = _proof(container, "State.ExitCode", exit_code)
    memory = _memory_proof(container, events)
    if memory:
        return _say("oom-killed", service, container, *memory, ended)
    stop = [event for event in events if event["action"] == "stop"]
    kills = [event for event in events if event["action"] == "kill"]
    if stop:
        proof = _proof(container, "event", "stop", _at(stop[-1]))
        return _say(
            "container-stopped", service, container, proof, ended, how=f" {_after(exit_code)}", since=_at(stop[-1])
        )
    if kills and exit_code == 137:
        proof = _proof(container, "event", f"kill, signal {kills[-1]['signal']}", _at(kills[-1]))
        return _say("container-killed", service, container, proof, ended, how=" from outside")
    if service.one_shot:
        return _say("one-shot-failed", service, container, ended, exit=exit_code)
    return _ended_without_events(service, container, ended, exit_code)


def _ended_without_events(service: Service, container: Container, ended: Proof, exit_code: object) -> Finding:
    """The engine keeps few events: what the state alone proves."""
    policy = (((container.get("HostConfig") or {}).get("RestartPolicy")) or {}).get("Name") or "no"
    kept = _proof(container, "HostConfig.RestartPolicy", policy)
    if exit_code == 137:
        return _say("container-killed", service, container, ended, kept, how="; who sent it is not recorded")
    if policy in KEEPS_RUNNING and exit_code in (0, 143):
        how = f" {_after(exit_code)}: with restart policy {policy} it would have been restarted otherwise"
        return _say("container-stopped", service, container, ended, kept, how=how)
    if exit_code == 143:
        return _say("container-stopped", service, container, ended, kept, how=" with SIGTERM")
    found = _say("container-exited", service, container, ended, kept, exit=exit_code)
    job = exit_code == 0 and not service.ports and not (container["Config"].get("Healthcheck") or {})
    return replace(found, severity="warning") if job else found  # by all signs a job that has finished


def _after(exit_code: object) -> str:
    return {0: "and ended cleanly", 143: "with SIGTERM", 137: "and, as it did not end, killed"}.get(
        exit_code if isinstance(exit_code, int) else -1, f"(exit code {exit_code})"
    )


def _at(event: Mapping[str, Any]) -> str:
    from fixtures.evidence import utc

    return utc(event["at"])


def _last(events: list[Mapping[str, Any]], action: str) -> str | None:
    found = [event for event in events if event["action"] == action]
    return _at(found[-1]) if found else None
