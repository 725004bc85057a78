"""The results of the checks, gathered from pytest's reports, also those of xdist's workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import Json
from service_down.fixtures.run.properties import CANNOT_CHECK, CHECK, FINDING, NOTE, SECONDS
from service_down.reports.verdict import CheckOutcome, CheckResult


@dataclass(frozen=True)
class _CheckInfo:
    """The value of the property CHECK."""

    id: str
    service: str
    runbook: tuple[str, ...]
    only_warns: bool
    own: bool = False


@dataclass
class Results:
    """The result of every check so far, by its test's id."""

    by_test: dict[str, CheckResult] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)  # tests that are no checks
    uncollected: dict[str, CheckResult] = field(default_factory=dict)  # files of checks that cannot be read

    def add(self, report: pytest.TestReport) -> None:
        """Add one report. Ignore a test that is no check; a failed tear-down replaces a passed call."""
        info = next((msgspec.convert(json.loads(text), _CheckInfo) for text in _texts(report, CHECK)), None)
        if info is None:
            self.others.add(report.nodeid)
        if info is None or (report.when != "call" and report.passed):
            return
        known = self.by_test.get(report.nodeid)
        if known is not None and known.outcome == "failed":
            return
        findings = tuple(msgspec.convert(json.loads(text), Finding) for text in _texts(report, FINDING))
        self.by_test[report.nodeid] = CheckResult(
            id=info.id,
            service=info.service,
            runbook=info.runbook,
            outcome=_outcome(report, findings),
            seconds=_seconds(report),
            message=_message(report, findings),
            findings=findings,
            only_warns=info.only_warns,
            own=info.own,
        )

    def add_uncollected(self, report: pytest.CollectReport) -> None:
        """Add a file of checks that cannot be read: what it holds could not be looked at."""
        if report.failed:
            name = report.nodeid.rpartition("/")[2]
            message = f"the file of checks cannot be collected: {_error_line(str(report.longrepr))}"
            self.uncollected[report.nodeid] = CheckResult(f"own:{name}", "stack", (), "unknown", 0.0, message, own=True)

    def redact(self, redact: Callable[[Json], Json]) -> None:
        """Replace each result by what `redact` makes of it as JSON."""
        for results in (self.by_test, self.uncollected):
            for test, result in results.items():
                results[test] = msgspec.convert(redact(msgspec.to_builtins(result)), CheckResult)


def _texts(report: pytest.TestReport, name: str) -> list[str]:
    return [str(value) for key, value in report.user_properties if key == name]


def _seconds(report: pytest.TestReport) -> float:
    """Return how long the check's slowest probe took; without one, how long the test took."""
    values = (value for key, value in report.user_properties if key == SECONDS and isinstance(value, float | int))
    return next(values, round(report.duration, 4))


def _outcome(report: pytest.TestReport, findings: tuple[Finding, ...]) -> CheckOutcome:
    """Return the outcome. A check that fails without a finding has crashed, so its outcome is unknown."""
    if report.skipped:
        return "skipped"
    if report.failed:
        found = report.when == "call" and any(finding.severity != "warning" for finding in findings)
        return "failed" if found else "unknown"
    return "warned" if findings else "passed"


def _message(report: pytest.TestReport, findings: tuple[Finding, ...]) -> str:
    notes = _texts(report, NOTE)
    if findings:
        return "; ".join([*(finding.summary for finding in findings), *notes])
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        return str(reason).removeprefix("Skipped: ")
    if report.failed:
        text = str(report.longrepr).strip()
        if text.startswith(CANNOT_CHECK):
            return text.removeprefix(CANNOT_CHECK)
        return f"the check itself crashed: {_error_line(text)}"
    return "; ".join(notes)


def _error_line(traceback: str) -> str:
    """Return the line of a traceback that names the error."""
    errors = [line[1:].strip() for line in traceback.splitlines() if line.startswith("E ")]
    return (errors or traceback.splitlines() or ["?"])[0]
