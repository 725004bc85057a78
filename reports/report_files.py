"""The files of one run's report: made in a staging folder, then copied to the report directory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service_down.fixtures.evidence.recording import FILE_NAME as EVIDENCE
from service_down.fixtures.run.places import within_deadline
from service_down.fixtures.run.run import Run
from service_down.reports.conclusion import Conclusion
from service_down.reports.delivery.access import Access
from service_down.reports.delivery.files import (
    JUNIT,
    PAGE,
    UPDATE,
    VERDICT,
    ReportFolder,
    deliver,
    update_latest_link,
    write_copy,
    write_json,
    write_text,
)
from service_down.reports.history.incident import incident_documents
from service_down.reports.html.render import finish
from service_down.reports.run_description import recording_of
from service_down.reports.steps import Steps
from service_down.reports.verdict_file import to_json

DEFAULT_REPORT_DIR = "reports/out"


@dataclass(frozen=True)
class ReportLocation:
    """Where one run's report is made, and where it goes."""

    staged: Path | None  # None: no file can be made on this machine
    base: Path  # the report directory
    name: str  # of the new folder in it
    copies: Mapping[str, str]  # file name -> where the user wants a copy of it
    access: Access


class ReportFiles:
    """Writes the report's files, and knows where they are."""

    def __init__(self, location: ReportLocation, steps: Steps) -> None:
        self._location = location
        self._steps = steps
        self._folder: ReportFolder | None = None  # once it is delivered

    def write(self, run: Run, conclusion: Conclusion) -> None:
        """Write every file of the run, and deliver them."""
        staged = self._location.staged
        if staged is None:
            self._steps.note("no file can be written on this machine: there is no report")
            return
        self._steps.attempt(VERDICT, lambda: write_json(staged / VERDICT, to_json(conclusion.file)))
        self._steps.attempt(PAGE, lambda: _finish_page(staged / PAGE))
        for name in (PAGE, JUNIT) if run.has_late_secrets() else ():
            self._steps.attempt(name, lambda path=staged / name: _redact_again(path, run))  # type: ignore[misc]  # see below
        for name, text in _texts(run, conclusion):
            self._steps.attempt(name, lambda name=name, text=text: write_text(staged / name, text()))  # type: ignore[misc]  # a lambda's defaults have no types
        self._deliver(staged)

    def _deliver(self, staged: Path) -> None:
        """Copy the files to where the user wants them, without waiting long for any disk."""
        location = self._location
        delivered = self._steps.attempt(
            "the report", lambda: deliver(staged, location.base, location.name, location.access)
        )
        folder = self._folder = delivered or ReportFolder(staged, f"the report is in {staged}")
        self._steps.attempt("a copy of the report", lambda: within_deadline(lambda: self._copy(staged)))
        self._steps.note(folder.note)
        if not folder.note:
            self._steps.attempt("latest", lambda: within_deadline(lambda: update_latest_link(folder.path)))

    def _copy(self, staged: Path) -> None:
        for name, path in self._location.copies.items():
            if (staged / name).exists():
                write_copy(staged / name, Path(path), self._location.access)

    def staged(self, name: str) -> Path | None:
        """Return the staged file; None when it was not made."""
        path = self._location.staged / name if self._location.staged else None
        return path if path and path.is_file() else None

    def links(self, *, incident: bool) -> dict[str, str]:
        """Return the delivered files to open and, in an incident, to paste, by their label on the terminal."""
        if self._folder is None:
            return {}
        names = {"report": (PAGE, VERDICT), "to paste": (UPDATE,) if incident else ()}
        made = {label: [name for name in files if self.staged(name)] for label, files in names.items()}
        return {label: _shortest(self._folder.path / files[0]) for label, files in made.items() if files}

    def with_final_paths(self, text: str) -> str:
        """Return `text` with the staging folder replaced by the folder that the report is in."""
        folder = self._folder.path if self._folder else self._location.base
        return text.replace(str(self._location.staged), str(folder.absolute()))

    def remove_staged(self) -> None:
        """Remove the staging folder, unless the report had to stay there."""
        staged = self._location.staged
        if staged and not (self._folder and self._folder.path == staged):
            shutil.rmtree(staged, ignore_errors=True)


def _texts(run: Run, conclusion: Conclusion) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield name and content of the recording and of the incident's documents."""
    file = conclusion.file
    if run.replayed is None:
        judged = conclusion.run_context, conclusion.observations
        yield EVIDENCE, lambda: recording_of(run, *judged, file.run.actions, conclusion.verdict.checks).decode()
    if conclusion.history:
        earlier = conclusion.history.earlier
        yield from incident_documents(file, earlier, run.now(), stack_options(run)).items()


def stack_options(run: Run) -> list[str]:
    """Return the options that name the stack and the report directory, usable from every folder."""
    option, context = run.options, run.context
    if run.replayed:
        return []
    has_settings = context.settings_file is not None
    words = [f"--stack={context.settings_file.absolute()}"] if context.settings_file else []
    if option.compose_file or not (has_settings or context.found_files):
        words += [f"--compose-file={path}" for path in context.compose_files]
    words += [f"--project={context.project}"] if context.project and (option.project or not has_settings) else []
    own_folder = option.report_dir != DEFAULT_REPORT_DIR
    return words + ([f"--report-dir={Path(option.report_dir).absolute()}"] if own_folder else [])


def _finish_page(page: Path) -> None:
    if page.exists():
        write_text(page, finish(page.read_text(encoding="utf-8", errors="replace")))


def _redact_again(path: Path, run: Run) -> None:
    """Remove the secrets that were learned after other plugins had taken the first results for this file."""
    if path.exists():
        text = path.read_text(encoding="utf-8", errors="replace")
        write_text(path, run.context.redactor.redact_markup(text, run.known_secrets or 0))


def _shortest(path: Path) -> str:
    """Return the path as short as it can be used in the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
