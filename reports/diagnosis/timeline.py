"""In which order things fell, and what changed just before; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from service_down.fixtures.evidence.observation import parse_time, utc
from service_down.fixtures.stack.model import LABEL

Kind = Literal["deployed", "started", "finished", "ended", "memory", "health", "stopped", "alert", "run", "other"]
TOLD: Mapping[str, tuple[str, Kind]] = {
    "create": ("container created", "deployed"), "start": ("started", "started"), "restart": ("restarted", "started"),
    "stop": ("stopped", "stopped"), "die": ("ended", "ended"), "oom": ("ran out of memory", "memory"),
    "pause": ("paused", "stopped"), "unpause": ("unpaused", "started"), "destroy": ("container removed", "stopped"),
    "health_status: unhealthy": ("became unhealthy", "health"), "health_status: healthy": ("became healthy", "started"),
}  # fmt: skip
BEFORE = timedelta(hours=1)
JUST_AFTER = timedelta(seconds=10)  # replacing a container is what makes its dependants fail, moments before it is made
SAME_DEPLOYMENT = timedelta(seconds=90)
WITH_ITS_END = 5.0  # seconds
MOST = 60
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
    at: datetime  # when the container of the new one was made


@dataclass(frozen=True)
class _Made:
    """A container that was made."""

    at: datetime
    service: str
    image: str


def timeline(view: Mapping[str, Any], more: Iterable[TimelineEntry] = ()) -> tuple[TimelineEntry, ...]:
    """The newest entries, oldest first: container times, health logs, the engine's events, and what else is known."""
    entries = {*more, *_from_events(view), *_from_containers(view)}
    known = [one for one in entries if parse_time(one.at)]
    return tuple(sorted(known, key=lambda one: (parse_time(one.at), one.service, one.what)))[-MOST:]


def _service(container: Mapping[str, Any]) -> str:
    return str(container["Config"]["Labels"].get(LABEL + "service") or container.get("Name", "?").lstrip("/"))


def _from_containers(view: Mapping[str, Any]) -> Iterator[TimelineEntry]:
    for one in view.get("containers", ()):
        state, name = one["State"], _service(one)
        yield TimelineEntry(one.get("Created") or "", name, "container created", "deployed")
        yield TimelineEntry(state.get("StartedAt") or "", name, "started", "started")
        if not state.get("Running"):
            code = state.get("ExitCode")
            yield TimelineEntry(
                state.get("FinishedAt") or "", name, f"ended with {code}", "ended" if code else "finished"
            )
        log = (state.get("Health") or {}).get("Log") or ()
        bad = [entry for entry in log if entry.get("ExitCode")]
        if bad and state.get("Running"):
            yield TimelineEntry(
                bad[0].get("Start") or "", name, "healthcheck fails (as far as its log goes back)", "health"
            )


def _from_events(view: Mapping[str, Any]) -> Iterator[TimelineEntry]:
    services = {one["Id"]: _service(one) for one in view.get("containers", ())}
    deaths = [event for event in view.get("events", ()) if event["action"] == "die"]
    for event in view.get("events", ()):
        told, kind = TOLD.get(event["action"], ("", "other"))
        if event["action"] == "kill":
            told, kind = f"got signal {event['signal']}", "stopped"
        if event["action"] == "die" and event["exit"] == "0":
            kind = "finished"
        service = event["service"] or services.get(event["id"])
        if event["action"] == "network disconnect" and not _near(event, deaths):
            told, kind = f"cut from network {event.get('network') or '?'}", "stopped"
        if told and service:
            more = f" with {event['exit']}" if event["exit"] else ""
            yield TimelineEntry(utc(event["at"]), service, told + more, kind)


def _near(event: Mapping[str, Any], deaths: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the container ended at about that time: an end leaves every network."""
    return any(one["id"] == event["id"] and abs(one["at"] - event["at"]) < WITH_ITS_END for one in deaths)


def changes(
    view: Mapping[str, Any], first: datetime | None, what: str = "the first fault"
) -> tuple[TimelineEntry, ...]:
    """The last deployment in the hour before the first cause, and every container that got another image.

    `first`: when `what` was. One deployment of most of the stack is one entry.
    """
    made = _made(view)
    before = [one for one in made if first and one.at - first <= JUST_AFTER and first - one.at <= BEFORE]
    if first is None or not before:
        return ()
    replaced = releases(view)
    last = _last_deployment(before)
    most = len(last) > max(3, len(made) / 2)
    told = [one for one in before if one.service in replaced or (one in last and not most)]
    entries = [
        TimelineEntry(utc(one.at.timestamp()), one.service, _told_of(one, replaced, first, what)) for one in told
    ]
    if most:
        count = "all" if len(last) == len(made) else f"{len(last)} of"
        text = f"{count} {len(made)} containers created, {_gap(first, last[0].at, what)}"
        entries.insert(0, TimelineEntry(utc(last[0].at.timestamp()), "stack", text))
    return tuple(sorted(entries, key=lambda one: one.at))


def _last_deployment(made: Sequence[_Made]) -> Sequence[_Made]:
    """The newest of these, and those before it without a long pause between."""
    found = [made[-1]]
    for one in reversed(made[:-1]):
        if found[-1].at - one.at > SAME_DEPLOYMENT:
            break
        found.append(one)
    return found[::-1]


def _told_of(one: _Made, replaced: Mapping[str, Release], first: datetime, what: str) -> str:
    release = replaced.get(one.service)
    instead = f" instead of {release.old}" if release else ""
    return f"container created from {one.image}{instead}, {_gap(first, one.at, what)}"


def releases(view: Mapping[str, Any]) -> Mapping[str, Release]:
    """The services whose containers now have another image than before, by the engine's events of the last hour.

    One whose containers have several images is between two releases, and left out.
    """
    running: dict[str, set[str]] = {}
    made: dict[str, datetime] = {}
    for one in _made(view):
        running.setdefault(one.service, set()).add(one.image)
        made[one.service] = one.at
    ids = {one["Id"] for one in view.get("containers", ())}
    found: dict[str, Release] = {}
    for event in sorted(view.get("events", ()), key=lambda one: one["at"]):
        name, old = event["service"], event.get("image")
        if event["action"] != "destroy" or event["id"] in ids or not old or len(running.get(name, ())) != 1:
            continue
        (new,) = running[name]
        if old != new:
            found[name] = Release(old, new, made[name])
    return found


def _gap(first: datetime, at: datetime, what: str) -> str:
    return f"{_minutes(first - at)} before {what}" if at <= first else f"as {what} began"


def _made(view: Mapping[str, Any]) -> Sequence[_Made]:
    """Every container that is there, in the order of their making."""
    found = (
        (parse_time(one.get("Created")), _service(one), str(one["Config"].get("Image")))
        for one in view.get("containers", ())
    )
    return sorted((_Made(at, name, image) for at, name, image in found if at), key=lambda one: (one.at, one.service))


def _minutes(gap: timedelta) -> str:
    seconds = gap.total_seconds()
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
