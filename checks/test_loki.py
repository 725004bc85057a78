"""Logs arrive in Loki (runbook 8)."""

from __future__ import annotations

from collections.abc import Sequence

from service_down.checks.framework.check import VERIFY_ONLY, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.checks.judges.arrival import judge_arrival
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.loki import LINE, OWN_LOGS, TABLE, LokiSettings, NewestLine
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model


@check(
    "loki-line",
    runbook=("8.loki",),
    modes=VERIFY_ONLY,
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (LINE,),
    absent="stack.toml has no [loki]",
)
def test_loki_line(target: Target[LokiSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """A line that is pushed comes back from a query."""
    report_findings(judge_arrival("logs-not-arriving", target.service, evidence[LINE]))


def with_own_logs(settings: Settings, model: Model) -> Sequence[Target[LokiSettings]]:
    """Loki, where the settings describe which logs are the stack's own."""
    return [target for target in entries_of(TABLE)(settings, model) if target.spec.own_logs]


@check(
    "own-logs",
    runbook=("8.loki",),
    modes=VERIFY_ONLY,
    targets=with_own_logs,
    judges_errors_of=lambda target: (OWN_LOGS,),
    absent="[loki] names no own_logs",
)
def test_own_logs(target: Target[LokiSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The stack's own logs are recent."""
    limit = target.settings.thresholds.log_age_seconds
    report_findings(judge_own_logs(target.service, target.spec, evidence[OWN_LOGS], limit))


def judge_own_logs(
    service: str, loki: LokiSettings, observation: Observation[NewestLine], max_age_seconds: float
) -> list[Finding]:
    """`logs-not-arriving` when the newest line is too old or there is none."""
    if observation.value is None:
        return judge_arrival("logs-not-arriving", service, observation)
    age = observation.value.age_seconds
    if age is not None and age <= max_age_seconds:
        return []
    newest = f"; the newest is {age:.0f} s old" if age is not None else ""
    what = f"no line of {loki.own_logs} in the last {max_age_seconds:g} s{newest}"
    proof = Proof(f"newest line of {loki.own_logs}", str(age), observation.at)
    return [finding("logs-not-arriving", service, proof=[proof], what=what)]
