"""timeline.md: an incident as its runs saw it, for the post-mortem; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service_down.fixtures.evidence.observation import parse_time
from service_down.reports.delivery.markdown import escaped
from service_down.reports.diagnosis.timeline import JUDGED
from service_down.reports.history.compare import compare
from service_down.reports.history.saved_run import SavedRun

TOGETHER = timedelta(seconds=10)  # what happens to one service after another within these is one line


@dataclass(frozen=True)
class _Line:
    """One thing that happened, as Markdown, with what belongs under it."""

    at: datetime
    text: str
    under: tuple[str, ...] = ()


def chronicle(runs: Sequence[SavedRun], left_out: Sequence[str]) -> str:
    """The timeline of the incident that these runs belong to. `left_out`: why which file is not in it."""
    runs = sorted(runs, key=lambda one: one.at)
    last = runs[-1]
    stacks = ", ".join(dict.fromkeys(one.run.stack for one in runs))
    name = escaped(last.run.incident or f"run {last.run.id}")
    count = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    parts = [
        f"# Timeline of {name}: {escaped(stacks)}",
        f"{count}, the last one ({last.mode}, {_stamp(last.at)}): **{last.verdict.upper()}**. All times are UTC.",
        _section("Causes seen", _causes(runs)),
        _section("Actions told", _actions(runs)),
        _section("Left out", [escaped(text) for text in left_out]),
        "## What happened",
        *_days(runs),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(name: str, items: Sequence[str]) -> str:
    return "\n".join([f"## {name}", "", *(f"- {item}" for item in items)]) if items else ""


def _causes(runs: Sequence[SavedRun]) -> list[str]:
    """Each cause once, with the runs that saw it first and last."""
    seen: dict[str, list[SavedRun]] = {}
    said: dict[str, str] = {}
    for run in runs:
        for one in run.causes:
            seen.setdefault(one.name, []).append(run)
            said[one.name] = one.summary
    return [f"**{escaped(name)}**: {escaped(said[name])} ({_span(by)})" for name, by in seen.items()]


def _span(by: Sequence[SavedRun]) -> str:
    first, last = _stamp(by[0].at), _stamp(by[-1].at)
    return f"seen at {first}" if len(by) == 1 else f"seen from {first} to {last}, by {len(by)} runs"


def _actions(runs: Sequence[SavedRun]) -> list[str]:
    return [f"by {_stamp(run.at)}: {escaped(action)}" for run in runs for action in run.run.actions]


def _days(runs: Sequence[SavedRun]) -> Iterator[str]:
    """Everything in the order of time, a list for each day."""
    days: dict[str, list[str]] = {}
    for line in sorted([*_entries(runs), *_runs(runs)], key=lambda one: one.at):
        told = [f"- {line.at:%H:%M:%S} {line.text}", *(f"  - {text}" for text in line.under)]
        days.setdefault(f"{line.at:%Y-%m-%d}", []).extend(told)
    for day, lines in days.items():
        yield "\n".join([f"### {day}", "", *lines])


def _entries(runs: Sequence[SavedRun]) -> Iterator[_Line]:
    """What the runs know to have happened; what several know, or know from two sources, only once."""
    found: dict[tuple[str, str, str], datetime] = {}
    for run in runs:
        for entry in run.timeline:
            if (at := parse_time(entry.at)) and entry.what != JUDGED:
                found.setdefault((_stamp(at.astimezone(UTC)), entry.service, entry.what), at.astimezone(UTC))
    groups: list[tuple[datetime, str, list[str]]] = []
    for at, what, service in sorted((at, what, service) for (_, service, what), at in found.items()):
        if groups and groups[-1][1] == what and at - groups[-1][0] < TOGETHER:
            groups[-1][2].append(service)
        else:
            groups.append((at, what, [service]))
    for at, what, services in groups:
        yield _Line(at, f"{escaped(', '.join(dict.fromkeys(services)))}: {escaped(what)}")


def _runs(runs: Sequence[SavedRun]) -> Iterator[_Line]:
    """The runs themselves: what they said, what had been done, what had changed."""
    known: dict[tuple[str, str], SavedRun] = {}
    for run in runs:
        marks = [word for word, is_so in (("replay", run.run.replayed), ("interrupted", run.run.interrupted)) if is_so]
        about = ", ".join([run.mode, *marks]) + (f", only {escaped(run.run.scope)}" if run.run.scope else "")
        under = [f"done before: {escaped(action)}" for action in run.run.actions]
        under += [f"cause: {escaped(one.name)} ({escaped(one.severity)})" for one in run.causes]
        before, known[run.stack] = known.get(run.stack), run
        if before is not None:
            parts = list(compare(before, run).parts())
            under += [f"{name}: {escaped('; '.join(said))}" for name, said in parts]
            under += ["nothing has changed since the run before"] if not parts else []
        yield _Line(run.at, f"**{about}: {run.verdict.upper()}**, {escaped(run.summary)}", tuple(under))


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
