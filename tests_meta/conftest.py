"""What the tests of the suite share: recorded containers, and the reference stack on a real engine."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service_down.tests_meta.lab.browser import chromium
from service_down.tests_meta.lab.commands import LabError, NoBrowserError, NoEngineError
from service_down.tests_meta.lab.stack import ReferenceStack, make_stack
from service_down.tests_meta.pages.example_runs import evidence

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
RECORDED = Path(__file__).parent / "recorded"
FAULTS = Path(__file__).parent / "faults" / "recorded"
PROJECT, OFFSET = "service-down-test", 11_000


def recorded(name: str) -> dict[str, Any]:
    """A container as a real engine inspected it (see recorded/README.md)."""
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return found


@dataclass(frozen=True)
class Ran:
    """One run of the suite, as its user sees it."""

    code: int
    out: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        """The run's verdict.json."""
        found: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text())
        return found

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Service and code of each cause."""
        return [(one["service"], one["code"]) for one in self.verdict["causes"]]


def run_suite(*words: str, reports: Path, env: dict[str, str] | None = None, seconds: float = 120) -> Ran:
    """Runs pytest on the checks in a process of its own; variables set to '' in `env` are taken away."""
    merged = {**os.environ, **(env or {})}
    command = [sys.executable, "-m", "pytest", *words, f"--report-dir={reports}"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={name: value for name, value in merged.items() if value and not name.startswith("PYTEST_XDIST")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Ran(done.returncode, done.stdout, reports / "latest")


def recording(name: str, folder: Path, at: datetime, **context: str) -> Path:
    """A recorded fault as a run's folder, as if it had been recorded at another time; for `run_suite("--replay=…")`."""
    table = json.loads(gzip.decompress((FAULTS / f"{name}.json.gz").read_bytes()))
    table["context"] |= {"run": f"{at:%Y%m%dT%H%M%SZ}-{name}", "started": at.isoformat(), **context}
    table["options"]["now"] = (at + timedelta(seconds=2)).isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evidence.json").write_text(json.dumps(table))
    return folder


@dataclass(frozen=True)
class Bench:
    """The reference stack and the suite pointed at it."""

    stack: ReferenceStack
    reports: Path

    def triage(self, *words: str, **env: str) -> Ran:
        """`pytest -m triage` on the stack."""
        return self._run("triage", words, env)

    def verify(self, *words: str, **env: str) -> Ran:
        """`pytest -m verify` on the stack."""
        return self._run("verify", words, env)

    def _run(self, mode: str, words: tuple[str, ...], env: dict[str, str]) -> Ran:
        told = {**self.stack.environment(), **env}
        return run_suite("-m", mode, f"--stack={self.stack.settings}", *words, reports=self.reports, env=told)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs the reference stack: one process runs these, for they share it; the others may run in many."""
    for item in items:
        if "running" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def running() -> Iterator[ReferenceStack]:
    """The reference stack, up for the whole session; without an engine the tests that need it are skipped, loudly."""
    try:
        stack = make_stack(PROJECT, OFFSET, {"LAB_INTERVAL": "2s"})
    except NoEngineError as error:
        pytest.skip(f"NO DOCKER ENGINE, so nothing of this was tried: {error}")
    except LabError as error:
        pytest.fail(str(error))
    stack.up()
    yield stack
    stack.down()


@pytest.fixture
def bench(running: ReferenceStack, tmp_path: Path) -> Bench:
    """The suite on the reference stack, which is healthy when the test begins."""
    running.up()
    return Bench(running, tmp_path / "reports")


@pytest.fixture(scope="module")  # Playwright keeps an event loop running: no longer than it is needed
def browser() -> Iterator[Browser]:
    """A Chromium; where none can be had the tests that need it are skipped, loudly."""
    try:
        with chromium() as started:
            yield started
    except NoBrowserError as error:
        pytest.skip(f"NO BROWSER, so the report was not looked at: {error}")


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ran]:
    """The full run of a scene, judged and reported once per session."""

    @cache
    def run(scene: str) -> Ran:
        folder = tmp_path_factory.mktemp(scene)
        (folder / "evidence.json").write_bytes(evidence(scene))
        return run_suite(f"--replay={folder}", reports=folder / "reports")

    return run
