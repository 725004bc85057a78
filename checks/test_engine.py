"""The container engine answers: every other question about containers needs it (runbook 2, 4)."""

from __future__ import annotations

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check, engine_key
from service_down.checks.framework.targets import HOST, machine
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.stack.containers import EngineState


@check("engine", runbook=("2.compose-ps", "4.docker-ps"), targets=machine, judges_errors_of=engine_key)
def test_engine(target: Target[None], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The Docker engine answers."""
    state = evidence.value(ENGINE)
    report_findings(judge_engine(evidence[ENGINE]), "; ".join(state.gaps) if state else "")


def judge_engine(observation: Observation[EngineState]) -> list[Finding]:
    """`engine-unreachable` with the client's error."""
    if not observation.failed:
        return []
    proof = Proof("Docker engine", observation.error_text, observation.at)
    return [finding("engine-unreachable", HOST, proof=[proof], error=observation.text)]
