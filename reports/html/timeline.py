"""The timeline as a picture: a lane for each service that something happened to, time from left to right; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service_down.fixtures.evidence.observation import parse_time
from service_down.reports.diagnosis.timeline import Kind, TimelineEntry
from service_down.reports.text import shortened, single_line
from service_down.reports.verdict import Verdict

WIDTH, LABEL, RIGHT = 1000.0, 170.0, 30.0
LANE, TOP, BOTTOM = 30.0, 34.0, 34.0
LANES = 14
NEAR = 22.0  # pixels between two marks that can still be told apart
BEFORE, AT_LEAST = 0.15, timedelta(minutes=2)
LETTERS = 20
WEIGHT: Mapping[Kind, int] = {
    "memory": 0, "ended": 1, "health": 2, "stopped": 3, "deployed": 4, "alert": 5, "started": 6,
    "finished": 7, "other": 8, "run": 9,
}  # fmt: skip
MEANS: Mapping[Kind, str] = {
    "deployed": "container created", "started": "started", "finished": "ended with 0", "ended": "ended",
    "memory": "out of memory", "health": "unhealthy", "stopped": "stopped", "alert": "alert",
}  # fmt: skip


@dataclass(frozen=True)
class TimelineMark:
    """One or more things that happened at about the same time in one lane; the gravest gives the shape."""

    x: float
    y: float
    kind: Kind
    told: str
    times: int


@dataclass(frozen=True)
class TimelinePicture:
    """The whole picture, in pixels."""

    width: float
    height: float
    lanes: tuple[tuple[float, str], ...]
    marks: tuple[TimelineMark, ...]
    ticks: tuple[tuple[float, str], ...]
    kinds: tuple[tuple[Kind, str], ...]  # those that occur, for the legend
    earlier: int  # moments left of the picture
    begins: float
    run: float | None
    alert: float | None
    described: str


def draw_timeline(verdict: Verdict) -> TimelinePicture | None:
    """The picture of the verdict's timeline; None where no moment is known."""
    known = [(at, one) for one in verdict.timeline if (at := parse_time(one.at))]
    if not known:
        return None
    first, last = _window(known, verdict)
    inside = [(at, one) for at, one in known if at >= first]
    lanes = _lanes([one for _, one in inside], verdict)
    rows = {name: TOP + LANE * (index + 0.5) for index, name in enumerate(lanes)}
    span = max((last - first).total_seconds(), 1.0)

    def across(at: datetime) -> float:
        return LABEL + (WIDTH - LABEL - RIGHT) * (at - first).total_seconds() / span

    marks = _marks([(across(at), one) for at, one in inside if one.kind not in ("run", "alert")], rows)
    return TimelinePicture(
        width=WIDTH,
        height=TOP + LANE * len(lanes) + BOTTOM,
        lanes=tuple((rows[name], shortened(single_line(name), LETTERS)) for name in lanes),
        marks=tuple(marks),
        ticks=tuple((across(at), text) for at, text in _ticks(first, last)),
        kinds=tuple((kind, text) for kind, text in MEANS.items() if any(one.kind == kind for _, one in inside)),
        earlier=len(known) - len(inside),
        begins=LABEL,
        run=next((across(at) for at, one in inside if one.kind == "run"), None),
        alert=next((across(at) for at, one in inside if one.kind == "alert"), None),
        described=f"{len(inside)} moments from {first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S} UTC",
    )


def _window(known: Sequence[tuple[datetime, TimelineEntry]], verdict: Verdict) -> tuple[datetime, datetime]:
    """From a little before the first cause or the alert, else from the first moment, to the last one."""
    last = max(at for at, _ in known)
    begun = [at for one in verdict.causes if (at := parse_time(one.since))]
    begun += [at for at, one in known if one.kind == "alert"]
    begun += [at for one in verdict.changes if (at := parse_time(one.at))]
    first = min((at for at in begun if at < last), default=min(at for at, _ in known))
    margin = max((last - first) * BEFORE, AT_LEAST)
    return max(first - margin, min(at for at, _ in known)) if begun else first, last


def _lanes(entries: Sequence[TimelineEntry], verdict: Verdict) -> list[str]:
    """The services worth a lane: causes first, then what only follows, then the busiest; then all others in one."""
    names = {one.service for one in entries if one.kind not in ("run", "alert")}
    causes = [one.service for one in verdict.causes]
    blocked = {name for one in verdict.causes for name in one.blocks}
    busy = {name: sum(one.service == name for one in entries) for name in names}
    ordered = sorted(names, key=lambda name: (name not in causes, name not in blocked, -busy[name], name))
    return ordered if len(ordered) <= LANES else [*ordered[: LANES - 1], OTHERS]


OTHERS = "all others"


def _marks(placed: Sequence[tuple[float, TimelineEntry]], rows: Mapping[str, float]) -> list[TimelineMark]:
    """The marks; those that would cover each other become one."""
    lanes: dict[float, list[tuple[float, TimelineEntry]]] = {}
    for x, one in sorted(placed, key=lambda pair: pair[0]):
        lanes.setdefault(rows.get(one.service, rows.get(OTHERS, 0.0)), []).append((x, one))
    found = []
    for y, lane in lanes.items():
        groups: list[list[tuple[float, TimelineEntry]]] = []
        for x, one in lane:
            if groups and x - groups[-1][0][0] < NEAR:
                groups[-1].append((x, one))
            else:
                groups.append([(x, one)])
        found += [_mark(group, y) for group in groups]
    return found


def _mark(group: Sequence[tuple[float, TimelineEntry]], y: float) -> TimelineMark:
    worst = min(group, key=lambda pair: WEIGHT.get(pair[1].kind, 9))[1]
    told = "; ".join(f"{one.at[11:19]} {single_line(one.service)}: {single_line(one.what)}" for _, one in group[:6])
    more = f"; and {len(group) - 6} more" if len(group) > 6 else ""
    return TimelineMark(group[0][0], y, worst.kind, told + more, len(group))


def _ticks(first: datetime, last: datetime) -> list[tuple[datetime, str]]:
    """Five times along the axis; with the day where they are not all of one."""
    form = "%H:%M:%S" if last - first < timedelta(hours=1) else "%H:%M"
    if first.date() != last.date():
        form = "%m-%d " + form
    return [(at, at.strftime(form)) for at in (first + (last - first) * step / 4 for step in range(5))]
