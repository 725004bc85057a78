"""The last log lines of each service: readable, and without recent errors about another service (runbook 2, 4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service_down.checks.framework.check import (
    TRIAGE_ONLY,
    CheckEvidence,
    ReportFindings,
    Target,
    check,
    engine_key,
)
from service_down.checks.framework.targets import services
from service_down.checks.judges.log_evidence import recent_peer_errors
from service_down.fixtures.catalog.finding import Finding, finding
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.probes import api, endpoints
from service_down.fixtures.probes.container_logs import LOGS
from service_down.fixtures.stack.containers import EngineState, LogTail
from service_down.fixtures.stack.model import Model, Service

RECENT_SECONDS = 60.0
MAX_PROOF_LINES = 3
MAX_LINE_CHARACTERS = 160


@check(
    "logs",
    runbook=("2.compose-logs", "4.docker-logs", "5.compose-logs"),
    modes=TRIAGE_ONLY,
    targets=services,
    requires=engine_key,
    judges_errors_of=lambda target: (LOGS.of(target.spec.name),),
    only_warns=True,
)
def test_logs(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The log can be read. Of a service that nothing else checks, it does not complain of another service."""
    log, state = evidence.required(LOGS.of(target.spec.name)), evidence.required(ENGINE)
    if _is_checked_otherwise(target, state):
        report_findings([])
    else:
        report_findings(judge_log(target.spec, target.model, log, state.now))


def _is_checked_otherwise(target: Target[Service], state: EngineState) -> bool:
    """Whether a healthcheck or an endpoint shows how the service is. Its log alone proves nothing then."""
    settings = target.settings
    entries = (*settings.all_of(endpoints.TABLE).values(), *settings.all_of(api.TABLE).values())
    has_endpoint = any(entry.service == target.service for entry in entries)
    containers = state.containers_of(target.service, target.spec.aliases)
    return has_endpoint or any(container.health_status for container in containers)


def judge_log(service: Service, model: Model, log: Mapping[str, LogTail], now: datetime) -> list[Finding]:
    """`peer-errors`, a warning. The diagnosis lists the service under the other one when that has failed."""
    lines = [line for tail in log.values() for line in tail.lines]
    peers, proof = recent_peer_errors(lines, service, model, now, RECENT_SECONDS)
    if not peers:
        return []
    return [
        finding(
            "peer-errors",
            service.name,
            proof=proof[-MAX_PROOF_LINES:],
            since=proof[0].at,
            blamed=peers,
            peers=", ".join(peers),
            what=proof[-1].value[:MAX_LINE_CHARACTERS],
        )
    ]
