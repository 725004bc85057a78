"""The last log lines of each service: readable, and without fresh errors about another service (runbook 2, 4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service_down.checks.framework.check import TRIAGE, CheckEvidence, ReportFindings, Target, check, needs_engine
from service_down.checks.framework.targets import services
from service_down.checks.judges.log_evidence import about_peers
from service_down.fixtures.catalog.finding import Finding, finding
from service_down.fixtures.probes.engine import containers_of
from service_down.fixtures.stack.model import Model, Service

FRESH = 60.0  # seconds: what a service complains of now, not what it once complained of
SHOWN = 3


@check(
    "logs",
    runbook=("2.compose-logs", "4.docker-logs", "5.compose-logs"),
    modes=(TRIAGE,),
    over=services,
    needs=needs_engine,
    asks=lambda target: (f"logs:{target.spec.name}",),
    only_warns=True,
)
def test_logs(target: Target[Service], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """It can be read, and where nothing else says how the service is, it complains of no other one."""
    log = seen.value(f"logs:{target.spec.name}")
    assert isinstance(log, dict)
    view = seen.value("engine")
    if _speaks_for_itself(target, view):
        report_findings([])
    else:
        report_findings(judge_log(target.spec, target.model, log, datetime.fromtimestamp(view["asked"], UTC)))


def _speaks_for_itself(target: Target[Service], view: Mapping[str, Any]) -> bool:
    """Whether its healthcheck or an endpoint says how it is: its log has then nothing to say by itself."""
    source = {one.service for one in (*target.settings.endpoints.values(), *target.settings.api.values())}
    containers = containers_of(view, target.service, target.spec.aliases)
    return target.service in source or any((one["State"].get("Health") or {}).get("Status") for one in containers)


def judge_log(service: Service, model: Model, log: Mapping[str, Any], now: datetime) -> list[Finding]:
    """`peer-errors`, a warning; the diagnosis lists the service under its peer where that has failed."""
    lines = [line for one in log.values() for line in one["lines"]]
    peers, proof = about_peers(lines, service, model, now, FRESH)
    if not peers:
        return []
    return [
        finding(
            "peer-errors",
            service.name,
            proof=proof[-SHOWN:],
            since=proof[0].at,
            blamed=peers,
            peers=", ".join(peers),
            what=proof[-1].value[:160],
        )
    ]
