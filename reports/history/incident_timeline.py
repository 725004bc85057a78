"""timeline.md: an incident as its runs observed it, for the post-mortem; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service_down.fixtures.evidence.observation import parse_time
from service_down.reports.delivery.markdown import escaped
from service_down.reports.diagnosis.timeline import JUDGED
from service_down.reports.history.compare import compare
from service_down.reports.verdict_file import VerdictFile

SAME_EVENT = timedelta(seconds=10)  # the same event of several services within this time is one line


@dataclass(frozen=True)
class _Line:
    """One event as Markdown, with its details."""

    at: datetime
    text: str
    details: tuple[str, ...] = ()


def incident_timeline(runs: Sequence[VerdictFile], left_out: Sequence[str]) -> str:
    """Return the timeline of the incident of these runs. `left_out`: a sentence for each run that is not in it."""
    runs = sorted(runs, key=lambda run: run.started)
    last = runs[-1]
    stacks = ", ".join(dict.fromkeys(run.run.stack for run in runs))
    name = escaped(last.run.incident or f"run {last.run.id}")
    count = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    parts = [
        f"# Timeline of {name}: {escaped(stacks)}",
        f"{count}, the last one ({last.mode}, {_stamp(last.started)}): **{last.verdict.upper()}**. All times are UTC.",
        _section("Causes seen", _causes(runs)),
        _section("Actions told", _actions(runs)),
        _section("Left out", [escaped(text) for text in left_out]),
        "## What happened",
        *_days(runs),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(name: str, items: Sequence[str]) -> str:
    return "\n".join([f"## {name}", "", *(f"- {item}" for item in items)]) if items else ""


def _causes(runs: Sequence[VerdictFile]) -> list[str]:
    """Return each cause once, with its newest summary and the first and last run that found it."""
    runs_by_name: dict[str, list[VerdictFile]] = {}
    summaries: dict[str, str] = {}
    for run in runs:
        for cause in run.causes:
            runs_by_name.setdefault(cause.name, []).append(run)
            summaries[cause.name] = cause.summary
    return [f"**{escaped(name)}**: {escaped(summaries[name])} ({_span(by)})" for name, by in runs_by_name.items()]


def _span(runs: Sequence[VerdictFile]) -> str:
    first, last = _stamp(runs[0].started), _stamp(runs[-1].started)
    return f"seen at {first}" if len(runs) == 1 else f"seen from {first} to {last}, by {len(runs)} runs"


def _actions(runs: Sequence[VerdictFile]) -> list[str]:
    return [f"by {_stamp(run.started)}: {escaped(action)}" for run in runs for action in run.run.actions]


def _days(runs: Sequence[VerdictFile]) -> Iterator[str]:
    """Yield a list for each day, with everything in the order of time."""
    days: dict[str, list[str]] = {}
    for line in sorted([*_event_lines(runs), *_run_lines(runs)], key=lambda line: line.at):
        items = [f"- {line.at:%H:%M:%S} {line.text}", *(f"  - {text}" for text in line.details)]
        days.setdefault(f"{line.at:%Y-%m-%d}", []).extend(items)
    for day, items in days.items():
        yield "\n".join([f"### {day}", "", *items])


def _event_lines(runs: Sequence[VerdictFile]) -> Iterator[_Line]:
    """Yield the events of all runs; an event that several runs or two sources know is one line."""
    found: dict[tuple[str, str, str], datetime] = {}
    for run in runs:
        for event in run.timeline:
            if (at := parse_time(event.at)) and event.what != JUDGED:
                found.setdefault((_stamp(at.astimezone(UTC)), event.service, event.what), at.astimezone(UTC))
    groups: list[tuple[datetime, str, list[str]]] = []
    for at, what, service in sorted((at, what, service) for (_, service, what), at in found.items()):
        if groups and groups[-1][1] == what and at - groups[-1][0] < SAME_EVENT:
            groups[-1][2].append(service)
        else:
            groups.append((at, what, [service]))
    for at, what, services in groups:
        yield _Line(at, f"{escaped(', '.join(dict.fromkeys(services)))}: {escaped(what)}")


def _run_lines(runs: Sequence[VerdictFile]) -> Iterator[_Line]:
    """Yield each run: its verdict, the actions before it, its causes, and what changed since the run before."""
    newest: dict[tuple[str, str], VerdictFile] = {}
    for run in runs:
        marks = {"replay": run.run.replayed, "interrupted": run.run.interrupted}
        kind = ", ".join([run.mode, *(mark for mark, applies in marks.items() if applies)])
        scope = f", only {escaped(run.run.scope)}" if run.run.scope else ""
        details = [f"done before: {escaped(action)}" for action in run.run.actions]
        details += [f"cause: {escaped(cause.name)} ({escaped(cause.severity)})" for cause in run.causes]
        before, newest[run.stack] = newest.get(run.stack), run
        if before is not None:
            changes = list(compare(before, run).parts())
            details += [f"{name}: {escaped('; '.join(texts))}" for name, texts in changes]
            details += ["nothing has changed since the run before"] if not changes else []
        yield _Line(run.started, f"**{kind}{scope}: {run.verdict.upper()}**, {escaped(run.summary)}", tuple(details))


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
