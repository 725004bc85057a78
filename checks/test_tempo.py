"""Traces arrive in Tempo (runbook 8)."""

from __future__ import annotations

from service_down.checks.framework.check import VERIFY_ONLY, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.checks.judges.arrival import judge_arrival
from service_down.fixtures.probes.tempo import TABLE, TRACE, TempoSettings


@check(
    "tempo-trace",
    runbook=("8.tempo",),
    modes=VERIFY_ONLY,
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (TRACE,),
    absent="stack.toml has no [tempo]",
)
def test_tempo_trace(target: Target[TempoSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """A trace that is sent comes back by its id."""
    report_findings(judge_arrival("traces-not-arriving", target.service, evidence[TRACE]))
