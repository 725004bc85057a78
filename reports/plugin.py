"""Turns a run's results into its verdict, and shows it: files, HTML, terminal."""

from __future__ import annotations

import shutil
import signal
import socket
import time
from collections.abc import Generator
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from fixtures.bundle import NAME, Bundle, encode
from fixtures.evidence import Context, Evidence, utc
from fixtures.look import LOCAL, Look
from fixtures.plugin import run_of
from fixtures.run import Run
from reports import terminal
from reports.diagnose import Scene, diagnose
from reports.files import Folder, make_folder, point_latest, write_json, write_text
from reports.html.render import finish, render, title
from reports.incident import Asked, Related, asked_of, relate
from reports.notify import Sending, message, send
from reports.results import Results
from reports.scene import scene_from
from reports.verdict import Verdict, as_json

VERSION = "0.1.0"
HTML, JSON, JUNIT = "report.html", "verdict.json", "junit.xml"
USUAL = "stack.toml"  # the settings' name where none is given
OPTIONS = {HTML: "htmlpath", JUNIT: "xmlpath"}  # file -> option of the plugin that writes it


class Reporter:
    """One run's results on their way to a verdict; registered as a plugin for that run only."""

    def __init__(self, run: Run, folder: Folder, elsewhere: dict[str, str | None], asked: Asked) -> None:
        """`elsewhere`: where the user wanted a copy of which file."""
        self._run = run
        self._asked = asked
        self._folder = folder
        self._elsewhere = elsewhere
        self._results = Results()
        self._verdict: Verdict | None = None
        self._facts: dict[str, Any] = {}
        self._related = Related()
        self._sending = Sending()
        self._page: Any = None
        self._began = time.time() if run.replayed else run.started
        self._interrupted = False
        self._problems = [note for note in (folder.note, _two_machines(run.look)) if note]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gathers what the checks said."""
        self._results.add(report)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remembers that the run is not whole."""
        self._interrupted = True

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Judges before the other plugins write, and keeps their trouble with files from hiding the verdict.

        `trylast`: the innermost wrapper, so that the terminal's own, which shows the summary, comes after it.
        """
        self._conclude(session)
        if self._verdict and self._verdict.word == "unknown" and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED  # nothing judged is not success
        try:
            return (yield)
        except OSError as error:
            self._problems.append(f"the report could not be written: {error}")
        finally:
            self._write()
            self._send()

    def _conclude(self, session: pytest.Session) -> None:
        """The verdict of what has been seen so far."""
        run, missing = self._run, max(0, session.testscollected - len(self._results.by_test))  # as with -x
        scene = replace(scene_of(run), missing=missing)
        self._verdict = diagnose(list(self._results.by_test.values()), scene)
        context = self._context(scene)
        self._facts = {
            "id": context.run,
            "started": context.started,
            "seconds": round(time.time() - self._began, 2),
            "replayed": run.replayed is not None,
            "interrupted": self._interrupted or missing > 0,
            "scope": _scope(session.config),
            "suite": context.suite,
            "host": context.host,
            "stack": context.stack,
            "project": context.project,
            "incident": self._clean(run.options.incident) or context.incident,
            "actions": [text for action in self._actions() if (text := self._clean(action))],
        }
        self._related = relate(self._asked, as_json(self._verdict, self._facts, run.look.mode))
        self._problems += [self._related.note] if self._related.note else []

    def _clean(self, text: str | None) -> str | None:
        """What a person typed, on one line and without secrets."""
        return terminal.plain(self._run.look.redactor.text(text or "")).strip() or None

    def _actions(self) -> list[str]:
        """What has been done: as recorded, where this is a recording, and as told now."""
        run = self._run
        recorded = run.replayed.options.get("actions") if run.replayed else None
        return [str(one) for one in (recorded if isinstance(recorded, list) else [])] + (run.options.action or [])

    def _context(self, scene: Scene) -> Context:
        """What the run was; a recording's own where it is one."""
        run = self._run
        if run.replayed:
            return run.replayed.evidence.context
        return Context(
            run=run.look.run,
            mode=run.look.mode,
            started=utc(run.started),
            host=socket.gethostname() if run.look.host == LOCAL else run.look.host,
            stack=run.look.settings.stack.name,
            project=scene.project,
            suite=_version(),
            incident=self._clean(run.options.incident),
        )

    def _bundle(self) -> bytes:
        """Everything the verdict was made from."""
        run, scene = self._run, scene_of(self._run)
        options = {
            "now": scene.now.isoformat(),
            "compose": run.compose,
            "services": list(run.look.services),
            "alert": asdict(run.alert) if run.alert else None,
            "actions": self._facts["actions"],
        }
        evidence = Evidence(self._context(scene), run.observations())
        return encode(Bundle(evidence, run.look.settings, run.stack(), options), run.look.redactor)

    def _write(self) -> None:
        """verdict.json, the copies that the user asked for, and `latest`."""
        if self._verdict is None or not self._folder.writable:
            return
        folder, run = self._folder.path, self._run
        named = run.options.stack if run.options.stack != USUAL and not run.replayed else None
        try:
            write_json(folder / JSON, as_json(self._verdict, self._facts, run.look.mode, self._related.compared))
            for name, text in self._related.papers(run.now(), named).items():
                write_text(folder / name, text)
            if (folder / HTML).exists():
                write_text(folder / HTML, finish((folder / HTML).read_text(encoding="utf-8", errors="replace")))
            if run.replayed is None:
                write_text(folder / NAME, self._bundle().decode())
            for name, wanted in self._elsewhere.items():
                if wanted and (folder / name).exists():
                    Path(wanted).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(folder / name, wanted)
            if not self._folder.note:
                point_latest(folder)
        except OSError as error:
            self._problems.append(f"the report could not be written: {error}")

    def _send(self) -> None:
        """Starts to send the summary where it was asked for."""
        report = self._folder.path / HTML
        if self._related.account:
            text = message(self._related.account, self._related.compared, report if report.is_file() else None)
            self._sending = send(self._asked.notify, text)

    def pytest_unconfigure(self) -> None:
        """Waits for what is being sent, where no summary has."""
        self._sending.results()

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Keeps the page, whose title is asked for before there is a verdict."""
        self._page = report

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """The verdict on top, as static HTML: the plugin's own table needs scripts."""
        if self._verdict:
            if self._page is not None:
                self._page.title = title(self._verdict, self._facts)
            run, scene, compared = self._run, scene_of(self._run), self._related.compared
            told = render(
                self._verdict, self._facts, run.look.mode, run.observations(), scene, run.look.settings, compared
            )
            prefix.append(told)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
        """The verdict as the last thing on the screen, after what all others have to say."""
        yield
        if self._verdict is None:
            return
        width = shutil.get_terminal_size().columns
        path = _shown(self._folder.path / HTML)
        mode = self._run.look.mode
        for text, markup in terminal.lines(self._verdict, self._facts, mode, path, width, self._related.compared):
            terminalreporter.write_line(text, **markup)
        for problem in self._problems:
            terminalreporter.write_line(f"note       {terminal.plain(problem)}", yellow=True)
        for text, sent in self._sending.results():
            terminalreporter.write_line(f"{'sent' if sent else 'note':<11}{terminal.plain(text)}", yellow=not sent)


