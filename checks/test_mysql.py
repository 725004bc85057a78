"""MySQL and MariaDB: it answers, accepts writes, holds no long lock, has connections, replicates (runbook 4, 5)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service_down.checks.framework.check import AnyKey, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of, own_log
from service_down.checks.judges.log_evidence import dated_by_log
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import NeedsSettings, Observation, parse_time, utc
from service_down.fixtures.probes.mysql import MYSQL, TABLE, MysqlSettings, MysqlState, Replication
from service_down.fixtures.settings.schema import Thresholds

ABSENT = "stack.toml has no [mysql.*]"
LONG_WAIT_SECONDS = 5.0
RUNS, STARTS = "Yes", "Connecting"
CODE_OF_ERROR_KIND = {"auth": "mysql-auth-failed", "exhausted": "mysql-connections-exhausted"}


def _state(target: Target[MysqlSettings]) -> Sequence[AnyKey]:
    return (MYSQL.of(target.id),)


@check(
    "mysql",
    runbook=("3.dependencies", "4.psql", "5.psql"),
    targets=entries_of(TABLE),
    judges_errors_of=_state,
    uses=own_log,
    absent=ABSENT,
)
def test_mysql(target: Target[MysqlSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The server greets and lets the suite in, or would if it had a password."""
    findings = judge_answer(target.service, target.spec, evidence[MYSQL.of(target.id)])
    report_findings(dated_by_log(findings, target, evidence))


def judge_answer(service: str, server: MysqlSettings, observation: Observation[MysqlState]) -> list[Finding]:
    """At most one finding, by the kind of the error. A refused password does not mean that the server is down."""
    if observation.value is not None:
        return []
    code, text = CODE_OF_ERROR_KIND.get(observation.kind, "mysql-unreachable"), observation.text
    proof = Proof(f"connect to {service}", observation.error_text, observation.at)
    facts = {"error": text, "variable": server.password_env, "used": "all", "allowed": "its maximum"}
    return [finding(code, service, proof=[proof], facts=facts)]


def known_state(service: str, observation: Observation[MysqlState]) -> MysqlState:
    """The state of a server that let the suite in. Raises NeedsSettings for one that only greets.

    Raises Skipped when the server does not answer: the check `mysql` reports that.
    """
    if observation.value is None:
        pytest.skip(f"not judged: {service} does not answer")
    if observation.value.unknown:
        raise NeedsSettings(observation.value.unknown)
    return observation.value


