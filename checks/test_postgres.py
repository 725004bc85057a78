"""PostgreSQL connects and answers; it is not in recovery, takes writes, and has connections left (runbook 4, 5, 8)."""

from __future__ import annotations

from typing import Any

import pytest

from service_down.checks.framework.check import VERIFY, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import named, own_log
from service_down.checks.judges.log_evidence import dated_by_log
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation, parse_time, utc
from service_down.fixtures.settings.schema import Postgres, Thresholds

LONG_WAIT = 5.0  # seconds
_BY_KIND = {
    "auth": "db-auth-failed",
    "exhausted": "db-connections-exhausted",
    "starting": "db-recovering",
    "missing": "db-schema-missing",
    "corrupt": "db-corrupt",
}


def with_table(settings: Any, model: Any) -> Any:
    """The databases that have a table to count."""
    return [one for one in named("postgres")(settings, model) if one.spec.table]


@check(
    "database",
    runbook=("3.dependencies", "4.psql", "5.psql"),
    over=named("postgres"),
    asks=lambda target: (f"postgres:{target.id}",),
    uses=own_log,
    absent="stack.toml has no [postgres.*]",
)
def test_database(target: Target[Postgres], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """It connects and answers `SELECT 1`."""
    report_findings(dated_by_log(judge_answer(target.service, seen[f"postgres:{target.id}"]), target, seen))


def _who(seen: Observation) -> dict[str, Any]:
    """User and database of an answer, for the commands to paste."""
    value = seen.value if isinstance(seen.value, dict) else {}
    return {name: value[name] for name in ("user", "database") if name in value}


def judge_answer(service: str, seen: Observation) -> list[Finding]:
    """At most one finding, by the kind of refusal."""
    if seen.outcome == "seen":
        return []
    facts = {**_who(seen), "error": seen.text, "what": seen.text, "used": "all", "allowed": "its maximum"}
    proof = Proof(f"connect to {service}", f"{seen.kind}: {seen.text}", seen.at)
    return [finding(_BY_KIND.get(seen.kind, "db-unreachable"), service, proof=[proof], facts=facts)]


@check(
    "database-state",
    runbook=("4.psql", "5.psql"),
    over=named("postgres"),
    asks=lambda target: (f"postgres:{target.id}",),
    absent="stack.toml has no [postgres.*]",
)
def test_database_state(target: Target[Postgres], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """It is not in recovery, takes writes, and is not slow."""
    report_findings(judge_state(target.service, target.spec, seen[f"postgres:{target.id}"], target.settings.thresholds))


def judge_state(service: str, told: Postgres, seen: Observation, thresholds: Thresholds) -> list[Finding]:
    """Raises Skipped when it does not answer: that is the other check's finding."""
    if seen.outcome != "seen":
        pytest.skip(f"not judged: {service} does not answer")
    value, found = seen.value, []
    facts = {"user": value["user"], "database": value["database"]}
    if value["recovery"] and not told.may_be_read_only:
        proof = Proof("pg_is_in_recovery()", "true", seen.at)
        found.append(
            finding(
                "db-recovering",
                service,
                proof=[proof],
                since=value["started"],  # it cannot get there without a start
                what="in recovery, so it accepts no writes",
                facts=facts,
            )
        )
    elif value["read_only"] and not told.may_be_read_only:
        proof = Proof("default_transaction_read_only", "on", seen.at)
        found.append(
            finding("db-read-only", service, proof=[proof], what="default_transaction_read_only is on", facts=facts)
        )
    if value["seconds"] > thresholds.sql_slow_seconds:
        what = (
            f"connecting and asking took {value['seconds']:.1f} s (wanted less than {thresholds.sql_slow_seconds:g} s)"
        )
        found.append(
            finding(
                "db-slow",
                service,
                proof=[Proof("SELECT 1", f"{value['seconds']:.2f} s", seen.at)],
                what=what,
                facts=facts,
            )
        )
    return found


@check(
    "database-locks",
    runbook=("4.psql", "5.psql"),
    over=named("postgres"),
    asks=lambda target: (f"postgres:{target.id}",),
    absent="stack.toml has no [postgres.*]",
    only_warns=True,
)
def test_database_locks(target: Target[Postgres], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """No query waits long for a lock that another holds."""
    report_findings(judge_locks(target.service, seen[f"postgres:{target.id}"]))


def judge_locks(service: str, seen: Observation) -> list[Finding]:
    """The warning `db-slow`; the diagnosis makes it the cause of who fails meanwhile and needs the database."""
    if seen.outcome != "seen":
        pytest.skip(f"not judged: {service} does not answer")
    value = seen.value
    seconds = value.get("waiting_seconds") or 0.0
    if seconds < LONG_WAIT:
        return []
    holders = ", ".join(map(str, value["held_by"])) or "?"
    what = f"{value['waiting']} queries wait for a lock, for {seconds:.0f} s by now, which process {holders} holds"
    at = parse_time(seen.at)
    since = utc(at.timestamp() - seconds) if at else None
    proof = Proof("longest wait for a lock", f"{seconds:.1f} s, held by {holders}", seen.at)
    caution = f"`SELECT pg_terminate_backend({holders})` ends who holds it, and undoes what that one has done so far."
    facts = {"user": value["user"], "database": value["database"], "what": what}
    return [finding("db-slow", service, proof=[proof], since=since, caution=caution, lock_held=True, facts=facts)]


@check(
    "database-connections",
    runbook=("4.psql", "5.psql"),
    over=named("postgres"),
    asks=lambda target: (f"postgres:{target.id}",),
    uses=own_log,
    absent="stack.toml has no [postgres.*]",
)
def test_database_connections(target: Target[Postgres], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """Connections are left for those who need one."""
    found = judge_connections(target.service, seen[f"postgres:{target.id}"], target.settings.thresholds)
    report_findings(dated_by_log(found, target, seen))


def judge_connections(service: str, seen: Observation, thresholds: Thresholds) -> list[Finding]:
    """`db-connections-exhausted` when only the superuser's reserve is left, `db-slow` (a warning) when nearly so."""
    if seen.outcome != "seen":
        pytest.skip(f"not judged: {service} does not answer")
    value = seen.value
    allowed = value["allowed"] - value["reserved"]
    proof = Proof("connections", f"{value['used']} of {allowed} (+{value['reserved']} reserved)", seen.at)
    facts = {"user": value["user"], "database": value["database"], "used": value["used"], "allowed": allowed}
    if value["used"] >= allowed:
        return [finding("db-connections-exhausted", service, proof=[proof], facts=facts)]
    if 100 * value["used"] >= thresholds.connections_warn_percent * allowed:
        return [
            finding(
                "db-slow",
                service,
                proof=[proof],
                what=f"{value['used']} of {allowed} connections are used",
                facts=facts,
            )
        ]
    return []


@check(
    "rows",
    runbook=("8.psql-count",),
    modes=(VERIFY,),
    over=with_table,
    asks=lambda target: (f"rows:{target.id}",),
    uses=own_log,
    absent="no [postgres.*] of stack.toml has a table",
)
def test_rows(target: Target[Postgres], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """`SELECT COUNT(*)` of the user table works."""
    report_findings(dated_by_log(judge_rows(target.service, target.spec, seen[f"rows:{target.id}"]), target, seen))


def judge_rows(service: str, told: Postgres, seen: Observation) -> list[Finding]:
    """`query-failed`, or `db-schema-missing` when there is no such table or database."""
    query = f"SELECT COUNT(*) FROM {told.table}"
    if seen.outcome == "error":
        proof = Proof(query, f"{seen.kind}: {seen.text}", seen.at)
        facts = {**_who(seen), "error": seen.text, "what": seen.text, "used": "all", "allowed": "its maximum"}
        if seen.kind in _BY_KIND and seen.kind != "missing":
            return [finding(_BY_KIND[seen.kind], service, proof=[proof], facts=facts)]
        if seen.kind == "missing":
            return [finding("db-schema-missing", service, proof=[proof], facts=facts)]
        return [finding("query-failed", service, proof=[proof], query=query, facts=facts)]
    rows = seen.value["rows"]
    if rows < told.least_rows:
        proof = Proof(query, str(rows), seen.at)
        return [
            finding(
                "query-failed",
                service,
                proof=[proof],
                query=query,
                what=f"{rows} rows, wanted at least {told.least_rows}",
                facts=_who(seen),
            )
        ]
    return []
