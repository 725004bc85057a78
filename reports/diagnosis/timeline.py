"""What happened in which order, and what changed just before; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from service_down.fixtures.evidence.observation import parse_time, utc
from service_down.fixtures.stack.containers import Container, EngineState, Event

Kind = Literal["deployed", "started", "finished", "ended", "memory", "health", "stopped", "alert", "run", "other"]
EVENT_TEXTS: Mapping[str, tuple[str, Kind]] = {
    "create": ("container created", "deployed"), "start": ("started", "started"), "restart": ("restarted", "started"),
    "stop": ("stopped", "stopped"), "die": ("ended", "ended"), "oom": ("ran out of memory", "memory"),
    "pause": ("paused", "stopped"), "unpause": ("unpaused", "started"), "destroy": ("container removed", "stopped"),
    "health_status: unhealthy": ("became unhealthy", "health"), "health_status: healthy": ("became healthy", "started"),
}  # fmt: skip
BEFORE_FAULT = timedelta(hours=1)
AFTER_FAULT = timedelta(seconds=10)  # while a container is replaced, its dependants fail before the new one is created
SAME_DEPLOYMENT = timedelta(seconds=90)
SAME_COMMAND = timedelta(seconds=10)  # Compose creates all containers before it starts them
EXIT_SECONDS = 5.0  # between the end of a container and its disconnection from its networks
MAX_ENTRIES = 60
JUDGED = "this run judged"


@dataclass(frozen=True)
class TimelineEntry:
    """Something that happened."""

    at: str
    service: str
    what: str
    kind: Kind = "other"


@dataclass(frozen=True)
class Release:
    """A service's container that was replaced by one of another image."""

    old: str
    new: str
    at: datetime  # when the container of the new image was created


@dataclass(frozen=True)
class _Creation:
    """The creation of a container."""

    at: datetime
    service: str
    image: str


def timeline(engine: EngineState | None, more: Iterable[TimelineEntry] = ()) -> tuple[TimelineEntry, ...]:
    """The newest entries, oldest first: container times, health logs, the engine's events, and `more`."""
    entries = {*more, *_from_events(engine), *_from_containers(engine)} if engine else set(more)
    dated = [entry for entry in entries if parse_time(entry.at)]
    return tuple(sorted(dated, key=lambda entry: (parse_time(entry.at), entry.service, entry.what)))[-MAX_ENTRIES:]


def _service(container: Container) -> str:
    return container.compose.service or container.name


def _from_containers(engine: EngineState) -> Iterator[TimelineEntry]:
    for container in engine.containers:
        name = _service(container)
        yield TimelineEntry(container.created or "", name, "container created", "deployed")
        yield TimelineEntry(container.started or "", name, "started", "started")
        if not container.running:
            kind: Kind = "ended" if container.exit_code else "finished"
            yield TimelineEntry(container.finished or "", name, f"ended with {container.exit_code}", kind)
        runs = container.health.runs if container.health else ()
        failed = [run for run in runs if run.exit_code]
        if failed and container.running:
            text = "healthcheck fails (as far as its log goes back)"
            yield TimelineEntry(failed[0].start or "", name, text, "health")


def _from_events(engine: EngineState) -> Iterator[TimelineEntry]:
    services = {container.id: _service(container) for container in engine.containers}
    ends = [event for event in engine.events if event.action == "die"]
    for event in engine.events:
        text, kind = EVENT_TEXTS.get(event.action, ("", "other"))
        if event.action == "kill":
            text, kind = f"got signal {event.signal}", "stopped"
        if event.action == "die" and event.exit_code == "0":
            kind = "finished"
        service = event.service or services.get(event.container_id)
        if event.action == "network disconnect" and not _is_at_end(event, ends):
            text, kind = f"cut from network {event.network or '?'}", "stopped"
        if text and service:
            exit_code = f" with {event.exit_code}" if event.exit_code else ""
            yield TimelineEntry(utc(event.at), service, text + exit_code, kind)


