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
from service_down.checks.framework.check import Check, NotFine, Seen
from service_down.checks.framework.runbook import all_tests
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import CannotLook, Observation
from service_down.fixtures.evidence.recording import Bundle, Replayed, bundle_of
from service_down.fixtures.run.run import VERIFY
from service_down.fixtures.stack.alert import Alert
from service_down.reports.diagnosis.context import scene_from
from service_down.reports.diagnosis.diagnose import Scene, diagnose
from service_down.reports.verdict import CheckResult, Outcome, Verdict


def read(path: Path) -> Bundle:
    """A recorded bundle."""
    return bundle_of(msgspec.json.decode(gzip.decompress(path.read_bytes())))


def with_observations(bundle: Bundle, observations: dict[str, Observation]) -> Bundle:
    """The same run with other answers."""
    return replace(bundle, evidence=replace(bundle.evidence, observations=observations))


def results(bundle: Bundle) -> list[CheckResult]:
    """What every check of the run's mode says."""
    mode = bundle.evidence.context.mode
    return [
        result
        for described, test in all_tests()
        if mode in described.modes
        for result in _over(described, test, bundle)
    ]


def _over(described: Check, test: Callable[..., None], bundle: Bundle) -> Iterator[CheckResult]:
    asked = Replayed(bundle.evidence.observations)
    for target in described.over(bundle.settings, bundle.model):
        said: list[Finding] = []

        def settle(findings: Sequence[Finding], note: str = "", said: list[Finding] = said) -> None:
            said.extend(findings)
            if any(one.severity != "warning" for one in findings):
                raise NotFine(findings)

        def result(
            outcome: Outcome, message: str = "", target: Any = target, said: list[Finding] = said
        ) -> CheckResult:
            name = f"{described.id}:{target.id}"
            return CheckResult(
                name, target.service, described.runbook, outcome, 0.0, message, tuple(said), described.only_warns
            )

        try:
            test(target=target, seen=Seen(described, target, asked, bundle.evidence.context.mode), settle=settle)
        except NotFine:
            yield result("failed")
        except pytest.skip.Exception as skipped:
            yield result("skipped", str(skipped))
        except CannotLook as error:
            yield result("unknown", str(error))
        except Exception as error:  # as in a run: a check's crash costs that check
            yield result("unknown", f"the check itself crashed: {type(error).__name__}: {error}")
        else:
            yield result("warned" if said else "passed")


def scene(bundle: Bundle) -> Scene:
    """What the diagnosis knows beside the findings."""
    told = bundle.options.get("alert")
    return scene_from(
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


def judge(bundle: Bundle) -> Verdict:
    """The verdict."""
    return diagnose(results(bundle), scene(bundle))
