"""PostgreSQL: it connects and answers, accepts writes, holds no long lock, has free connections (runbook 4, 5, 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from service_down.checks.framework.check import (
    VERIFY_ONLY,
    AnyKey,
    CheckEvidence,
    ReportFindings,
    Target,
    check,
)
from service_down.checks.framework.targets import entries_of, own_log
from service_down.checks.judges.log_evidence import dated_by_log
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation, parse_time, utc
from service_down.fixtures.probes.postgres import POSTGRES, ROWS, TABLE, PostgresSettings, PostgresState, RowCount
from service_down.fixtures.settings.schema import Settings, Thresholds
from service_down.fixtures.stack.model import Model

ABSENT = "stack.toml has no [postgres.*]"
LONG_WAIT_SECONDS = 5.0
CODE_OF_ERROR_KIND = {
    "auth": "db-auth-failed",
    "exhausted": "db-connections-exhausted",
    "starting": "db-recovering",
    "missing": "db-schema-missing",
    "corrupt": "db-corrupt",
}


def _state(target: Target[PostgresSettings]) -> Sequence[AnyKey]:
    return (POSTGRES.of(target.id),)


@check(
    "database",
    runbook=("3.dependencies", "4.psql", "5.psql"),
    targets=entries_of(TABLE),
    judges_errors_of=_state,
    uses=own_log,
    absent=ABSENT,
)
def test_database(target: Target[PostgresSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The server accepts a connection and answers `SELECT 1`."""
    findings = judge_answer(target.service, target.spec, evidence[POSTGRES.of(target.id)])
    report_findings(dated_by_log(findings, target, evidence))


def judge_answer(service: str, server: PostgresSettings, observation: Observation[PostgresState]) -> list[Finding]:
    """At most one finding, by the kind of the error."""
    if observation.value is not None:
        return _flapped(service, observation.value, observation.at)
    code = CODE_OF_ERROR_KIND.get(observation.kind, "db-unreachable")
    proof = Proof(f"connect to {service}", observation.error_text, observation.at)
    return [finding(code, service, proof=[proof], facts=_error_facts(server, observation))]


def _flapped(service: str, state: PostgresState, at: str) -> list[Finding]:
    """The warning `db-slow` where only the second attempt to connect succeeded."""
    if not state.first_attempt:
        return []
    what = f"it flapped: {state.first_attempt} at first, it answered on a second look"
    facts = {"user": state.user, "database": state.database, "what": what}
    return [finding("db-slow", service, proof=[Proof(f"connect to {service}", what, at)], facts=facts)]


def _error_facts(
    server: PostgresSettings, observation: Observation[PostgresState] | Observation[RowCount]
) -> Mapping[str, str]:
    """What texts and commands need to know of an error. No user and database where the server did not answer in time.

    `used` and `allowed` are for `db-connections-exhausted`: an error does not tell the numbers.
    """
    error, text = observation.error, observation.text
    login = {"user": error.user, "database": error.database}
    known = {name: value for name, value in login.items() if value is not None}
    more = {"variable": server.password_env, "used": "all", "allowed": "its maximum"}
    return {**known, "error": text, "what": text, **more}


