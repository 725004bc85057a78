"""Fixtures for the suite's own tests: the reference stack on a real engine, a browser, and example runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service_down.tests_meta.lab.browser import chromium
from service_down.tests_meta.lab.commands import LabError, NoBrowserError, NoEngineError
from service_down.tests_meta.lab.engine import ensure_engine
from service_down.tests_meta.lab.images import ensure_servers_image
from service_down.tests_meta.lab.stack import ReferenceStack, make_stack
from service_down.tests_meta.pages.example_runs import evidence_json
from service_down.tests_meta.suite_run import LiveSuite, SuiteRun, run_suite

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROJECT, PORT_OFFSET = "service-down-test", 11_000


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the reference stack: they share it and run in one process, the others run in parallel."""
    for item in items:
        if "reference_stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def reference_stack() -> Iterator[ReferenceStack]:
    """The reference stack, running for the whole session. Tests that need it are skipped where there is no engine."""
    try:
        stack = make_stack(PROJECT, PORT_OFFSET, {"LAB_INTERVAL": "2s"})
    except NoEngineError as error:
        pytest.skip(f"NO DOCKER ENGINE, so nothing of this was tried: {error}")
    except LabError as error:
        pytest.fail(str(error))
    stack.up()
    yield stack
    stack.down()


@pytest.fixture(scope="session")
def servers_image() -> str:
    """The image with further servers, whose probes are tested with them."""
    try:
        ensure_engine()
        return ensure_servers_image()
    except NoEngineError as error:
        pytest.skip(f"NO DOCKER ENGINE, so nothing of this was tried: {error}")
    except LabError as error:
        pytest.skip(f"NO IMAGE WITH THE SERVERS, so nothing of this was tried: {error}")


@pytest.fixture
def live_suite(reference_stack: ReferenceStack, tmp_path: Path) -> LiveSuite:
    """The suite for the reference stack, which is healthy when the test begins."""
    reference_stack.up()
    return LiveSuite(reference_stack, tmp_path / "reports")


@pytest.fixture(scope="module")  # Playwright keeps an event loop running, so the fixture ends with each module
def browser() -> Iterator[Browser]:
    """A Chromium. Tests that need it are skipped where there is none and none can be installed."""
    try:
        with chromium() as started:
            yield started
    except NoBrowserError as error:
        pytest.skip(f"NO BROWSER, so the report was not looked at: {error}")


@pytest.fixture(scope="session")
def run_example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], SuiteRun]:
    """A function that replays an example by name (see pages/example_runs.py); each example runs once per session."""

    @cache
    def run(name: str) -> SuiteRun:
        folder = tmp_path_factory.mktemp(name)
        (folder / "evidence.json").write_bytes(evidence_json(name))
        return run_suite(f"--replay={folder}", reports=folder / "reports")

    return run
