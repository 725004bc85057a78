"""A run beside the earlier runs: what has changed, and the documents of its incident."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from service_down.fixtures.run.modes import VERIFY
from service_down.fixtures.run.places import within_deadline
from service_down.fixtures.text import single_line
from service_down.reports.delivery.files import TIMELINE, UPDATE
from service_down.reports.history.compare import PREVIOUS, compare
from service_down.reports.history.incident_timeline import incident_timeline
from service_down.reports.history.incident_update import incident_update
from service_down.reports.history.saved_run import (
    EarlierRuns,
    SavedRun,
    SavedRunError,
    load_saved_run,
    read_earlier_runs,
)
from service_down.reports.verdict_file import Comparison, VerdictFile


@dataclass(frozen=True)
class HistoryOptions:
    """Where the earlier runs are, and with which of them to compare."""

    base: Path  # the report directory
    compare_with: SavedRun | None = None
    compare_previous: bool = False


@dataclass(frozen=True)
class RunHistory:
    """The earlier runs that a run needs, and its comparison with one of them."""

    earlier: EarlierRuns
    compared: Comparison | None = None
    note: str = ""  # why there is no comparison, or that it is with another stack


def history_options(config: pytest.Config) -> HistoryOptions:
    """Return the session's options. Raises pytest.UsageError for a --compare that cannot be used."""
    option, folder = config.option, config.invocation_params.dir
    base = folder / option.report_dir
    if not option.compare or option.compare == PREVIOUS:
        return HistoryOptions(base, compare_previous=option.compare == PREVIOUS)
    try:
        return HistoryOptions(base, within_deadline(lambda: load_saved_run(folder / option.compare)))
    except (SavedRunError, TimeoutError) as error:
        remedy = f"name the folder of a run or its verdict.json, or use --compare={PREVIOUS}"
        raise pytest.UsageError(single_line(f"--compare: {error}; {remedy}")) from None


def history_of(now: VerdictFile, options: HistoryOptions) -> RunHistory:
    """Return the run's history, as far as its incident and its options need it."""
    earlier = _earlier_runs(now, options)
    then = earlier.previous(now) if options.compare_previous else options.compare_with
    if then is not None:
        run = then.verdict.run
        note = f"--compare: {then.folder} is of another stack: {run.stack} (project {run.project})"
        return RunHistory(earlier, compare(then.verdict, now), "" if then.verdict.stack == now.stack else note)
    unread = f" that can be read ({len(earlier.left_out)} cannot)" if earlier.left_out else ""
    note = f"--compare={PREVIOUS}: {options.base} holds no earlier run of this stack{unread}"
    return RunHistory(earlier, note=note if options.compare_previous else "")


def _earlier_runs(now: VerdictFile, options: HistoryOptions) -> EarlierRuns:
    """Read the report directory if needed, without waiting long for a disk that hangs."""
    if not (now.run.incident or options.compare_previous):
        return EarlierRuns()
    try:
        return within_deadline(lambda: read_earlier_runs(options.base))
    except TimeoutError as error:
        return EarlierRuns((), (f"{options.base}: cannot be read: {error}",))


def incident_documents(
    now: VerdictFile, earlier: EarlierRuns, at: datetime, options: Sequence[str]
) -> Mapping[str, Callable[[], str]]:
    """Return a function for each document of the incident, by file name.

    `at`: when the run was judged; `options`: those that a later run of this stack needs too.
    An update's number counts the incident's earlier runs that wrote an update.
    """
    runs = earlier.of_incident(now)
    before = [run for run in runs if run.verdict.started < now.started]
    number = 1 + sum(run.has_update for run in before)
    words = ["pytest", "-m", VERIFY, *options]
    words += [f"--incident={now.run.incident}"] if now.run.incident else []
    verify = shlex.join(words)
    left_out = earlier.left_out if now.run.incident else ()
    return {
        UPDATE: lambda: incident_update(now, [run.verdict for run in before], number, at, verify),
        TIMELINE: lambda: incident_timeline([*(run.verdict for run in runs), now], left_out),
    }
