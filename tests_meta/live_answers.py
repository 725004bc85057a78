"""The answer of one probe as the checks see it, and what they conclude from it: without an engine and without a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from service_down.checks.framework.runbook import all_tests
from service_down.fixtures.evidence.observation import (
    CannotCheck,
    Evidence,
    ProbeError,
    ProbeKey,
    RawObservation,
    RunContext,
    utc,
)
from service_down.fixtures.evidence.recording import Recording
from service_down.fixtures.run.modes import TRIAGE
from service_down.fixtures.settings.schema import Section, Settings, Table
from service_down.fixtures.stack.model import Model
from service_down.reports.verdict import CheckResult
from service_down.tests_meta import offline

NOW = 1_795_600_000.0  # an arbitrary time
CONTEXT = RunContext("run", TRIAGE, utc(NOW), "host", "shop", "shop", "0")


def answer_of(key: ProbeKey[Any], ask: Callable[[], Any]) -> RawObservation:
    """The observation that a run would store of this question."""
    empty = RawObservation(key.id, "seen", at=utc(NOW))
    try:
        return replace(empty, value=msgspec.to_builtins(ask()))
    except ProbeError as error:
        return replace(empty, outcome="error", value=error.value, kind=error.kind, text=error.text)
    except CannotCheck as error:
        return replace(empty, outcome="unlooked", kind=error.kind, text=str(error))


def results_of(settings: Settings, table: Table[Any], *answers: RawObservation) -> dict[str, CheckResult]:
    """The results of the checks of this table, by their ids."""
    evidence = Evidence(CONTEXT, {answer.probe: answer for answer in answers})
    recording = Recording(evidence, settings, Model((), "settings"), {})
    own = {
        check.id
        for check, _ in all_tests()
        if any(isinstance(target.spec, table.schema) for target in check.targets(settings, recording.model))
    }
    return {name: result for result in offline.results(recording) if (name := result.id.partition(":")[0]) in own}


def codes_of(results: dict[str, CheckResult]) -> set[str]:
    """The codes that were concluded, and `could not look: CHECK` for each check that could not judge."""
    unknown = {f"could not look: {name}" for name, result in results.items() if result.outcome == "unknown"}
    return unknown | {finding.code for result in results.values() for finding in result.findings}


def with_entry(table: Table[Any], entry: Section, settings: Settings | None = None) -> Settings:
    """Settings with one entry in a table, whose name is `main`."""
    return (settings or Settings()).with_entries(table, main=entry)
