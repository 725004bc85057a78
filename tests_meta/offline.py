"""Recorded evidence, and the verdict on it: without an engine and without a pytest session."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service_down.checks.framework.check import AnyTarget, Check, CheckEvidence, CheckFailed, CheckFunction
from service_down.checks.framework.runbook import all_tests
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import CannotCheck, Observations, RawObservation
from service_down.fixtures.evidence.recording import Recording, ReplayedObservations, recording_from_json
from service_down.fixtures.run.modes import PREVENT, VERIFY
from service_down.fixtures.stack.alert import Alert
from service_down.reports.diagnosis.context import diagnosis_context_from
from service_down.reports.diagnosis.diagnose import DiagnosisContext, diagnose
from service_down.reports.verdict import CheckOutcome, CheckResult, Verdict

RECORDED_CONTAINERS = Path(__file__).parent / "recorded"


def recorded_container(name: str) -> dict[str, Any]:
    """Return `docker inspect` of a container that was recorded on a real engine (see recorded/README.md)."""
    container: dict[str, Any] = json.loads((RECORDED_CONTAINERS / f"{name}.json").read_text())
    return container


def read(path: Path) -> Recording:
    """Return the recording in a compressed file."""
    return recording_from_json(msgspec.json.decode(gzip.decompress(path.read_bytes())))


def with_observations(recording: Recording, observations: Mapping[str, RawObservation]) -> Recording:
    """Return the same run with other observations."""
    return replace(recording, evidence=replace(recording.evidence, observations=observations))


def results(recording: Recording) -> list[CheckResult]:
    """Return the results of all checks of the run's mode."""
    mode = recording.evidence.context.mode
    source = ReplayedObservations(recording.evidence.observations)
    return [
        result
        for check, test in all_tests()
        if mode in check.modes
        for result in _check_results(check, test, recording, source)
    ]


def _check_results(
    check: Check, test: CheckFunction[object], recording: Recording, source: ReplayedObservations
) -> Iterator[CheckResult]:
    """Yield the result of one check for each of its targets."""
    for target in check.targets(recording.settings, recording.model):
        outcome, message, findings = _run_check(check, test, target, source, recording.evidence.context.mode)
        yield CheckResult(
            id=f"{check.id}:{target.id}",
            service=target.service,
            runbook=check.runbook,
            outcome=outcome,
            message=message,
            findings=findings,
            only_warns=check.only_warns,
        )


def _run_check(
    check: Check, test: CheckFunction[object], target: AnyTarget, source: ReplayedObservations, mode: str
) -> tuple[CheckOutcome, str, tuple[Finding, ...]]:
    """Call a check's function. Return the outcome, the message and the reported findings."""
    reported: list[Finding] = []

    def report_findings(findings: Sequence[Finding], note: str = "") -> None:
        reported.extend(findings)
        if any(finding.severity != "warning" for finding in findings):
            raise CheckFailed(findings)

    outcome: CheckOutcome
    message = ""
    try:
        check_evidence = CheckEvidence(check, target, source, mode)
        test(target=target, evidence=check_evidence, report_findings=report_findings)
    except CheckFailed:
        outcome = "failed"
    except pytest.skip.Exception as skipped:
        outcome, message = "skipped", str(skipped)
    except CannotCheck as error:
        outcome, message = "unknown", str(error)
    except Exception as error:  # as in a run, a crash of one check costs only that check
        outcome, message = "unknown", f"the check itself crashed: {type(error).__name__}: {error}"
    else:
        outcome = "warned" if reported else "passed"
    return outcome, message, tuple(reported)


def diagnosis_context(recording: Recording) -> DiagnosisContext:
    """Return what the diagnosis needs besides the check results."""
    alert = recording.options.get("alert")
    return diagnosis_context_from(
        settings=recording.settings,
        model=recording.model,
        observations=Observations(recording.evidence.observations),
        compose=recording.options["compose"],
        project=recording.evidence.context.project,
        now=datetime.fromisoformat(recording.options["now"]),
        alert=msgspec.convert(alert, Alert) if alert else None,
        recovering=recording.evidence.context.mode == VERIFY,
        only_set_up=recording.evidence.context.mode == PREVENT,
        breach=bool(recording.options.get("breach")),
    )


def judge(recording: Recording) -> Verdict:
    """Return the verdict on a recorded run."""
    return diagnose(results(recording), diagnosis_context(recording))
