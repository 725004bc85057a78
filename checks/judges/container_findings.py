"""Parts of the findings about a container: its facts, its proofs and its events. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines import field_names
from service_down.fixtures.evidence.observation import parse_time, utc
from service_down.fixtures.stack.containers import Container, ContainerSample, Event
from service_down.fixtures.stack.model import Service

SECONDS_AROUND_DEATH = (-30.0, 5.0)  # an out-of-memory event in this window belongs to the death


def container_finding(
    code: str, service: Service, container: Container, *proof: Proof, since: str | None = None, **facts: object
) -> Finding:
    """A finding about this container. `since` defaults to the time of its end."""
    limit = container.memory_limit_bytes
    return finding(
        code,
        service.name,
        proof=proof,
        since=since or end_time(container),
        container=container.name,
        image=container.image,
        limit=f"{limit / 2**20:.0f} MiB" if limit else "none",
        facts=facts,
    )


def container_proof(container: Container, what: str, value: object, at: str | None = None) -> Proof:
    """A proof with a value of this container. `at` defaults to the time of its end."""
    return Proof(f"{container.name} {what}", str(value), at or end_time(container))


def end_time(container: Container) -> str | None:
    """When the container last ended; None when it never has."""
    return container.finished if parse_time(container.finished) else None


def exit_code_text(container: Container) -> str:
    """The exit code for a text; a question mark when it is not known."""
    return "?" if container.exit_code is None else str(container.exit_code)


def own_events(container: Container, events: Iterable[Event]) -> list[Event]:
    """The events of this container, oldest first."""
    return sorted((event for event in events if event.container_id == container.id), key=lambda event: event.at)


def last_time(events: Sequence[Event], action: str) -> str | None:
    """When the last event with this action happened; None when there is none."""
    times = [event.at for event in events if event.action == action]
    return utc(times[-1]) if times else None


def samples_proof(
    container: Container, samples: Sequence[ContainerSample], values: Iterable[str], at: str | None = None
) -> list[Proof]:
    """A proof with one value of each sample. Empty for fewer than two samples."""
    if len(samples) < 2:
        return []
    seconds = samples[-1].at - samples[0].at
    return [Proof(f"{container.name} seen in {len(samples)} looks over {seconds:.0f} s", ", ".join(values), at)]


def memory_proof(container: Container, events: Sequence[Event]) -> list[Proof]:
    """Proofs that the container's last end was out of memory: the engine's flag, or the event. Empty without any.

    The flag alone is unreliable (moby#38352). An event of an earlier death is no proof for this one.
    """
    proof = []
    if container.oom_killed:
        proof.append(container_proof(container, field_names.OOM_KILLED, "true"))
    deaths = [event.at for event in events if event.action == "die"]
    ended = parse_time(container.finished)
    died = deaths[-1] if deaths else ended.timestamp() if ended else None
    before, after = SECONDS_AROUND_DEATH
    memory_events = [
        event
        for event in events
        if event.action == "oom" and (died is None or died + before <= event.at <= died + after)
    ]
    if memory_events:
        proof.append(container_proof(container, "event", "oom", utc(memory_events[-1].at)))
    return proof
