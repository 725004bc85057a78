"""`make bench`: how long triage takes on the healthy demo stack, and a browser to open the report of a large stack."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from service_down.tests_meta.conftest import run_suite
from service_down.tests_meta.lab.browser import chromium
from service_down.tests_meta.lab.commands import LabError, say
from service_down.tests_meta.lab.demo import ROOT
from service_down.tests_meta.lab.stack import make_stack
from service_down.tests_meta.pages.example_runs import LARGE, evidence
from service_down.tests_meta.pages.inspect import opened

RUNS = 7


def main() -> int:
    """Prints the median and the extremes of some runs; the exit code is 0 when all could be measured."""
    return max(_tried(triage), _tried(large_report))


def _tried(measure: Callable[[], None]) -> int:
    try:
        measure()
    except LabError as error:
        say(f"cannot: {error}")
        return 1
    return 0


def triage() -> None:
    """Triage of the healthy demo stack, from the command to its end. Raises LabError."""
    stack = make_stack("pyairtable-demo")
    stack.up()
    command = [sys.executable, "-m", "pytest", "-m", "triage", "--stack", str(stack.settings)]
    env = {**os.environ, **stack.environment()}
    _said("triage", lambda: subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False))


def large_report() -> None:
    """The report of a large stack, from the address to the page loaded and painted. Raises LabError."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        path = Path(name) / "evidence.json"
        path.write_bytes(evidence(f"stack-{LARGE}"))
        ran = run_suite(f"--replay={path}", reports=Path(name) / "reports")
        page = ran.folder / "report.html"
        checks = len(ran.verdict["checks"])
        print(f"report of {LARGE} services and {checks} checks: {page.stat().st_size / 1e6:.2f} MB")

        def look() -> None:
            with opened(browser, page) as looked:
                looked.frame.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

        _said("opening it", look)


def _said(what: str, work: Callable[[], object]) -> None:
    """Prints how long the work takes, the first time left out."""
    seconds = []
    for _ in range(RUNS + 1):
        began = time.monotonic()
        work()
        seconds.append(time.monotonic() - began)
    warm = sorted(seconds[1:])
    median = statistics.median(warm)
    print(f"{what}, {RUNS} runs after a first one: median {median:.2f} s, {warm[0]:.2f} to {warm[-1]:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
