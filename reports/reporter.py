"""Turns a run's results into its verdict, and shows it: files, HTML, terminal. No step can take another with it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from service_down.fixtures.evidence.observation import Evidence
from service_down.fixtures.evidence.recording import NAME, Recording, encode
from service_down.fixtures.run.run import Run
from service_down.reports.delivery import terminal
from service_down.reports.delivery.files import Folder, deliver, point_latest, within, write_json, write_text
from service_down.reports.delivery.notify import Sending, message, send
from service_down.reports.diagnosis.diagnose import diagnose
from service_down.reports.history.incident import HistoryOptions, Related, relate
from service_down.reports.history.saved_run import UPDATE
from service_down.reports.html.render import finish, render, title
from service_down.reports.results import Results
from service_down.reports.run_description import context_of, facts_of, scene_of, scope_of, two_machines
from service_down.reports.text import single_line
from service_down.reports.verdict import Verdict, as_json

HTML, JSON, JUNIT = "report.html", "verdict.json", "junit.xml"
USUAL = "stack.toml"  # the settings' name where none is given
OPTIONS = {HTML: "htmlpath", JUNIT: "xmlpath"}  # file -> option of the plugin that writes it
T = TypeVar("T")


@dataclass(frozen=True)
class ReportLocation:
    """Where one run's report is made, and where it goes."""

    staged: Path | None  # None: no file can be made on this machine
    base: Path
    name: str


