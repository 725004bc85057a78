"""What the checks said, gathered from pytest's reports: also those that xdist's workers send."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from service_down.fixtures.catalog.finding import Finding
from service_down.reports.verdict import CheckResult, Outcome

CHECK, FINDING, SECONDS = "service-down-check", "service-down-finding", "service-down-seconds"
NOTE = "service-down-note"


@dataclass
class Results:
    """The outcome of every check so far, by its test's id."""

    by_test: dict[str, CheckResult] = field(default_factory=dict)

    def add(self, report: pytest.TestReport) -> None:
        """Takes one report; a test that is no check is left out, a bad tear-down outweighs a good call."""
        about = next((json.loads(value) for name, value in _properties(report) if name == CHECK), None)
        if about is None or (report.when != "call" and report.passed):
            return
        known = self.by_test.get(report.nodeid)
        if known is not None and known.outcome == "failed":
            return
        findings = tuple(
            msgspec.convert(json.loads(value), Finding) for name, value in _properties(report) if name == FINDING
        )
        self.by_test[report.nodeid] = CheckResult(
            id=about["id"],
            service=about["service"],
            runbook=tuple(about["runbook"]),
            outcome=_outcome(report, findings),
            seconds=next((value for name, value in _properties(report) if name == SECONDS), round(report.duration, 4)),
            message=_message(report, findings),
            findings=findings,
            only_warns=about["only_warns"],
        )


def _properties(report: pytest.TestReport) -> list[tuple[str, Any]]:
    return [(str(pair[0]), pair[1]) for pair in report.user_properties]


def _outcome(report: pytest.TestReport, findings: tuple[Finding, ...]) -> Outcome:
    """A check that fails without a finding has crashed: it has seen nothing."""
    if report.skipped:
        return "skipped"
    if report.failed:
        return "failed" if report.when == "call" and any(one.severity != "warning" for one in findings) else "unknown"
    return "warned" if findings else "passed"


def _message(report: pytest.TestReport, findings: tuple[Finding, ...]) -> str:
    notes = [str(value) for name, value in _properties(report) if name == NOTE]
    if findings:
        return "; ".join([*(one.summary for one in findings), *notes])
    if report.skipped:
        return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).removeprefix(
            "Skipped: "
        )
    if report.failed:
        text = str(report.longrepr).strip()
        return (
            text.removeprefix("could not look: ")
            if text.startswith("could not look: ")
            else f"the check itself crashed: {_last(text)}"
        )
    return "; ".join(notes)


def _last(text: str) -> str:
    """The error line of a traceback."""
    errors = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return (errors or text.splitlines() or ["?"])[0]