@check(
    "database-state",
    runbook=("4.psql", "5.psql"),
    targets=entries_of(TABLE),
    judges_errors_of=_state,
    absent=ABSENT,
)
def test_database_state(
    target: Target[PostgresSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """The server is not in recovery, accepts writes, and is not slow."""
    thresholds = target.settings.thresholds
    report_findings(judge_state(target.service, target.spec, evidence[POSTGRES.of(target.id)], thresholds))


def judge_state(
    service: str, server: PostgresSettings, observation: Observation[PostgresState], thresholds: Thresholds
) -> list[Finding]:
    """`db-recovering` or `db-read-only`, and `db-slow`.

    Raises Skipped when the server does not answer: the check `database` reports that.
    """
    state, at = observation.value, observation.at
    if state is None:
        pytest.skip(f"not judged: {service} does not answer")
    facts = {"user": state.user, "database": state.database}
    findings = []
    if state.recovery and not server.may_be_read_only:
        proof = Proof("pg_is_in_recovery()", "true", at)
        what = "in recovery, so it accepts no writes"
        since = state.started  # recovery begins with a start of the server
        findings.append(finding("db-recovering", service, proof=[proof], since=since, what=what, facts=facts))
    elif state.read_only and not server.may_be_read_only:
        proof = Proof("default_transaction_read_only", "on", at)
        what = "default_transaction_read_only is on"
        findings.append(finding("db-read-only", service, proof=[proof], what=what, facts=facts))
    if state.seconds > thresholds.sql_slow_seconds:
        proof = Proof("SELECT 1", f"{state.seconds:.2f} s", at)
        limit = f"wanted less than {thresholds.sql_slow_seconds:g} s"
        what = f"connecting and asking took {state.seconds:.1f} s ({limit})"
        findings.append(finding("db-slow", service, proof=[proof], what=what, facts=facts))
    return findings


@check(
    "database-locks",
    runbook=("4.psql", "5.psql"),
    targets=entries_of(TABLE),
    judges_errors_of=_state,
    absent=ABSENT,
    only_warns=True,
)
def test_database_locks(
    target: Target[PostgresSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """No query waits long for a lock that another one holds."""
    report_findings(judge_locks(target.service, evidence[POSTGRES.of(target.id)]))


def judge_locks(service: str, observation: Observation[PostgresState]) -> list[Finding]:
    """The warning `db-slow` with `lock_held`. The catalogue says when it explains the findings of other services."""
    state = observation.value
    if state is None:
        pytest.skip(f"not judged: {service} does not answer")
    seconds = state.waiting_seconds
    if seconds < LONG_WAIT_SECONDS:
        return []
    holders = ", ".join(map(str, state.lock_holders)) or "?"
    queries = state.waiting_queries
    what = f"{queries} queries wait for a lock, for {seconds:.0f} s by now, which process {holders} holds"
    at = parse_time(observation.at)
    since = utc(at.timestamp() - seconds) if at else None
    proof = Proof("longest wait for a lock", f"{seconds:.1f} s, held by {holders}", observation.at)
    caution = f"`SELECT pg_terminate_backend({holders})` ends who holds it, and undoes what that one has done so far."
    facts = {"user": state.user, "database": state.database, "what": what}
    return [finding("db-slow", service, proof=[proof], since=since, caution=caution, lock_held=True, facts=facts)]


@check(
    "database-connections",
    runbook=("4.psql", "5.psql"),
    targets=entries_of(TABLE),
    judges_errors_of=_state,
    uses=own_log,
    absent=ABSENT,
)
def test_database_connections(
    target: Target[PostgresSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """The server has free connections."""
    observation = evidence[POSTGRES.of(target.id)]
    findings = judge_connections(target.service, observation, target.settings.thresholds)
    report_findings(dated_by_log(findings, target, evidence))


def judge_connections(service: str, observation: Observation[PostgresState], thresholds: Thresholds) -> list[Finding]:
    """`db-connections-exhausted` when only those reserved for superusers are left, the warning `db-slow` before that.

    Raises Skipped when the server does not answer.
    """
    state = observation.value
    if state is None:
        pytest.skip(f"not judged: {service} does not answer")
    used, allowed = state.used, state.allowed - state.reserved
    proof = Proof("connections", f"{used} of {allowed} (+{state.reserved} reserved)", observation.at)
    facts = {"user": state.user, "database": state.database, "used": used, "allowed": allowed}
    if used >= allowed:
        return [finding("db-connections-exhausted", service, proof=[proof], facts=facts)]
    if 100 * used >= thresholds.connections_warn_percent * allowed:
        what = f"{used} of {allowed} connections are used"
        return [finding("db-slow", service, proof=[proof], what=what, facts=facts)]
    return []


def servers_with_table(settings: Settings, model: Model) -> Sequence[Target[PostgresSettings]]:
    """The servers that have a table to count."""
    return [target for target in entries_of(TABLE)(settings, model) if target.spec.table]


@check(
    "rows",
    runbook=("8.psql-count",),
    modes=VERIFY_ONLY,
    targets=servers_with_table,
    judges_errors_of=lambda target: (ROWS.of(target.id),),
    uses=own_log,
    absent="no [postgres.*] of stack.toml has a table",
)
def test_rows(target: Target[PostgresSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """`SELECT COUNT(*)` of the table works and counts enough rows."""
    findings = judge_rows(target.service, target.spec, evidence[ROWS.of(target.id)])
    report_findings(dated_by_log(findings, target, evidence))


def judge_rows(service: str, server: PostgresSettings, observation: Observation[RowCount]) -> list[Finding]:
    """`query-failed`, or the code of the error's kind, for example `db-schema-missing` when there is no such table."""
    query = f"SELECT COUNT(*) FROM {server.table}"
    count, at = observation.value, observation.at
    if count is None:
        proof, facts = Proof(query, observation.error_text, at), _error_facts(server, observation)
        code = CODE_OF_ERROR_KIND.get(observation.kind)
        if code is not None:
            return [finding(code, service, proof=[proof], facts=facts)]
        return [finding("query-failed", service, proof=[proof], query=query, facts=facts)]
    if count.rows >= server.least_rows:
        return []
    what = f"{count.rows} rows, wanted at least {server.least_rows}"
    facts = {"user": count.user, "database": count.database}
    return [
        finding("query-failed", service, proof=[Proof(query, str(count.rows), at)], query=query, what=what, facts=facts)
    ]
