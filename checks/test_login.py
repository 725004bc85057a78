"""The login of the platform works after recovery (runbook 8)."""

from __future__ import annotations

from service_down.checks.framework.check import VERIFY_ONLY, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.login import LOGIN, TABLE, LoginAnswer, LoginReply, LoginSettings

SHOWN_CHARACTERS = 200  # of a body
OK = 200
UNAUTHORISED = (401, 403)


@check(
    "login",
    runbook=("8.login",),
    modes=VERIFY_ONLY,
    targets=entries_of(TABLE),
    judges_errors_of=lambda target: (LOGIN.of(target.id),),
    absent="stack.toml has no [login.*]",
)
def test_login(target: Target[LoginSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The right credentials give a token that opens an endpoint; wrong ones are refused as expected."""
    report_findings(judge_login(target.service, target.spec, evidence[LOGIN.of(target.id)]))


def judge_login(service: str, login: LoginSettings, observation: Observation[LoginAnswer]) -> list[Finding]:
    """`login-failed`, or the warning `login-unverified` when there were no credentials to try."""
    answer, at = observation.value, observation.at
    if answer is None:
        url = observation.error.url or login.path
        return [_failed(service, url, observation.text, Proof(f"POST {url}", observation.error_text, at))]
    reply = answer.right if answer.credentials else answer.wrong
    if reply is None:
        raise CannotCheck(f"{observation.probe} holds no reply to a login")
    judge = _judge_right_login if answer.credentials else _judge_wrong_login
    return judge(service, login, reply, answer.opened if answer.credentials else answer.bad_token, at)


def _judge_right_login(
    service: str, login: LoginSettings, right: LoginReply, opened: LoginReply | None, at: str
) -> list[Finding]:
    """The reply to the right credentials, and that of the endpoint which the new token must open."""
    proof = _reply_proof("POST", right, at)
    if right.status != OK:
        what = f"the right credentials were answered with {right.status}, wanted 200"
        return [_failed(service, right.url, what, proof)]
    if not right.token:
        return [_failed(service, right.url, f"the answer has no {login.token_field}", proof)]
    if opened is None:
        return [finding("login-unverified", service, proof=[proof], what="protected_path, which the token is to open")]
    if opened.status != OK:
        what = f"the new token does not open {login.protected_path}: {opened.status}, wanted 200"
        return [_failed(service, right.url, what, proof, _reply_proof("GET", opened, at))]
    return []


def _judge_wrong_login(
    service: str, login: LoginSettings, wrong: LoginReply, bad_token: LoginReply | None, at: str
) -> list[Finding]:
    """The reply to wrong credentials, and that of the protected endpoint to a token that does not exist."""
    proof = _reply_proof("POST", wrong, at)
    if wrong.status not in login.refused_status or not wrong.is_json:
        wanted = " or ".join(map(str, login.refused_status))
        what = f"a wrong login was answered with {wrong.status}, wanted {wanted} and JSON"
        return [_failed(service, wrong.url, what, proof)]
    if bad_token is not None and bad_token.status not in UNAUTHORISED:
        what = f"{login.protected_path} answered {bad_token.status} to a token that does not exist, wanted 401"
        return [_failed(service, wrong.url, what, proof, _reply_proof("GET", bad_token, at))]
    return [finding("login-unverified", service, proof=[proof], what=f"{login.email_env} and {login.password_env}")]


def _failed(service: str, url: str, what: str, *proof: Proof) -> Finding:
    return finding("login-failed", service, proof=proof, url=url, what=what)


def _reply_proof(method: str, reply: LoginReply, at: str) -> Proof:
    return Proof(f"{method} {reply.url}", f"{reply.status}: {reply.body[:SHOWN_CHARACTERS]}", at)