class Reporter:
    """One run's results on their way to a verdict; registered as a plugin for that run only."""

    def __init__(
        self, run: Run, location: ReportLocation, elsewhere: dict[str, str | None], asked: HistoryOptions
    ) -> None:
        """`elsewhere`: where the user wanted a copy of which file."""
        self._run = run
        self._asked = asked
        self._place = location
        self._folder: Folder | None = None  # as soon as there is a report
        self._elsewhere = elsewhere
        self._results = Results()
        self._verdict: Verdict | None = None
        self._facts: dict[str, Any] = {}
        self._related = Related()
        self._sending = Sending()
        self._page: Any = None
        self._began = time.time() if run.replayed else run.started
        self._interrupted = False
        self._problems = [note for note in (two_machines(run.context),) if note]

    def _try(self, what: str, do: Callable[[], T]) -> T | None:
        """Does one step; what goes wrong in it is a note, and costs nothing but this step."""
        try:
            return do()
        except OSError as error:
            self._problems.append(f"{what} could not be written: {error}")
        except Exception as error:
            told = self._run.context.redactor.text(f"{type(error).__name__}: {error}")
            self._problems.append(f"{what} could not be made, which is a fault of this suite: {told[:300]}")
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gathers what the checks said."""
        self._results.add(report)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remembers that the run is not whole."""
        self._interrupted = True

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Judges before the other plugins write, and keeps their trouble from hiding the verdict.

        `trylast`: the innermost wrapper, so that the terminal's own, which shows the summary, comes after it.
        """
        self._conclude(session)
        if self._verdict and self._verdict.word == "unknown" and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED  # nothing judged is not success
        try:
            return (yield)
        except OSError as error:
            self._problems.append(f"the report could not be written: {error}")
        except ValueError as error:  # as when half a character cannot be encoded
            self._problems.append(f"the report could not be made: {error}")
        finally:
            self._write()
            self._try("the notification", self._send)

    def _conclude(self, session: pytest.Session) -> None:
        """The verdict of what has been seen so far."""
        run, missing = self._run, max(0, session.testscollected - len(self._results.by_test))  # as with -x
        results = list(self._results.by_test.values())
        judged = self._try("the verdict", lambda: diagnose(results, replace(scene_of(run), missing=missing)))
        self._verdict = judged or Verdict("unknown", "the results could not be judged", checks=tuple(results))
        project = self._try("the project's name", lambda: scene_of(run).project) or "?"
        scope = scope_of(session.config, run.context.mode)
        seconds, interrupted = time.time() - self._began, self._interrupted or missing > 0
        self._facts = facts_of(run, context_of(run, project), seconds, interrupted, scope)
        table = as_json(self._verdict, self._facts, run.context.mode)
        self._related = self._try("the incident's other runs", lambda: relate(self._asked, table)) or Related()
        self._problems += [self._related.note] if self._related.note else []

    def _recording(self) -> bytes:
        """Everything the verdict was made from."""
        run = self._run
        options = {
            "now": run.now().isoformat(),
            "compose": run.compose,
            "services": list(run.context.services),
            "alert": asdict(run.alert) if run.alert else None,
            "actions": self._facts["actions"],
            "breach": run.options.suspect_breach,
        }
        evidence = Evidence(context_of(run, self._facts["project"]), run.observations())
        return encode(Recording(evidence, run.context.settings, run.stack(), options), run.context.redactor)

    def _write(self) -> None:
        """Every file of the run, the verdict first."""
        if self._verdict is None:
            return
        folder, run = self._place.staged, self._run
        if folder is None:
            self._problems.append("no file can be written on this machine: there is no report")
            return
        table = as_json(self._verdict, self._facts, run.context.mode, self._related.compared)
        self._try(JSON, lambda: write_json(folder / JSON, table))
        if run.replayed is None:
            self._try(NAME, lambda: write_text(folder / NAME, self._recording().decode()))
        self._try(HTML, lambda: _finish_page(folder / HTML))
        for name, make in self._related.papers(run.now(), self._named()).items():
            self._try(name, lambda name=name, make=make: write_text(folder / name, make()))  # type: ignore[misc]
        self._hand_over(folder)

    def _hand_over(self, staged: Path) -> None:
        """Carries the files to where they were asked for; no disk is waited for long."""
        carried = self._try("the report", lambda: deliver(staged, self._place.base, self._place.name, JSON))
        folder = self._folder = carried or Folder(staged, f"the report is in {staged}")
        self._try("a copy of the report", lambda: within(lambda: self._copy(staged)))
        if folder.note:
            self._problems.append(folder.note)
        else:
            self._try("latest", lambda: within(lambda: point_latest(folder.path)))

    def _named(self) -> str | None:
        """The settings' file, where the user named one."""
        stack = self._run.options.stack
        return stack if stack != USUAL and not self._run.replayed else None

    def _copy(self, staged: Path) -> None:
        """The files that the user wanted elsewhere."""
        for name, wanted in self._elsewhere.items():
            if wanted and (staged / name).exists():
                Path(wanted).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(staged / name, wanted)

    def _send(self) -> None:
        """Starts to send the summary where it was asked for."""
        report = self._made(HTML)
        if self._related.account:
            text = message(self._related.account, self._related.compared, report)
            self._sending = send(self._asked.notify, text)

    def _made(self, name: str) -> Path | None:
        """A file where it was made; None where it was not."""
        path = self._place.staged / name if self._place.staged else None
        return path if path and path.is_file() else None

    def pytest_unconfigure(self) -> None:
        """Waits for what is being sent, where no summary has; then nothing is needed where the files were made."""
        self._sending.results()
        staged = self._place.staged
        if staged and not (self._folder and self._folder.path == staged):
            shutil.rmtree(staged, ignore_errors=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Keeps the page, whose title is asked for before there is a verdict."""
        self._page = report

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """The verdict on top, as static HTML: the plugin's own table needs scripts."""
        told = self._try(f"the verdict in {HTML}", self._page_told)
        if told:
            prefix.append(told)

    def _page_told(self) -> str:
        run, verdict = self._run, self._verdict
        if verdict is None:
            return ""
        if self._page is not None:
            self._page.title = title(verdict, self._facts)
        scene, seen = scene_of(run), run.observations()
        return render(verdict, self._facts, run.context.mode, seen, scene, run.context.settings, self._related.compared)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
        """The verdict as the last thing on the screen, after what all others have to say."""
        told = terminalreporter.write_sep
        terminalreporter.write_sep = self._moved(told)  # type: ignore[method-assign]  # with -v the plugins name files
        try:
            yield
        finally:
            terminalreporter.write_sep = told  # type: ignore[method-assign]
        if self._verdict is None:
            return
        for text, markup in self._try("the summary", self._lines) or [(f"{self._verdict.word.upper()}", {})]:
            terminalreporter.write_line(text, **markup)
        for problem in self._problems:
            terminalreporter.write_line(f"note       {single_line(problem)}", yellow=True)
        for text, sent in self._sending.results():
            terminalreporter.write_line(f"{'sent' if sent else 'note':<11}{single_line(text)}", yellow=not sent)

    def _moved(self, told: Callable[..., None]) -> Callable[..., None]:
        """Says a line of another plugin about a file with the place where that file is now."""
        made, now = str(self._place.staged), str((self._folder or Folder(self._place.base)).path.absolute())
        return lambda sep, title="", *words, **markup: told(sep, (title or "").replace(made, now), *words, **markup)

    def _files(self) -> dict[str, str]:
        """The files to open and to paste, as far as they are there: with no room for a report there is none."""
        if self._folder is None:
            return {}
        told = {"report": [HTML, JSON], "to paste": [UPDATE] if self._facts.get("incident") else []}
        there = {label: [name for name in names if self._made(name)] for label, names in told.items()}
        return {label: _shown(self._folder.path / names[0]) for label, names in there.items() if names}

    def _lines(self) -> list[terminal.Line]:
        assert self._verdict is not None
        width = shutil.get_terminal_size().columns
        mode, compared = self._run.context.mode, self._related.compared
        return list(terminal.lines(self._verdict, self._facts, mode, self._files(), width, compared))


def _shown(path: Path) -> str:
    """A path as short as it can be pasted from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _finish_page(page: Path) -> None:
    if page.exists():
        write_text(page, finish(page.read_text(encoding="utf-8", errors="replace")))
