"""Evidence in, verdict out, without an engine and without pytest's session: the pure part of the suite."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service_down.checks.framework.check import Check, CheckEvidence, CheckFailed
from service_down.checks.framework.runbook import all_tests
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.evidence.recording import Recording, ReplayedObservations, recording_from_json
from service_down.fixtures.run.run import VERIFY
from service_down.fixtures.stack.alert import Alert
from service_down.reports.diagnosis.context import diagnosis_context_from
from service_down.reports.diagnosis.diagnose import DiagnosisContext, diagnose
from service_down.reports.verdict import CheckResult, Outcome, Verdict


def read(path: Path) -> Recording:
    """A recorded bundle."""
    return recording_from_json(msgspec.json.decode(gzip.decompress(path.read_bytes())))


def with_observations(bundle: Recording, observations: dict[str, Observation]) -> Recording:
    """The same run with other answers."""
    return replace(bundle, evidence=replace(bundle.evidence, observations=observations))


def results(bundle: Recording) -> list[CheckResult]:
    """What every check of the run's mode says."""
    mode = bundle.evidence.context.mode
    return [
        result
        for described, test in all_tests()
        if mode in described.modes
        for result in _over(described, test, bundle)
    ]


def _over(described: Check, test: Callable[..., None], bundle: Recording) -> Iterator[CheckResult]:
    asked = ReplayedObservations(bundle.evidence.observations)
    for target in described.over(bundle.settings, bundle.model):
        said: list[Finding] = []

        def report_findings(findings: Sequence[Finding], note: str = "", said: list[Finding] = said) -> None:
            said.extend(findings)
            if any(one.severity != "warning" for one in findings):
                raise CheckFailed(findings)

        def result(
            outcome: Outcome, message: str = "", target: Any = target, said: list[Finding] = said
        ) -> CheckResult:
            name = f"{described.id}:{target.id}"
            return CheckResult(
                name, target.service, described.runbook, outcome, 0.0, message, tuple(said), described.only_warns
            )

        try:
            test(
                target=target,
                seen=CheckEvidence(described, target, asked, bundle.evidence.context.mode),
                report_findings=report_findings,
            )
        except CheckFailed:
            yield result("failed")
        except pytest.skip.Exception as skipped:
            yield result("skipped", str(skipped))
        except CannotCheck as error:
            yield result("unknown", str(error))
        except Exception as error:  # as in a run: a check's crash costs that check
            yield result("unknown", f"the check itself crashed: {type(error).__name__}: {error}")
        else:
            yield result("warned" if said else "passed")


def scene(bundle: Recording) -> DiagnosisContext:
    """What the diagnosis knows beside the findings."""
    told = bundle.options.get("alert")
    return diagnosis_context_from(
        settings=bundle.settings,
        model=bundle.model,
        observations=bundle.evidence.observations,
        compose=bundle.options["compose"],
        project=bundle.evidence.context.project,
        now=datetime.fromisoformat(bundle.options["now"]),
        alert=msgspec.convert(told, Alert) if told else None,
        recovering=bundle.evidence.context.mode == VERIFY,
        breach=bool(bundle.options.get("breach")),
    )


def judge(bundle: Recording) -> Verdict:
    """The verdict."""
    return diagnose(results(bundle), scene(bundle))
