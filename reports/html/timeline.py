"""The timeline as a picture: one lane for each service with events, time from left to right. All lengths are pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.text import single_line
from service_down.reports.diagnosis.timeline import Kind, TimelineEntry
from service_down.reports.verdict import Verdict

WIDTH_PX, LABEL_PX, RIGHT_MARGIN_PX = 1000.0, 170.0, 30.0
LANE_PX, TOP_MARGIN_PX, BOTTOM_MARGIN_PX = 30.0, 34.0, 34.0
MIN_MARK_DISTANCE_PX = 22.0  # marks that are nearer are joined
MAX_LANES = 14
MAX_LABEL_CHARS = 20
MAX_MARK_ENTRIES = 6  # in the text of a mark
TICK_INTERVALS = 4
LEAD_SHARE, MIN_LEAD = 0.15, timedelta(minutes=2)  # time shown before the incident
OTHER_SERVICES = "all others"  # the label of the last lane when there are more than MAX_LANES
SEVERITY_RANK: Mapping[Kind, int] = {
    "memory": 0, "ended": 1, "health": 2, "stopped": 3, "deployed": 4, "alert": 5, "started": 6,
    "finished": 7, "other": 8, "run": 9,
}  # fmt: skip
LEGEND: Mapping[Kind, str] = {
    "deployed": "container created", "started": "started", "finished": "ended with 0", "ended": "ended",
    "memory": "out of memory", "health": "unhealthy", "stopped": "stopped", "alert": "alert",
}  # fmt: skip


@dataclass(frozen=True)
class TimelineMark:
    """One or more events of a lane at about the same time. The most severe one determines the kind."""

    x: float
    y: float
    kind: Kind
    text: str
    count: int


@dataclass(frozen=True)
class TimelinePicture:
    """All that the timeline's template draws."""

    width: float
    height: float
    lanes: tuple[tuple[float, str], ...]  # y and label
    marks: tuple[TimelineMark, ...]
    ticks: tuple[tuple[float, str], ...]  # x and label
    kinds: tuple[tuple[Kind, str], ...]  # the legend: only kinds that occur
    earlier_entries: int  # entries before the first time shown
    axis_x: float
    run_x: float | None
    alert_x: float | None
    description: str


@dataclass(frozen=True)
class _TimedEntry:
    at: datetime
    entry: TimelineEntry


@dataclass(frozen=True)
class _TimeAxis:
    """Maps times to x positions."""

    first: datetime
    last: datetime

    def x(self, at: datetime) -> float:
        """Return the x position of a time."""
        seconds = max((self.last - self.first).total_seconds(), 1.0)
        return LABEL_PX + (WIDTH_PX - LABEL_PX - RIGHT_MARGIN_PX) * (at - self.first).total_seconds() / seconds


def build_timeline_picture(verdict: Verdict) -> TimelinePicture | None:
    """Return the picture of the verdict's timeline; None when no entry has a known time."""
    timed = [_TimedEntry(at, entry) for entry in verdict.timeline if (at := parse_time(entry.at))]
    if not timed:
        return None
    axis = _time_axis(timed, verdict)
    shown = [item for item in timed if item.at >= axis.first]
    lanes = _lane_names([item.entry for item in shown], verdict)
    lane_y = {name: TOP_MARGIN_PX + LANE_PX * (index + 0.5) for index, name in enumerate(lanes)}
    shown_kinds = {item.entry.kind for item in shown}
    return TimelinePicture(
        width=WIDTH_PX,
        height=TOP_MARGIN_PX + LANE_PX * len(lanes) + BOTTOM_MARGIN_PX,
        lanes=tuple((lane_y[name], _truncate(single_line(name))) for name in lanes),
        marks=_marks([item for item in shown if item.entry.kind not in ("run", "alert")], axis, lane_y),
        ticks=tuple((axis.x(at), label) for at, label in _ticks(axis)),
        kinds=tuple((kind, text) for kind, text in LEGEND.items() if kind in shown_kinds),
        earlier_entries=len(timed) - len(shown),
        axis_x=LABEL_PX,
        run_x=next((axis.x(item.at) for item in shown if item.entry.kind == "run"), None),
        alert_x=next((axis.x(item.at) for item in shown if item.entry.kind == "alert"), None),
        description=f"{len(shown)} moments from {axis.first:%Y-%m-%d %H:%M:%S} to {axis.last:%H:%M:%S} UTC",
    )


