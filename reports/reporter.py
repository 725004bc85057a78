"""The pytest plugin that concludes one run and reports its verdict: files, page, terminal, notifications."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from typing import Protocol

import pytest

from service_down.fixtures.own_checks.selection import left_out
from service_down.fixtures.run.run import Run
from service_down.fixtures.text import single_line
from service_down.reports.conclusion import Conclusion, RunEnd, conclude
from service_down.reports.delivery import terminal
from service_down.reports.delivery.files import PAGE
from service_down.reports.delivery.notify import Notifications, message, send
from service_down.reports.history.incident import HistoryOptions
from service_down.reports.html.render import render, title
from service_down.reports.report_files import ReportFiles, ReportLocation
from service_down.reports.results import Results
from service_down.reports.run_description import engine_notes, other_engine_note, scope_of
from service_down.reports.steps import Steps


class HtmlReport(Protocol):
    """What is needed of pytest-html's report."""

    title: str


class Reporter:
    """Gathers one run's results and reports its verdict; registered for that run only."""

    def __init__(
        self, run: Run, location: ReportLocation, history_options: HistoryOptions, notify: Sequence[str]
    ) -> None:
        """`notify`: URLs, which are secrets."""
        self._run = run
        self._history_options = history_options
        self._notify = notify
        self._steps = Steps(run.context.redactor)
        self._steps.note(other_engine_note(run.context))
        self._steps.note(left_out(run.options, run.context))
        self._files = ReportFiles(location, self._steps)
        self._results = Results()
        self._conclusion: Conclusion | None = None
        self._notifications = Notifications()
        self._page: HtmlReport | None = None
        self._interrupted = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather a check's result, after it was redacted."""
        self._results.add(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Gather a file of checks that cannot be read, after it was redacted."""
        self._results.add_uncollected(report)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember that not all checks ran."""
        self._interrupted = True

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Conclude before the other plugins write, and keep their errors from hiding the verdict.

        `trylast`: the innermost wrapper, so that the terminal's own, which shows the summary, comes after it.
        """
        conclusion = self._conclusion = self._conclude(session)
        for note in self._steps.attempt("the notes", lambda: engine_notes(conclusion.observations)) or ():
            self._steps.note(note)
        if conclusion.verdict.word == "unknown" and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED  # nothing judged is not success
        if self._run.interrupted:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        try:
            return (yield)
        except OSError as error:
            self._steps.note(f"the report could not be written: {error}")
        except Exception as error:  # such as a lone surrogate, which cannot be encoded, or another plugin's own fault
            self._steps.note(f"the report could not be made: {type(error).__name__}: {error}")
        finally:
            self._files.write(self._run, conclusion)
            self._steps.attempt("the notification", lambda: self._send(conclusion))

    def _conclude(self, session: pytest.Session) -> Conclusion:
        run = self._run
        if run.has_late_secrets():
            self._results.redact(lambda value: run.context.redactor.redact_learned(value, run.known_secrets or 0))
        results = list(self._results.by_test.values())
        end = RunEnd(
            seconds=self._run.seconds(),
            interrupted=self._interrupted or bool(self._run.interrupted),
            missing=max(0, session.testscollected - len(results) - len(self._results.others)),  # as with -x
            scope=scope_of(session.config, run.context.mode, run.own_paths),
        )
        return conclude(run, [*results, *self._results.uncollected.values()], end, self._history_options, self._steps)

    def _send(self, conclusion: Conclusion) -> None:
        """Start to send the notifications."""
        self._notifications = send(self._notify, message(conclusion.file, self._files.staged(PAGE)))

    def pytest_unconfigure(self) -> None:
        """Wait for the notifications, in case no summary did; then remove the staged files."""
        self._notifications.results()
        self._files.remove_staged()

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: HtmlReport) -> None:
        """Keep the page: pytest-html asks for its title before there is a verdict."""
        self._page = report

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Put the verdict on top, as static HTML: the plugin's own table needs scripts."""
        conclusion = self._conclusion
        if conclusion and (html := self._steps.attempt(f"the verdict in {PAGE}", lambda: self._html(conclusion))):
            prefix.append(html)

    def _html(self, conclusion: Conclusion) -> str:
        file, context = conclusion.file, conclusion.context
        if self._page is not None:
            self._page.title = title(conclusion.verdict, file.run)
        if context is None:
            return ""
        settings = self._run.shown_settings
        return render(
            conclusion.verdict, file.run, file.mode, conclusion.observations, context, settings, file.compared
        )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
        """Write the verdict as the last lines, after those of all other plugins."""
        write_sep = terminalreporter.write_sep

        def write_sep_with_final_paths(
            sep: str, title: str | None = None, fullwidth: int | None = None, **markup: bool
        ) -> None:
            write_sep(sep, title and self._files.with_final_paths(title), fullwidth, **markup)

        terminalreporter.write_sep = write_sep_with_final_paths  # type: ignore[method-assign]  # with -v, plugins name staged files
        try:
            yield
        finally:
            terminalreporter.write_sep = write_sep  # type: ignore[method-assign]  # as it was
        if self._conclusion:
            self._write_summary(terminalreporter, self._conclusion)

    def _write_summary(self, terminalreporter: pytest.TerminalReporter, conclusion: Conclusion) -> None:
        lines = self._steps.attempt("the summary", lambda: self._lines(conclusion))
        for text, markup in lines or [(conclusion.verdict.word.upper(), {})]:
            terminalreporter.write_line(text, **markup)
        for note in self._steps.notes:
            terminalreporter.write_line(f"note       {single_line(note)}", yellow=True)
        for text, sent in self._notifications.results():
            terminalreporter.write_line(f"{'sent' if sent else 'note':<11}{single_line(text)}", yellow=not sent)

    def _lines(self, conclusion: Conclusion) -> list[terminal.Line]:
        links = self._files.links(incident=bool(conclusion.file.run.incident))
        return list(terminal.lines(conclusion.file, links, shutil.get_terminal_size().columns))
