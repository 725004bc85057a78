"""Every fault of the matrix, judged again from the evidence that a real engine gave; and that evidence mangled."""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service_down.fixtures.catalog.finding import catalogue
from service_down.fixtures.engines.docker.evidence import evidence as engine_evidence
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import ProbeOutcome, RawObservation
from service_down.fixtures.evidence.recording import Recording
from service_down.fixtures.probes.compose import COMPOSE
from service_down.fixtures.secrets.redact import Redactor
from service_down.fixtures.stack.compose_file import kept_of
from service_down.reports.diagnosis.diagnose import diagnose
from service_down.reports.verdict import Verdict
from service_down.reports.verdict_file import to_json, verdict_file
from service_down.tests_meta import offline
from service_down.tests_meta.faults.assessment import assess
from service_down.tests_meta.faults.fault import load_faults
from service_down.tests_meta.faults.recording import conclusion, evidence_file, live_conclusion, recorded_faults
from service_down.tests_meta.fixtures.probes import (
    test_broker_stand_ins,
    test_mongodb_stand_in,
    test_real_brokers,
    test_real_mysql,
)
from service_down.tests_meta.reports.saved_runs import run_info

NAMES = recorded_faults()
FEW_EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
FAULT_NAMES = st.sampled_from([name for name in NAMES if name in load_faults()])


def recording(name: str) -> Recording:
    return offline.read(evidence_file(name))


def json_of(verdict: Verdict) -> Mapping[str, Any]:
    file = verdict_file(verdict, run_info(), "triage")
    table: Mapping[str, Any] = msgspec.json.decode(msgspec.json.encode(to_json(file)))
    return table


@pytest.mark.parametrize("name", NAMES)
def test_recorded_fault_gives_the_expected_verdict(name: str) -> None:
    marked = assess(load_faults()[name], json_of(offline.judge(recording(name))))
    assert marked.right, marked


@pytest.mark.parametrize("name", NAMES)
def test_the_recording_is_judged_as_the_live_run_was(name: str) -> None:
    assert conclusion(json_of(offline.judge(recording(name)))) == live_conclusion(name)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_as_evidence_is_judged_as_all_of_it(name: str) -> None:
    recorded = recording(name)
    kept = {ENGINE.id: engine_evidence, COMPOSE.id: kept_of}
    observations = {
        probe: replace(raw, value=kept[probe](raw.value)) if probe in kept and raw.outcome == "seen" else raw
        for probe, raw in recorded.evidence.observations.items()
    }
    assert '"Cmd"' not in str(observations)
    assert conclusion(json_of(offline.judge(offline.with_observations(recorded, observations)))) == live_conclusion(
        name
    )


@pytest.mark.parametrize("name", NAMES)
def test_next_commands_of_recorded_faults_are_complete(name: str) -> None:
    for cause in offline.judge(recording(name)).causes:
        for command in cause.next:
            words = shlex.split(command)  # raises for a quote that does not end
            assert "?" not in words, f"a fact is missing: {command}"
            if "psql" in words:
                assert words[words.index("-U") + 1] == "pyairtable"
                assert "PGDATABASE=pyairtable" in words
            if "ss" in words or ("--filter" in words and "publish" in command):
                assert re.search(r"\b(?:15|2[0-9])\d{3}\b", command), f"not the port of this machine: {command}"


def test_summaries_hold_no_secrets() -> None:
    redactor, hidden = Redactor(b"salt"), []
    for name in NAMES:
        for summary in (finding.summary for result in offline.results(recording(name)) for finding in result.findings):
            if redactor.redact_text(summary) != summary:
                hidden.append(f"{name}: {redactor.redact_text(summary)}")
    assert hidden == []


def test_only_warns_checks_never_report_errors() -> None:
    results = [result for name in NAMES for result in offline.results(recording(name)) if result.only_warns]
    assert {finding.severity for result in results for finding in result.findings} == {"warning"}


def test_every_fault_is_recorded_and_every_code_is_covered() -> None:
    assert set(load_faults()) == set(NAMES)
    covered = {cause.split()[1] for fault in load_faults().values() for cause in fault.causes}
    covered |= {code for fault in load_faults().values() for code in fault.warnings}
    covered |= codes_of_live_cases()
    assert set(catalogue()) - covered == set()
    assert len(NAMES) >= 40


def codes_of_live_cases() -> set[str]:
    """The codes that tests with servers outside of the reference stack conclude, and with stand-ins for a few."""
    stand_ins = {case[0] for case in (*test_mongodb_stand_in.CASES.values(), *test_broker_stand_ins.CASES.values())}
    brokers = {case[0] for case in test_real_brokers.CASES.values()}
    own_checks = {"custom-check-failed"}  # concluded in end_to_end/test_own_checks.py
    return stand_ins | brokers | own_checks | {case[0] for case in test_real_mysql.CASES.values()}


@FEW_EXAMPLES
@given(FAULT_NAMES, st.randoms(use_true_random=False))
def test_missing_evidence_never_makes_a_verdict_better(name: str, rng: random.Random) -> None:
    whole = recording(name)
    kept = {probe: observation for probe, observation in whole.evidence.observations.items() if rng.random() < 0.8}
    before, after = offline.judge(whole).word, offline.judge(offline.with_observations(whole, kept)).word
    assert after in {before, "unknown"}, f"{before} became {after}"
    if "engine" not in kept:
        assert after != "healthy"


@FEW_EXAMPLES
@given(FAULT_NAMES, st.randoms(use_true_random=False))
def test_any_evidence_gives_a_verdict(name: str, rng: random.Random) -> None:
    whole = recording(name)
    corrupted = {probe: _corrupted(observation, rng) for probe, observation in whole.evidence.observations.items()}
    verdict = offline.judge(offline.with_observations(whole, corrupted))
    assert verdict.word in {"healthy", "degraded", "unknown", "down"}
    assert verdict.summary


def _corrupted(observation: RawObservation, rng: random.Random) -> RawObservation:
    if rng.random() < 0.8:
        return observation
    odd: list[Any] = [None, [], {}, "x", 0, {"containers": None}, {"status": "x", "body": None}, [[1]], {"": {}}]
    value = rng.choice(odd)
    outcome: ProbeOutcome = rng.choice(["seen", "error", "unlooked"])
    return RawObservation(
        observation.probe, outcome, value, rng.choice(["", "timeout", "odd"]), "mangled", observation.at
    )


@FEW_EXAMPLES
@given(FAULT_NAMES, st.randoms(use_true_random=False))
def test_the_order_of_the_results_never_matters(name: str, rng: random.Random) -> None:
    whole = recording(name)
    results = offline.results(whole)
    shuffled = rng.sample(results, len(results))
    context = offline.diagnosis_context(whole)
    assert json_of(diagnose(results, context)) == json_of(diagnose(shuffled, context))