def _is_at_end(event: Event, ends: Sequence[Event]) -> bool:
    """Whether the container ended at about the time of this event: when it ends, it leaves every network."""
    return any(end.container_id == event.container_id and abs(end.at - event.at) < EXIT_SECONDS for end in ends)


def changes(
    engine: EngineState | None, first: datetime | None, what: str = "the first fault"
) -> tuple[TimelineEntry, ...]:
    """The last deployment in the hour before `first`, and every container that got another image in that hour.

    `first` is the time of `what`. A deployment of most of the stack is one entry.
    """
    if first is None or engine is None:
        return ()
    created = _creations(engine)
    before = [creation for creation in created if -AFTER_FAULT <= first - creation.at <= BEFORE_FAULT]
    if not before:
        return ()
    replaced = releases(engine)
    last, newest = _last_deployment(before, SAME_DEPLOYMENT), _last_deployment(before, SAME_COMMAND)
    is_most = len(last) > max(3, len(created) / 2)
    if is_most and len(newest) <= max(3, len(created) / 2) and len(newest) < len(last):
        last = last[: -len(newest)]
    else:
        newest = ()
    shown = [
        creation
        for creation in before
        if creation.service in replaced or creation in newest or (creation in last and not is_most)
    ]
    entries = [
        TimelineEntry(utc(creation.at.timestamp()), creation.service, _creation_text(creation, replaced, first, what))
        for creation in shown
    ]
    if is_most:
        count = "all" if len(last) == len(created) else f"{len(last)} of"
        text = f"{count} {len(created)} containers created, {_gap(first, last[0].at, what)}"
        entries.insert(0, TimelineEntry(utc(last[0].at.timestamp()), "stack", text))
    return tuple(sorted(entries, key=lambda entry: entry.at))


def _last_deployment(created: Sequence[_Creation], pause: timedelta) -> Sequence[_Creation]:
    """The newest of `created`, and those before it without a longer pause between."""
    deployment = [created[-1]]
    for creation in reversed(created[:-1]):
        if deployment[-1].at - creation.at > pause:
            break
        deployment.append(creation)
    return deployment[::-1]


def _creation_text(creation: _Creation, replaced: Mapping[str, Release], first: datetime, what: str) -> str:
    release = replaced.get(creation.service)
    instead = f" instead of {release.old}" if release else ""
    return f"container created from {creation.image}{instead}, {_gap(first, creation.at, what)}"


def releases(engine: EngineState | None) -> Mapping[str, Release]:
    """The services whose containers now have another image than before, by the engine's events of the last hour.

    A service whose containers have several images is between two releases, and left out.
    """
    if engine is None:
        return {}
    images: dict[str, set[str]] = {}
    created: dict[str, datetime] = {}
    for creation in _creations(engine):
        images.setdefault(creation.service, set()).add(creation.image)
        created[creation.service] = creation.at
    ids = {container.id for container in engine.containers}
    found: dict[str, Release] = {}
    for event in sorted(engine.events, key=lambda event: event.at):
        name, old = event.service or "", event.image
        if event.action != "destroy" or event.container_id in ids or not old or len(images.get(name, ())) != 1:
            continue
        (new,) = images[name]
        if old != new:
            found[name] = Release(old, new, created[name])
    return found


def _gap(first: datetime, at: datetime, what: str) -> str:
    return f"{_duration(first - at)} before {what}" if at <= first else f"as {what} began"


def _creations(engine: EngineState) -> Sequence[_Creation]:
    """The creation of every container that exists, oldest first."""
    creations = [
        _Creation(at, _service(container), str(container.image))
        for container in engine.containers
        if (at := parse_time(container.created))
    ]
    return sorted(creations, key=lambda creation: (creation.at, creation.service))


def _duration(gap: timedelta) -> str:
    seconds = gap.total_seconds()
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
