"""What the platform is for, after recovery: its API answers and people can log in (runbook 8)."""

from __future__ import annotations

from typing import Any

from service_down.checks.framework.check import VERIFY, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import named
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.settings.schema import Api, Login


@check(
    "api",
    runbook=("8.api",),
    modes=(VERIFY,),
    over=named("api"),
    asks=lambda target: (f"api:{target.id}",),
    absent="stack.toml has no [api.*]",
)
def test_api(target: Target[Api], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The API endpoint answers as it should."""
    report_findings(judge_api(target.service, target.spec, seen[f"api:{target.id}"]))


def judge_api(service: str, told: Api, seen: Observation) -> list[Finding]:
    """`api-failed` with the status."""
    wanted = " or ".join(map(str, told.status))
    if seen.outcome == "error":
        url = (seen.value or {}).get("url", told.path)
        proof = Proof(f"GET {url}", f"{seen.kind}: {seen.text}", seen.at)
        return [finding("api-failed", service, proof=[proof], url=url, status=seen.text, wanted=wanted)]
    if seen.value["status"] in told.status:
        return []
    url, status = seen.value["url"], seen.value["status"]
    proofs = [Proof(f"GET {url}", str(status), seen.at), Proof("body", seen.value["body"][:300], seen.at)]
    return [finding("api-failed", service, proof=proofs, url=url, status=status, wanted=wanted)]


@check(
    "login",
    runbook=("8.login",),
    modes=(VERIFY,),
    over=named("login"),
    asks=lambda target: (f"login:{target.id}",),
    absent="stack.toml has no [login.*]",
)
def test_login(target: Target[Login], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """A right login gives a token that opens a door; a wrong one is refused as it should be."""
    report_findings(judge_login(target.service, target.spec, seen[f"login:{target.id}"]))


def judge_login(service: str, told: Login, seen: Observation) -> list[Finding]:
    """`login-failed`, or the warning `login-unverified` when there were no credentials to try."""
    if seen.outcome == "error":
        url = (seen.value or {}).get("url", told.path)
        return [_failed(service, url, seen.text, Proof(f"POST {url}", f"{seen.kind}: {seen.text}", seen.at))]
    value = seen.value
    return (
        _with_credentials(service, told, value, seen.at)
        if value["credentials"]
        else _without(service, told, value, seen.at)
    )


def _failed(service: str, url: str, what: str, *proof: Proof) -> Finding:
    return finding("login-failed", service, proof=proof, url=url, what=what)


def _answered(method: str, answer: dict[str, Any], at: str) -> Proof:
    return Proof(f"{method} {answer['url']}", f"{answer['status']}: {answer['body'][:200]}", at)


def _with_credentials(service: str, told: Login, value: dict[str, Any], at: str) -> list[Finding]:
    right, opened = value["right"], value.get("opened")
    proof = _answered("POST", right, at)
    if right["status"] != 200:
        return [
            _failed(
                service, right["url"], f"the right credentials were answered with {right['status']}, wanted 200", proof
            )
        ]
    if not right["token"]:
        return [_failed(service, right["url"], f"the answer has no {told.token_field}", proof)]
    if opened and opened["status"] != 200:
        what = f"the new token does not open {told.protected_path}: {opened['status']}, wanted 200"
        return [_failed(service, right["url"], what, proof, _answered("GET", opened, at))]
    if not opened:
        return [finding("login-unverified", service, proof=[proof], what="protected_path, which the token is to open")]
    return []


def _without(service: str, told: Login, value: dict[str, Any], at: str) -> list[Finding]:
    wrong, bad_token = value["wrong"], value.get("bad_token")
    proof = _answered("POST", wrong, at)
    wanted = " or ".join(map(str, told.refused_status))
    if wrong["status"] not in told.refused_status or not wrong["json"]:
        what = f"a wrong login was answered with {wrong['status']}, wanted {wanted} and JSON"
        return [_failed(service, wrong["url"], what, proof)]
    if bad_token and bad_token["status"] not in (401, 403):
        what = f"{told.protected_path} answered {bad_token['status']} to a token that does not exist, wanted 401"
        return [_failed(service, wrong["url"], what, proof, _answered("GET", bad_token, at))]
    return [finding("login-unverified", service, proof=[proof], what=f"{told.email_env} and {told.password_env}")]
