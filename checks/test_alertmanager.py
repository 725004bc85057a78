"""The stack's alerts have resolved in Alertmanager (runbook 8)."""

from __future__ import annotations

from service_down.checks.framework.check import VERIFY_ONLY, CheckEvidence, ReportFindings, Target, check, engine_key
from service_down.checks.framework.targets import entries_of
from service_down.checks.judges.alerts import judge_alerts, must_be_readable, unjudged_alerts
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.probes.alertmanager import ALERTS, TABLE, AlertmanagerSettings


@check(
    "alertmanager",
    runbook=("8.alerts",),
    modes=VERIFY_ONLY,
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (ALERTS,),
    uses=engine_key,
    absent="stack.toml has no [alertmanager]",
)
def test_alertmanager(
    target: Target[AlertmanagerSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """None of the stack's alerts is active in Alertmanager."""
    found = judge_alerts(target.service, target.settings, evidence[ALERTS], target.model, evidence[ENGINE])
    must_be_readable("Alertmanager", evidence[ALERTS], found)
    report_findings(found, unjudged_alerts(target.settings, evidence[ALERTS]))
