"""`make bench`: measures triage of the healthy demo stack, and how long a browser needs to open a large report."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from service_down.tests_meta.lab.browser import chromium
from service_down.tests_meta.lab.commands import LabError, log
from service_down.tests_meta.lab.stack import make_stack
from service_down.tests_meta.pages.example_runs import LARGE_STACK_SERVICES, evidence_json
from service_down.tests_meta.pages.report_page import opened
from service_down.tests_meta.suite_run import PYTEST, ROOT, run_suite

MEASURED_RUNS = 7


def main() -> int:
    """Print all measurements. Return the exit code: 0 when all were possible."""
    return max(_exit_code(measure_triage), _exit_code(measure_large_report))


def _exit_code(measure: Callable[[], None]) -> int:
    try:
        measure()
    except LabError as error:
        log(f"error: {error}")
        return 1
    return 0


def measure_triage() -> None:
    """Measure triage of the healthy demo stack as a whole process. Raises LabError."""
    stack = make_stack("pyairtable-demo")
    stack.up()
    command = [PYTEST, "-m", "triage", "--stack", str(stack.settings_file)]
    env = {**os.environ, **stack.environment()}
    _print_times("triage", lambda: subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False))


def measure_large_report() -> None:
    """Measure how long the report of a large stack takes until it is loaded and painted. Raises LabError."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        path = Path(name) / "evidence.json"
        path.write_bytes(evidence_json(f"stack-{LARGE_STACK_SERVICES}"))
        run = run_suite(f"--replay={path}", reports=Path(name) / "reports")
        report = run.folder / "report.html"
        checks = len(run.verdict["checks"])
        megabytes = report.stat().st_size / 1e6
        print(f"report of {LARGE_STACK_SERVICES} services and {checks} checks: {megabytes:.2f} MB")

        def open_and_paint() -> None:
            with opened(browser, report) as page:
                page.frame.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

        _print_times("opening it", open_and_paint)


def _print_times(description: str, action: Callable[[], object]) -> None:
    """Run `action` several times; print the median, the minimum and the maximum without the first run."""
    seconds = []
    for _ in range(MEASURED_RUNS + 1):
        began = time.monotonic()
        action()
        seconds.append(time.monotonic() - began)
    warm = sorted(seconds[1:])
    median = statistics.median(warm)
    print(
        f"{description}, {MEASURED_RUNS} runs after a first one: "
        f"median {median:.2f} s, {warm[0]:.2f} to {warm[-1]:.2f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
