"""Checks of the user's own: any test that is marked `triage` or `verify`. A plain `assert` that fails is a finding."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import get_args

import pytest

from service_down.checks.framework.check import CheckFailed
from service_down.fixtures.catalog.finding import Finding, Proof, Severity, finding
from service_down.fixtures.evidence.limits import limit_text
from service_down.fixtures.evidence.observation import CannotCheck, ProbeError, utc
from service_down.fixtures.own_checks.recorded import RecordedCheck
from service_down.fixtures.run import properties
from service_down.fixtures.run.modes import MODES
from service_down.fixtures.run.run import Run

MARKER = "finding"
STACK = "stack"  # the service of a check that names none
MAX_SHOWN_CHARACTERS = 300


class RecordedItem(pytest.Item):
    """The result of such a check in a recording, as a test: a replay executes nothing of the user's."""

    recorded: RecordedCheck

    def runtest(self) -> None:
        """Ends as the recorded check did."""
        check = self.recorded
        self.user_properties += [(properties.FINDING, json.dumps(asdict(found))) for found in check.findings]
        if check.outcome == "failed":
            raise CheckFailed(check.findings)
        if check.outcome == "unknown":
            raise CannotCheck(check.message)
        if check.outcome == "skipped":
            pytest.skip(check.message)

    def description(self) -> Mapping[str, object]:
        """What the report knows of it."""
        self.user_properties.append((properties.SECONDS, self.recorded.seconds))
        return _description(self.recorded.id, self.recorded.service, self.recorded.only_warns)


def recorded_items(session: pytest.Session, run: Run) -> list[pytest.Item]:
    """A test for each result of such a check in the recording that is replayed."""
    items = list[pytest.Item]()
    for number, check in enumerate(run.recorded_checks or ()):
        item = RecordedItem.from_parent(session, name=check.id, nodeid=f"recorded-{number}::{check.id}")
        item.recorded = check
        item.add_marker(run.context.mode)
        items.append(item)
    return items


def is_own(item: pytest.Item) -> bool:
    """Whether a test is a check of the user's own."""
    if isinstance(item, RecordedItem) or item.get_closest_marker("check"):
        return False
    return any(item.get_closest_marker(mode) for mode in MODES)


def name_of(item: pytest.Item) -> str:
    """Its name in the report: file and test."""
    names = [node.name for node in item.listchain() if isinstance(node, pytest.Class | pytest.Item)]
    return f"own:{item.path.name}::{'::'.join(names)}"


def service_of(item: pytest.Item) -> str:
    """The service that its marker names."""
    return str(_marked(item).get("service", STACK))


def is_left_out(item: pytest.Item, run: Run) -> bool:
    """Whether it belongs to a service that --service does not select."""
    if not run.context.services:
        return False
    model, service = run.stack(), service_of(item)
    return model.service(service) is not None and service not in model.needed_by(run.context.services)


def description_of(item: pytest.Item, run: Run) -> Mapping[str, object]:
    """What the report knows of it, redacted."""
    only_warns = _marked(item).get("severity") == "warning"
    description: Mapping[str, object] = run.redact(_description(name_of(item), service_of(item), only_warns))
    return description


def _description(name: str, service: str, only_warns: bool) -> Mapping[str, object]:
    return {"id": name, "service": service, "runbook": [], "only_warns": only_warns, "own": True}


def must_be_usable(item: pytest.Item, run: Run) -> None:
    """Raises CannotCheck for a wrong marker, and when the run was interrupted before this check."""
    if run.interrupted or run.source.is_interrupted():
        raise CannotCheck("the run was interrupted before this check")
    if mistake := _mistake_in_marker(item, run):
        raise CannotCheck(f"@pytest.mark.{MARKER}: {mistake}")


def _marked(item: pytest.Item) -> Mapping[str, str]:
    """The values of the markers on test, class and module; the closest one counts."""
    values: dict[str, str] = {}
    for marker in item.iter_markers(MARKER):
        values = {**marker.kwargs, **values}
    return values


def _mistake_in_marker(item: pytest.Item, run: Run) -> str:
    """What is wrong with the marker; empty for nothing."""
    marked, severities = _marked(item), get_args(Severity)
    if unknown := sorted(set(marked) - {"service", "severity"}):
        return f"there is no {unknown[0]}; it takes service and severity"
    if any(marker.args for marker in item.iter_markers(MARKER)):
        return "name its values: service=…, severity=…"
    if marked.get("severity", "error") not in severities:
        return f"severity is {marked['severity']!r}, not one of {', '.join(severities)}"
    model, service = run.stack(), service_of(item)
    known = {STACK, *(found.name for found in model.services), *run.context.settings.asked_services()}
    if model.source != "settings" and service not in known:
        return f"the stack has no service {service!r}; it has {', '.join(sorted(known))}"
    return ""


def judge(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, run: Run) -> None:
    """Makes a failed assertion a finding, and everything else that ends the test "could not look"."""
    if call.excinfo is None or not report.failed:
        return
    error = call.excinfo.value
    report.sections = [(name, run.redact(text)) for name, text in report.sections]
    if isinstance(error, CannotCheck | ProbeError):
        report.longrepr, report.when = f"{properties.CANNOT_CHECK}{run.redact(str(error))}", "setup"
        return
    call.excinfo.traceback = call.excinfo.traceback.cut(path=item.path)
    shown = call.excinfo.getrepr(style="short", showlocals=False, funcargs=False)
    report.longrepr = run.redact(limit_text(str(shown)))
    if call.when != "call" or not isinstance(error, AssertionError | pytest.fail.Exception):
        report.when = "setup" if call.when == "call" else report.when  # pytest counts it as an error then
        return
    found = _finding(item, call.excinfo, run)
    report.user_properties.append((properties.FINDING, json.dumps(run.redact(asdict(found)))))
    if found.severity == "warning":
        report.outcome, report.longrepr = "passed", None


def _finding(item: pytest.Item, error: pytest.ExceptionInfo[BaseException], run: Run) -> Finding:
    """The finding of a failed assertion. Its text is cut after the redaction: half a secret cannot be recognised."""
    text = str(run.redact(limit_text(str(error.value))))
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["an assertion without a text"]
    at, service, model = utc(time.time()), service_of(item), run.stack()
    line = error.traceback[0].lineno + 1
    return finding(
        "custom-check-failed",
        service,
        severity=_severity(item),
        proof=[
            Proof("assertion", _shortened(lines), at),
            Proof("check", f"{item.path}:{line}", at),
        ],
        facts={"logs_of": service} if model.service(service) else {},
        check=name_of(item).removeprefix("own:"),
        what=_shortened(lines[:1]),
    )


def _severity(item: pytest.Item) -> Severity | None:
    named = _marked(item).get("severity")
    return next((severity for severity in get_args(Severity) if severity == named), None)


def _shortened(lines: Sequence[str]) -> str:
    return limit_text("; ".join(lines), MAX_SHOWN_CHARACTERS)
