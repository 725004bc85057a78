"""What findings about a container are made of: its facts, proofs, and its own events; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import parse_time, utc
from service_down.fixtures.stack.model import Service

Container = Mapping[str, Any]
Event = Mapping[str, Any]
Events = Sequence[Event]
Samples = Sequence[Mapping[str, Any]]
WITH_ITS_DEATH = (-30.0, 5.0)  # seconds around a death in which the kernel's word is about this one


def say(
    code: str, service: Service, container: Container, *proof: Proof, since: str | None = None, **facts: object
) -> Finding:
    """A finding about this container, since its end where nothing better is known."""
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


def proof_of(container: Container, what: str, value: object, at: str | None = None) -> Proof:
    """One value of this container; at its end where nothing better is known."""
    state = container["State"]
    when = at or (state.get("FinishedAt") if parse_time(state.get("FinishedAt")) else None)
    return Proof(f"{container['Name'].lstrip('/')} {what}", str(value), when)


def own_events(container: Container, events: Iterable[Event]) -> list[Event]:
    """The events of this container, in the order of time."""
    return sorted((one for one in events if one["id"] == container["Id"]), key=lambda one: one["at"])


def at(event: Event) -> str:
    """When it happened."""
    return utc(event["at"])


def last(events: Events, action: str) -> str | None:
    """When it last happened; None where it is not known to have."""
    found = [event for event in events if event["action"] == action]
    return at(found[-1]) if found else None


def memory_proof(container: Container, events: Events) -> list[Proof]:
    """What proves that memory was the reason of its last end: the flag or the event.

    The flag is unreliable (moby#38352), and an event of an earlier death says nothing of this one.
    """
    proof = []
    if container["State"].get("OOMKilled"):
        proof.append(proof_of(container, "State.OOMKilled", "true"))
    deaths = [event["at"] for event in events if event["action"] == "die"]
    ended = parse_time(container["State"].get("FinishedAt"))
    died = deaths[-1] if deaths else ended.timestamp() if ended else None
    before, after = WITH_ITS_DEATH
    ooms = [
        event
        for event in events
        if event["action"] == "oom" and (died is None or died + before <= event["at"] <= died + after)
    ]
    if ooms:
        proof.append(proof_of(container, "event", "oom", at(ooms[-1])))
    return proof