@check("mysql-state", runbook=("4.psql", "5.psql"), targets=entries_of(TABLE), judges_errors_of=_state, absent=ABSENT)
def test_mysql_state(target: Target[MysqlSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The server accepts writes, and is not slow."""
    thresholds = target.settings.thresholds
    report_findings(judge_state(target.service, target.spec, evidence[MYSQL.of(target.id)], thresholds))


def judge_state(
    service: str, server: MysqlSettings, observation: Observation[MysqlState], thresholds: Thresholds
) -> list[Finding]:
    """`mysql-read-only`, and the warning `mysql-slow`. Raises like `known_state`."""
    state, at, findings = known_state(service, observation), observation.at, []
    if state.read_only and not server.may_be_read_only:
        findings.append(finding("mysql-read-only", service, proof=[Proof("read_only", "ON", at)]))
    if state.seconds > thresholds.sql_slow_seconds:
        limit = f"wanted less than {thresholds.sql_slow_seconds:g} s"
        what = f"connecting and asking took {state.seconds:.1f} s ({limit})"
        findings.append(
            finding("mysql-slow", service, proof=[Proof("answers", f"{state.seconds:.2f} s", at)], what=what)
        )
    return findings


@check(
    "mysql-locks",
    runbook=("4.psql", "5.psql"),
    targets=entries_of(TABLE),
    judges_errors_of=_state,
    absent=ABSENT,
    only_warns=True,
)
def test_mysql_locks(target: Target[MysqlSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """No query waits long for a lock that another one holds."""
    report_findings(judge_locks(target.service, evidence[MYSQL.of(target.id)]))


def judge_locks(service: str, observation: Observation[MysqlState]) -> list[Finding]:
    """The warning `mysql-slow` with `lock_held`. Raises like `known_state`."""
    state = known_state(service, observation)
    seconds, queries = state.waiting_seconds, state.waiting_queries
    if seconds < LONG_WAIT_SECONDS:
        return []
    holders = ", ".join(map(str, state.lock_holders))
    held = f", which session {holders} holds" if holders else ""
    at = parse_time(observation.at)
    since = utc(at.timestamp() - seconds) if at else None
    what = f"{queries} queries wait for a lock, for {seconds:.0f} s by now{held}"
    caution = f"`KILL {holders}` ends who holds it, and undoes what that one has done so far." if holders else None
    proof = Proof("longest wait for a lock", f"{seconds:.0f} s, held by {holders or '?'}", observation.at)
    return [finding("mysql-slow", service, proof=[proof], since=since, caution=caution, lock_held=True, what=what)]


@check(
    "mysql-connections",
    runbook=("4.psql", "5.psql"),
    targets=entries_of(TABLE),
    judges_errors_of=_state,
    uses=own_log,
    absent=ABSENT,
)
def test_mysql_connections(
    target: Target[MysqlSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """The server has free connections."""
    findings = judge_connections(target.service, evidence[MYSQL.of(target.id)], target.settings.thresholds)
    report_findings(dated_by_log(findings, target, evidence))


def judge_connections(service: str, observation: Observation[MysqlState], thresholds: Thresholds) -> list[Finding]:
    """`mysql-connections-exhausted` when only the one that is kept for root is left, before that `mysql-slow`.

    Raises like `known_state`.
    """
    state = known_state(service, observation)
    used, allowed = state.used, state.allowed
    proof = Proof("Threads_connected", f"{used} of {allowed}", observation.at)
    if allowed and used >= allowed:
        facts = {"used": str(used), "allowed": str(allowed)}
        return [finding("mysql-connections-exhausted", service, proof=[proof], facts=facts)]
    if allowed and 100 * used >= thresholds.connections_warn_percent * allowed:
        return [finding("mysql-slow", service, proof=[proof], what=f"{used} of {allowed} connections are used")]
    return []


@check(
    "mysql-replication",
    runbook=("4.psql", "5.psql"),
    targets=entries_of(TABLE),
    judges_errors_of=_state,
    absent=ABSENT,
)
def test_mysql_replication(
    target: Target[MysqlSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """A replica receives and applies what its source writes, and is not late."""
    report_findings(judge_replication(target.service, evidence[MYSQL.of(target.id)], target.settings.thresholds))


def judge_replication(service: str, observation: Observation[MysqlState], thresholds: Thresholds) -> list[Finding]:
    """`mysql-replication-stopped` or the warning `mysql-replica-late` for each source. Raises like `known_state`."""
    sources = known_state(service, observation).replication
    return [found for source in sources for found in _judge_source(service, source, observation.at, thresholds)]


def _judge_source(service: str, source: Replication, at: str, thresholds: Thresholds) -> list[Finding]:
    behind = source.behind_seconds
    starts = source.receives == STARTS and source.applies == RUNS and not source.error
    if (source.receives, source.applies) != (RUNS, RUNS) and not starts:
        proof = Proof(f"replication from {source.source}", f"IO {source.receives}, SQL {source.applies}", at)
        facts = {"source": source.source, "error": source.error or f"IO {source.receives}, SQL {source.applies}"}
        return [finding("mysql-replication-stopped", service, proof=[proof], facts=facts)]
    if behind is not None and behind > thresholds.replication_lag_seconds:
        limit = f"wanted at most {thresholds.replication_lag_seconds:g} s"
        what = f"{behind} s behind {source.source} ({limit})"
        return [finding("mysql-replica-late", service, proof=[Proof("seconds behind", str(behind), at)], what=what)]
    return []
