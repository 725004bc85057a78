"""Redis: it answers PING, is not loading, accepts writes, and has memory left (runbook 4)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service_down.checks.framework.check import AnyKey, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of, own_log
from service_down.checks.judges.log_evidence import dated_by_log
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.redis import REDIS, TABLE, RedisSettings, RedisState
from service_down.fixtures.settings.schema import Thresholds

ABSENT = "stack.toml has no [redis.*]"
CODE_OF_ERROR_KIND = {"auth": "redis-auth-failed", "loading": "redis-loading", "write-refused": "redis-write-refused"}


def _state_keys(target: Target[RedisSettings]) -> Sequence[AnyKey]:
    return (REDIS.of(target.id),)


@check(
    "redis",
    runbook=("3.dependencies", "4.redis-ping"),
    targets=entries_of(TABLE),
    judges_errors_of=_state_keys,
    absent=ABSENT,
)
def test_redis(target: Target[RedisSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The server answers PING with the password."""
    observation = evidence[REDIS.of(target.id)]
    report_findings(judge_answer(target.service, target.spec, observation), note=flap_note(observation))


def flap_note(observation: Observation[RedisState]) -> str:
    """What to say where only the second attempt succeeded."""
    first = observation.value.first_attempt if observation.value else None
    return f"it flapped: {first} at first, it answered on a second look" if first else ""


def judge_answer(service: str, server: RedisSettings, observation: Observation[RedisState]) -> list[Finding]:
    """At most one finding, by the kind of the error. A refused password does not mean that Redis is down."""
    state, at = observation.value, observation.at
    if state is None:
        code = CODE_OF_ERROR_KIND.get(observation.kind, "redis-unreachable")
        proof = Proof(f"PING {service}", observation.error_text, at)
        facts = {"error": observation.text, "what": observation.text, "variable": server.password_env}
        return [finding(code, service, proof=[proof], facts=facts)]
    if state.loading:
        what = f"about {state.loading_eta_seconds} s to go"
        return [finding("redis-loading", service, proof=[Proof("INFO loading", "1", at)], what=what)]
    return []


@check(
    "redis-writes",
    runbook=("4.redis-ping",),
    targets=entries_of(TABLE),
    judges_errors_of=_state_keys,
    uses=own_log,
    absent=ABSENT,
)
def test_redis_writes(target: Target[RedisSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The server accepts writes: its last save worked, it is no replica, and its memory is not full."""
    findings = judge_writes(target.service, target.spec, evidence[REDIS.of(target.id)])
    report_findings(dated_by_log(findings, target, evidence))


def judge_writes(service: str, server: RedisSettings, observation: Observation[RedisState]) -> list[Finding]:
    """`redis-write-refused` with the first reason that holds.

    Raises Skipped when the server does not answer: the check `redis` reports that.
    """
    if observation.value is None:
        pytest.skip(f"not judged: {service} does not answer")
    reason = _write_refusal(observation.value, server)
    if reason is None:
        return []
    field, value = reason
    return [
        finding("redis-write-refused", service, proof=[Proof(field, value, observation.at)], what=f"{field}: {value}")
    ]


def _write_refusal(state: RedisState, server: RedisSettings) -> tuple[str, str] | None:
    """The first field that makes Redis refuse writes, and its value; None when it accepts them."""
    settings = state.settings
    wanted_replicas = int(settings.get("min-replicas-to-write", 0))
    if wanted_replicas > state.connected_slaves:
        text = f"{state.connected_slaves}, and min-replicas-to-write is {wanted_replicas} (NOREPLICAS)"
        return "connected_slaves", text
    failed_save_stops_writes = settings.get("stop-writes-on-bgsave-error", "yes") == "yes"
    if state.rdb_last_bgsave_status == "err" and failed_save_stops_writes:
        return "rdb_last_bgsave_status", "err (MISCONF: it stops writes because it cannot save to disk)"
    if state.aof_last_write_status == "err":
        return "aof_last_write_status", "err (MISCONF: it cannot write its append-only file)"
    replica_is_read_only = settings.get("replica-read-only", "yes") == "yes"
    if state.role == "slave" and replica_is_read_only and not server.may_be_replica:
        return "role", "slave (READONLY: a replica takes no writes)"
    limit, used = state.maxmemory, state.used_memory
    if limit and used >= limit and state.maxmemory_policy == "noeviction":
        return "used_memory", f"{used} of {limit} bytes with maxmemory-policy noeviction (OOM)"
    return None


@check(
    "redis-memory",
    runbook=("4.redis-ping", "4.free"),
    targets=entries_of(TABLE),
    judges_errors_of=_state_keys,
    absent=ABSENT,
    only_warns=True,
)
def test_redis_memory(target: Target[RedisSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The server's memory is not nearly used up."""
    report_findings(judge_memory(target.service, evidence[REDIS.of(target.id)], target.settings.thresholds))


def judge_memory(service: str, observation: Observation[RedisState], thresholds: Thresholds) -> list[Finding]:
    """`redis-memory` near the limit, unless Redis may evict any key.

    Raises Skipped when the server does not answer.
    """
    state = observation.value
    if state is None:
        pytest.skip(f"not judged: {service} does not answer")
    limit, used, policy = state.maxmemory, state.used_memory, state.maxmemory_policy or "noeviction"
    if not limit or policy.startswith("allkeys") or 100 * used < thresholds.redis_memory_percent * limit:
        return []
    facts = {"used": f"{used / 2**20:.0f} MiB", "limit": f"{limit / 2**20:.0f} MiB (maxmemory-policy {policy})"}
    proof = Proof("used_memory", f"{used} of {limit} bytes", observation.at)
    return [finding("redis-memory", service, proof=[proof], facts=facts)]
