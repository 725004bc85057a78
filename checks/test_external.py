"""APIs outside the stack: reachable, authorised if a token is given, not rate-limited (runbook 3, 4)."""

from __future__ import annotations

import pytest

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import named
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.settings.schema import External

ABSENT = "stack.toml has no [external.*]"


def _asks(target: Target[External]) -> tuple[str, ...]:
    return (f"external:{target.id}",)


@check("external", runbook=("3.dependencies", "4.external-api"), over=named("external"), asks=_asks, absent=ABSENT)
def test_external(target: Target[External], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """It answers as an API that is up answers."""
    report_findings(judge_reachable(target.id, target.spec, seen[f"external:{target.id}"]))


def judge_reachable(name: str, told: External, seen: Observation) -> list[Finding]:
    """`external-unreachable` for no answer and for 5xx; what it thinks of us is the other check's business."""
    if seen.outcome == "error":
        proof = Proof(f"GET {told.url}", f"{seen.kind}: {seen.text}", seen.at)
        return [finding("external-unreachable", name, proof=[proof], url=told.url, error=f"{told.url}: {seen.text}")]
    status = seen.value["status"]
    if status not in (401, 403, 429) and not 200 <= status < 300:
        proof = Proof(f"GET {told.url}", str(status), seen.at)
        return [
            finding("external-unreachable", name, proof=[proof], url=told.url, error=f"{told.url} answered {status}")
        ]
    return []


@check("external-access", runbook=("4.external-api",), over=named("external"), asks=_asks, absent=ABSENT)
def test_external_access(target: Target[External], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """It takes our token and does not limit us."""
    report_findings(judge_access(target.id, target.spec, seen[f"external:{target.id}"]))


def judge_access(name: str, told: External, seen: Observation) -> list[Finding]:
    """A 401 says something only when a token was sent; 429 always does."""
    if seen.outcome != "seen":
        pytest.skip(f"not judged: {name} does not answer")
    status, headers = seen.value["status"], seen.value["headers"]
    proof = Proof(f"GET {told.url}", str(status), seen.at)
    if status == 429:
        after = headers.get("retry-after")
        what = f", retry after {after} s" if after else ""
        return [finding("external-rate-limited", name, proof=[proof], url=told.url, status=status, what=what)]
    if status in (401, 403) and seen.value["token_given"]:
        return [
            finding(
                "external-auth-failed", name, proof=[proof], url=told.url, status=status, token_env=told.token_env or ""
            )
        ]
    return []
