"""TCP: the port accepts connections (runbook 4)."""

from __future__ import annotations

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.tcp import TABLE, TCP, TcpSettings, TcpState


@check(
    "tcp",
    runbook=("3.dependencies", "4.network"),
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (TCP.of(target.id),),
    absent="stack.toml has no [tcp.*]",
)
def test_tcp(target: Target[TcpSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The port accepts a connection, and does not close it at once."""
    report_findings(judge_port(target.service, target.spec, evidence[TCP.of(target.id)]))


def judge_port(service: str, server: TcpSettings, observation: Observation[TcpState]) -> list[Finding]:
    """`tcp-unreachable` for an error."""
    if observation.value is not None:
        return []
    proof = Proof(f"connect to {service}:{server.port}", observation.error_text, observation.at)
    return [
        finding("tcp-unreachable", service, proof=[proof], facts={"error": observation.text, "port": str(server.port)})
    ]