def _time_axis(timed: Sequence[_TimedEntry], verdict: Verdict) -> _TimeAxis:
    """Return the time to show: from shortly before the first cause, alert or change to the last entry.

    Without any of these it begins with the first entry.
    """
    earliest, last = min(item.at for item in timed), max(item.at for item in timed)
    starts = [at for cause in verdict.causes if (at := parse_time(cause.since))]
    starts += [item.at for item in timed if item.entry.kind == "alert"]
    starts += [at for change in verdict.changes if (at := parse_time(change.at))]
    if not starts:
        return _TimeAxis(earliest, last)
    first = min((at for at in starts if at < last), default=earliest)
    lead = max((last - first) * LEAD_SHARE, MIN_LEAD)
    return _TimeAxis(max(first - lead, earliest), last)


def _lane_names(entries: Sequence[TimelineEntry], verdict: Verdict) -> list[str]:
    """Return the services with a lane: causes, then what follows from them, then those with the most entries.

    When there are more than MAX_LANES, the last lane is for all other services.
    """
    names = {entry.service for entry in entries if entry.kind not in ("run", "alert")}
    causes = {cause.service for cause in verdict.causes}
    blocked = {name for cause in verdict.causes for name in cause.blocks}
    count = {name: sum(entry.service == name for entry in entries) for name in names}
    ordered = sorted(names, key=lambda name: (name not in causes, name not in blocked, -count[name], name))
    return ordered if len(ordered) <= MAX_LANES else [*ordered[: MAX_LANES - 1], OTHER_SERVICES]


def _marks(timed: Sequence[_TimedEntry], axis: _TimeAxis, lane_y: Mapping[str, float]) -> tuple[TimelineMark, ...]:
    """Return the marks. Entries of a lane whose marks would overlap share a mark."""
    lanes: dict[float, list[list[_TimedEntry]]] = {}
    for item in sorted(timed, key=lambda item: item.at):
        y = lane_y.get(item.entry.service, lane_y.get(OTHER_SERVICES, 0.0))
        groups = lanes.setdefault(y, [])
        if groups and axis.x(item.at) - axis.x(groups[-1][0].at) < MIN_MARK_DISTANCE_PX:
            groups[-1].append(item)
        else:
            groups.append([item])
    return tuple(_mark(group, axis.x(group[0].at), y) for y, groups in lanes.items() for group in groups)


def _mark(group: Sequence[_TimedEntry], x: float, y: float) -> TimelineMark:
    entries = [item.entry for item in group]
    worst = min(entries, key=lambda entry: SEVERITY_RANK.get(entry.kind, 9))
    text = "; ".join(
        f"{entry.at[11:19]} {single_line(entry.service)}: {single_line(entry.what)}"
        for entry in entries[:MAX_MARK_ENTRIES]
    )
    more = f"; and {len(entries) - MAX_MARK_ENTRIES} more" if len(entries) > MAX_MARK_ENTRIES else ""
    return TimelineMark(x, y, worst.kind, text + more, len(entries))


def _ticks(axis: _TimeAxis) -> list[tuple[datetime, str]]:
    """Return equally spaced times with their labels. The labels contain the day when the axis spans several days."""
    form = "%H:%M:%S" if axis.last - axis.first < timedelta(hours=1) else "%H:%M"
    if axis.first.date() != axis.last.date():
        form = "%m-%d " + form
    span = axis.last - axis.first
    times = (axis.first + span * step / TICK_INTERVALS for step in range(TICK_INTERVALS + 1))
    return [(at, at.strftime(form)) for at in times]


def _truncate(text: str) -> str:
    return text if len(text) <= MAX_LABEL_CHARS else text[: MAX_LABEL_CHARS - 1] + "…"
