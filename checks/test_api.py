"""The API endpoints that must work after recovery (runbook 8)."""

from __future__ import annotations

from service_down.checks.framework.check import VERIFY_ONLY, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.clients.http import HttpAnswer
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.api import API, TABLE, ApiSettings

SHOWN_CHARACTERS = 300  # of the body


@check(
    "api",
    runbook=("8.api",),
    modes=VERIFY_ONLY,
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (API.of(target.id),),
    absent="stack.toml has no [api.*]",
)
def test_api(target: Target[ApiSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The API endpoint answers with an expected status."""
    report_findings(judge_api(target.service, target.spec, evidence[API.of(target.id)]))


def judge_api(service: str, api: ApiSettings, observation: Observation[HttpAnswer]) -> list[Finding]:
    """`api-failed` with the status or the error."""
    wanted = " or ".join(map(str, api.status))
    answer, at = observation.value, observation.at
    if answer is None:
        url = observation.error.url or api.path
        proof = Proof(f"GET {url}", observation.error_text, at)
        return [finding("api-failed", service, proof=[proof], url=url, status=observation.text, wanted=wanted)]
    if answer.status in api.status:
        return []
    proofs = [Proof(f"GET {answer.url}", str(answer.status), at), Proof("body", answer.body[:SHOWN_CHARACTERS], at)]
    return [finding("api-failed", service, proof=proofs, url=answer.url, status=answer.status, wanted=wanted)]
