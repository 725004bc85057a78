"""MongoDB: it answers `hello`, and accepts writes or knows who does (runbook 4, 5)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service_down.checks.framework.check import AnyKey, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.mongodb import MONGODB, TABLE, MongodbSettings, MongodbState

ABSENT = "stack.toml has no [mongodb.*]"


def _state(target: Target[MongodbSettings]) -> Sequence[AnyKey]:
    return (MONGODB.of(target.id),)


@check(
    "mongodb",
    runbook=("3.dependencies", "4.psql", "5.psql"),
    targets=entries_of(TABLE),
    judges_errors_of=_state,
    absent=ABSENT,
)
def test_mongodb(target: Target[MongodbSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The server answers `hello`."""
    report_findings(judge_answer(target.service, evidence[MONGODB.of(target.id)]))


def judge_answer(service: str, observation: Observation[MongodbState]) -> list[Finding]:
    """`mongodb-unreachable` for an error."""
    if observation.value is not None:
        return []
    proof = Proof(f"hello of {service}", observation.error_text, observation.at)
    return [finding("mongodb-unreachable", service, proof=[proof], error=observation.text)]


@check("mongodb-writes", runbook=("4.psql",), targets=entries_of(TABLE), judges_errors_of=_state, absent=ABSENT)
def test_mongodb_writes(
    target: Target[MongodbSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """The server accepts writes, or may be a secondary of a primary that it knows."""
    report_findings(judge_writes(target.service, target.spec, evidence[MONGODB.of(target.id)]))


def judge_writes(service: str, server: MongodbSettings, observation: Observation[MongodbState]) -> list[Finding]:
    """At most one finding. Raises Skipped when the server does not answer: the check `mongodb` reports that."""
    state, at = observation.value, observation.at
    if state is None:
        pytest.skip(f"not judged: {service} does not answer")
    if state.writable:
        return []
    if state.uninitiated:
        return [finding("mongodb-not-initiated", service, proof=[Proof("hello isreplicaset", "true", at)])]
    if not state.primary:
        proof = Proof("hello primary", "none", at)
        return [finding("mongodb-no-primary", service, proof=[proof], facts={"set": state.replica_set or "?"})]
    if server.may_be_secondary:
        return []
    proof = Proof("hello isWritablePrimary", f"false, primary {state.primary}", at)
    return [finding("mongodb-read-only", service, proof=[proof], facts={"primary": state.primary})]
