"""What a run adds to its incident: what has changed since an earlier run, the update, and the timeline."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from service_down.reports.delivery.files import within
from service_down.reports.history.compare import PREVIOUS, Comparison, compare
from service_down.reports.history.incident_timeline import chronicle
from service_down.reports.history.incident_update import incident_update
from service_down.reports.history.saved_run import (
    UPDATE,
    EarlierRuns,
    SavedRun,
    SavedRunError,
    load_saved_run,
    read_earlier_runs,
    saved_run_from_json,
)
from service_down.reports.text import single_line

TIMELINE = "timeline.md"


@dataclass(frozen=True)
class HistoryOptions:
    """What the options ask for beside the verdict."""

    base: Path  # where the runs are
    since: SavedRun | None = None  # the run to compare with
    since_previous: bool = False  # … or the newest one before
    notify: tuple[str, ...] = field(default=(), repr=False)  # URLs: secrets

    def past(self, now: SavedRun) -> EarlierRuns:
        """The earlier runs, where this run needs them; no hung disk is waited for long."""
        if not (now.run.incident or self.since_previous):
            return EarlierRuns()
        try:
            return within(lambda: read_earlier_runs(self.base))
        except TimeoutError as error:
            return EarlierRuns((), (f"{self.base}: cannot be read: {error}",))


def history_options(config: pytest.Config) -> HistoryOptions:
    """What this session asks for. Raises pytest.UsageError for a --compare that cannot be used."""
    option, here = config.option, config.invocation_params.dir
    base, notify = here / option.report_dir, tuple(option.notify or ())
    if not option.compare or option.compare == PREVIOUS:
        return HistoryOptions(base, None, option.compare == PREVIOUS, notify)
    try:
        return HistoryOptions(base, within(lambda: load_saved_run(here / option.compare)), notify=notify)
    except (SavedRunError, TimeoutError) as error:
        remedy = f"name the folder of a run or its verdict.json, or use --compare={PREVIOUS}"
        raise pytest.UsageError(single_line(f"--compare: {error}; {remedy}")) from None


@dataclass(frozen=True)
class Related:
    """This run beside the others; `note` says what could not be had."""

    account: SavedRun | None = None
    past: EarlierRuns = field(default_factory=EarlierRuns)
    compared: Comparison | None = None
    note: str = ""

    def papers(self, at: datetime, stack: str | None) -> Mapping[str, Callable[[], str]]:
        """The files for people, by name, each made by itself.

        `at`: when it was judged; `stack`: the settings' file, where one was named.
        An update's number counts the incident's earlier runs that wrote one.
        """
        now = self.account
        if now is None:
            return {}
        runs = self.past.of_incident(now)
        earlier = [one for one in runs if one.at < now.at]
        number = 1 + sum(one.folder is not None and (one.folder / UPDATE).exists() for one in earlier)
        words = ["pytest", "-m", "verify"]
        words += [f"--stack={stack}"] if stack else []
        words += [f"--incident={now.run.incident}"] if now.run.incident else []
        return {
            UPDATE: lambda: incident_update(now, earlier, number, at, shlex.join(words)),
            TIMELINE: lambda: chronicle([*runs, now], self.past.left_out if now.run.incident else ()),
        }


def relate(asked: HistoryOptions, table: Mapping[str, Any]) -> Related:
    """The run that `table` (its verdict.json) tells of, beside the earlier ones."""
    try:
        now = saved_run_from_json(table)
    except SavedRunError as error:  # never in the way of the verdict
        return Related(note=f"this run's own verdict {error}")
    past = asked.past(now)
    since = past.previous(now) if asked.since_previous else asked.since
    if since is not None:
        other = f"--compare: {since.folder} is of another stack: {since.run.stack} (project {since.run.project})"
        return Related(now, past, compare(since, now), "" if since.stack == now.stack else other)
    unread = f" that can be read ({len(past.left_out)} cannot)" if past.left_out else ""
    note = f"--compare={PREVIOUS}: {asked.base} holds no earlier run of this stack{unread}"
    return Related(now, past, None, note if asked.since_previous else "")
