"""APIs outside the stack: reachable, authorised if a token is given, not rate-limited (runbook 3, 4)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service_down.checks.framework.check import AnyKey, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.external import EXTERNAL, TABLE, ExternalAnswer, ExternalSettings

ABSENT = "stack.toml has no [external.*]"
RATE_LIMITED = 429
UNAUTHORISED = (401, 403)


def _answer(target: Target[ExternalSettings]) -> Sequence[AnyKey]:
    return (EXTERNAL.of(target.id),)


@check(
    "external",
    runbook=("3.dependencies", "4.external-api"),
    targets=entries_of(TABLE),
    judges_errors_of=_answer,
    absent=ABSENT,
)
def test_external(target: Target[ExternalSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The API answers, and not with an error of its own."""
    report_findings(judge_reachable(target.id, target.spec, evidence[EXTERNAL.of(target.id)]))


def judge_reachable(name: str, api: ExternalSettings, observation: Observation[ExternalAnswer]) -> list[Finding]:
    """`external-unreachable` for no answer and for a status that is neither 2xx nor a refusal (see judge_access)."""
    answer, request = observation.value, f"GET {api.url}"
    if answer is None:
        proof, error = Proof(request, observation.error_text, observation.at), f"{api.url}: {observation.text}"
    elif answer.status in (*UNAUTHORISED, RATE_LIMITED) or 200 <= answer.status < 300:
        return []
    else:
        proof, error = Proof(request, str(answer.status), observation.at), f"{api.url} answered {answer.status}"
    return [finding("external-unreachable", name, proof=[proof], url=api.url, error=error)]


@check(
    "external-access",
    runbook=("4.external-api",),
    targets=entries_of(TABLE),
    judges_errors_of=_answer,
    absent=ABSENT,
)
def test_external_access(
    target: Target[ExternalSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """The API accepts the token and does not limit the requests."""
    report_findings(judge_access(target.id, target.spec, evidence[EXTERNAL.of(target.id)]))


def judge_access(name: str, api: ExternalSettings, observation: Observation[ExternalAnswer]) -> list[Finding]:
    """`external-rate-limited` for 429; `external-auth-failed` for 401 and 403, if a token was sent.

    Raises Skipped when the API does not answer: the other check reports that.
    """
    answer = observation.value
    if answer is None:
        pytest.skip(f"not judged: {name} does not answer")
    status = answer.status
    proof = Proof(f"GET {api.url}", str(status), observation.at)
    if status == RATE_LIMITED:
        seconds = answer.headers.get("retry-after")
        what = f", retry after {seconds} s" if seconds else ""
        return [finding("external-rate-limited", name, proof=[proof], url=api.url, status=status, what=what)]
    if status in UNAUTHORISED and answer.token_given:
        facts = {"url": api.url, "status": status, "token_env": api.token_env or ""}
        return [finding("external-auth-failed", name, proof=[proof], facts=facts)]
    return []
