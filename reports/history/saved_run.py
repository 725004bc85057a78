"""Earlier runs, read from their `verdict.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from service_down.fixtures.evidence.observation import parse_time
from service_down.fixtures.run.modes import PREVENT
from service_down.fixtures.run.places import PREFIX
from service_down.fixtures.settings.user_file import MIB, FileError, decode_json, read_regular_file
from service_down.reports.delivery.files import UPDATE, VERDICT
from service_down.reports.verdict_file import SCHEMA, VerdictFile

MAX_FILE_BYTES = 4 * MIB  # that of two thousand services has 0.4
MAX_ALL_BYTES = 32 * MIB
MAX_RUNS = 200  # read from a report directory; older runs do not belong to a current incident


class SavedRunError(Exception):
    """A verdict.json that cannot be used; the text names the file and says why."""


@dataclass(frozen=True)
class SavedRun:
    """A run in a report directory."""

    verdict: VerdictFile
    folder: Path

    @property
    def has_update(self) -> bool:
        """Whether the run wrote an incident update."""
        return (self.folder / UPDATE).exists()


def verdict_from_json(table: object) -> VerdictFile:
    """Return the content of a decoded verdict.json. Raises SavedRunError with what is wrong."""
    schema = table.get("schema") if isinstance(table, Mapping) else None
    if not isinstance(schema, int):
        raise SavedRunError("is no verdict of this suite (it has no schema)")
    if schema > SCHEMA:
        raise SavedRunError(f"has schema {schema}, this suite knows {SCHEMA}; use a newer suite")
    try:
        verdict = msgspec.convert(table, VerdictFile)
    except msgspec.ValidationError as error:
        raise SavedRunError(f"does not hold what it must: {error}; was it edited by hand?") from None
    if parse_time(verdict.run.started) is None:
        raise SavedRunError(f"does not hold what it must: run.started is {verdict.run.started!r}, no time")
    return verdict


def load_saved_run(path: Path) -> SavedRun:
    """Return the run of a folder, or of its verdict.json.

    Raises SavedRunError for a file that is missing, cut off, edited by hand or of a newer version.
    """
    file = path
    try:
        file = path / VERDICT if path.is_dir() else path
        verdict = verdict_from_json(decode_json(read_regular_file(file, MAX_FILE_BYTES)))
    except OSError as error:  # a folder on the way
        raise SavedRunError(f"{path}: cannot be read: {error.strerror}") from None
    except (FileError, SavedRunError) as error:
        raise SavedRunError(f"{file}: {error}") from None
    return SavedRun(verdict, file.parent)


@dataclass(frozen=True)
class EarlierRuns:
    """The runs in a report directory, oldest first, and a sentence for each that could not be read."""

    runs: tuple[SavedRun, ...] = ()
    left_out: tuple[str, ...] = ()

    def of_incident(self, now: VerdictFile) -> tuple[SavedRun, ...]:
        """Return the other runs of this run's incident. Of a run and its replays, return the run if it is there."""
        if not now.run.incident:
            return ()
        same = [run for run in self._others(now) if run.verdict.run.incident == now.run.incident]
        by_id = {run.verdict.run.id: run for run in sorted(same, key=lambda run: not run.verdict.run.replayed)}
        return tuple(sorted(by_id.values(), key=_started))

    def previous(self, now: VerdictFile) -> SavedRun | None:
        """Return the newest earlier run of the same stack, preferably of the same incident.

        A run of a part of the checks is no base, unless it was the same part. A run of prevent is one for another of
        prevent only.
        """
        others = [run for run in self._others(now) if run.verdict.run.scope in (None, now.run.scope)]
        others = [run for run in others if (run.verdict.mode == PREVENT) == (now.mode == PREVENT)]
        before = [run for run in others if run.verdict.stack == now.stack and run.verdict.started < now.started]
        same = [run for run in before if now.run.incident and run.verdict.run.incident == now.run.incident]
        return max(same or before, key=_started, default=None)

    def _others(self, now: VerdictFile) -> list[SavedRun]:
        return [run for run in self.runs if run.verdict.run.id != now.run.id]


def _started(run: SavedRun) -> datetime:
    return run.verdict.started


def read_earlier_runs(base: Path) -> EarlierRuns:
    """Return the newest runs of a report directory; a run that cannot be read is named and left out."""
    runs, left_out, size = [], [], 0
    try:
        folders = sorted(
            folder
            for folder in base.iterdir()
            if not folder.name.startswith((".", PREFIX))  # not whole yet
            and not folder.is_symlink()
            and (folder / VERDICT).exists()
        )
    except OSError as error:
        return EarlierRuns((), (f"{base}: cannot be read: {error.strerror}",) if base.exists() else ())
    for folder in reversed(folders[-MAX_RUNS:]):  # their names begin with the time
        file_size = _size(folder / VERDICT)
        if size + file_size > MAX_ALL_BYTES:
            left_out.append(f"{folder}: is left out: newer runs are large enough")
            continue
        try:
            runs.append(load_saved_run(folder / VERDICT))
            size += file_size
        except SavedRunError as error:
            left_out.append(str(error))
    runs.reverse()
    return EarlierRuns(tuple(sorted(runs, key=_started)), tuple(reversed(left_out)))


def _size(file: Path) -> int:
    try:
        return min(file.stat().st_size, MAX_FILE_BYTES)
    except OSError:  # it is gone
        return 0