@pytest.hookimpl(optionalhook=True)
def pytest_metadata(metadata: dict[str, Any], config: pytest.Config) -> None:
    """Keeps the environment out of the report: nobody chose it, and pytest-html does not escape it."""
    if run_of(config):
        metadata.clear()


def pytest_configure(config: pytest.Config) -> None:
    """Chooses the report's folder: after the run is there, before pytest-html and junitxml read their options."""
    run = run_of(config)
    if run is None or hasattr(config, "workerinput") or config.option.collectonly:
        return
    asked = asked_of(config)
    config.option.notify = None  # xdist would hand the URLs to its workers
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if run.replayed else run.started))
    folder = make_folder(asked.base, f"{stamp}-{run.look.mode}")
    elsewhere = {name: getattr(config.option, option, None) for name, option in OPTIONS.items()}
    for name, option in OPTIONS.items():
        if hasattr(config.option, option):  # the plugin may be switched off
            setattr(config.option, option, str(folder.path / name) if folder.writable else None)
    config.option.self_contained_html = True
    config.pluginmanager.register(Reporter(run, folder, elsewhere, asked), "service-down-reporter")
    _report_when_terminated()


def _report_when_terminated() -> None:
    """Lets SIGTERM interrupt as Ctrl-C does: pytest alone would die of it without a report."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt("SIGTERM")

    signal.signal(signal.SIGTERM, interrupt)


def _two_machines(look: Look) -> str:
    """What to say when the machine that is looked at is another one than the engine's, as far as can be told."""
    if look.host == LOCAL or look.engine_url or "localhost" in look.host or "127.0.0.1" in look.host:
        return ""
    return f"--hosts looks at {look.host}, but the engine asked is this machine's: set DOCKER_HOST to that one's"


def _scope(config: pytest.Config) -> str | None:
    """What the run was limited to, in the words of its options; None when to nothing."""
    option = config.option
    parts = [f"--service={name}" for name in option.service or ()]
    parts += [f"-k {option.keyword}"] if option.keyword else []
    return " ".join(parts) or None


def _version() -> str:
    try:
        return version("service-down")
    except PackageNotFoundError:
        return VERSION


def scene_of(run: Run) -> Scene:
    """What the diagnosis knows beside the findings, from what was asked already."""
    return scene_from(
        settings=run.look.settings,
        model=run.stack(),
        observations=run.observations(),
        compose=run.compose,
        project=run.look.project,
        now=run.now(),
        alert=run.alert,
    )


def _shown(path: Path) -> str:
    """A path as short as it can be pasted from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
