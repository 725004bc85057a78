"""Redis: PING with authentication, loading, writes refused, memory (runbook 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import named, own_log
from service_down.checks.judges.log_evidence import dated_by_log
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.settings.schema import Redis, Thresholds

_BY_KIND = {"auth": "redis-auth-failed", "loading": "redis-loading", "write-refused": "redis-write-refused"}
ABSENT = "stack.toml has no [redis.*]"


def _asks(target: Target[Redis]) -> tuple[str, ...]:
    return (f"redis:{target.id}",)


@check("redis", runbook=("3.dependencies", "4.redis-ping"), over=named("redis"), asks=_asks, absent=ABSENT)
def test_redis(target: Target[Redis], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """It answers PING to whoever has the password."""
    report_findings(judge_answer(target.service, seen[f"redis:{target.id}"]))


def judge_answer(service: str, seen: Observation) -> list[Finding]:
    """At most one finding, by the kind of refusal: a refused password is not a Redis that is down."""
    if seen.outcome == "seen":
        if int(seen.value.get("loading", 0)):
            what = f"about {seen.value.get('loading_eta_seconds', '?')} s to go"
            return [finding("redis-loading", service, proof=[Proof("INFO loading", "1", seen.at)], what=what)]
        return []
    proof = Proof(f"PING {service}", f"{seen.kind}: {seen.text}", seen.at)
    return [
        finding(_BY_KIND.get(seen.kind, "redis-unreachable"), service, proof=[proof], error=seen.text, what=seen.text)
    ]


@check("redis-writes", runbook=("4.redis-ping",), over=named("redis"), asks=_asks, uses=own_log, absent=ABSENT)
def test_redis_writes(target: Target[Redis], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """Writes are not refused: not after a failed save, not by a replica, not for memory."""
    found = judge_writes(target.service, target.spec, seen[f"redis:{target.id}"])
    report_findings(dated_by_log(found, target, seen))


def judge_writes(service: str, told: Redis, seen: Observation) -> list[Finding]:
    """`redis-write-refused` with the first reason that holds."""
    if seen.outcome != "seen":
        pytest.skip(f"not judged: {service} does not answer")
    reason = _refused(seen.value, told)
    return (
        [finding("redis-write-refused", service, proof=[Proof(*reason, at=seen.at)], what=": ".join(reason))]
        if reason
        else []
    )


def _refused(info: Mapping[str, Any], told: Redis) -> tuple[str, str] | None:
    settings = info.get("settings") or {}
    wanted, have = int(settings.get("min-replicas-to-write", 0)), int(info.get("connected_slaves", 0))
    if wanted > have:
        return "connected_slaves", f"{have}, and min-replicas-to-write is {wanted} (NOREPLICAS)"
    stops = settings.get("stop-writes-on-bgsave-error", "yes") == "yes"
    if info.get("rdb_last_bgsave_status") == "err" and stops:
        return "rdb_last_bgsave_status", "err (MISCONF: it stops writes because it cannot save to disk)"
    if info.get("aof_last_write_status") == "err":
        return "aof_last_write_status", "err (MISCONF: it cannot write its append-only file)"
    if info.get("role") == "slave" and settings.get("replica-read-only", "yes") == "yes" and not told.may_be_replica:
        return "role", "slave (READONLY: a replica takes no writes)"
    limit, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    if limit and used >= limit and info.get("maxmemory_policy") == "noeviction":
        return "used_memory", f"{used} of {limit} bytes with maxmemory-policy noeviction (OOM)"
    return None


@check(
    "redis-memory", runbook=("4.redis-ping", "4.free"), over=named("redis"), asks=_asks, absent=ABSENT, only_warns=True
)
def test_redis_memory(target: Target[Redis], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """Its memory is not nearly used up."""
    report_findings(judge_memory(target.service, seen[f"redis:{target.id}"], target.settings.thresholds))


def judge_memory(service: str, seen: Observation, thresholds: Thresholds) -> list[Finding]:
    """`redis-memory` near the limit, where keys cannot simply be evicted."""
    if seen.outcome != "seen":
        pytest.skip(f"not judged: {service} does not answer")
    limit, used = int(seen.value.get("maxmemory", 0)), int(seen.value.get("used_memory", 0))
    policy = seen.value.get("maxmemory_policy", "noeviction")
    if not limit or policy.startswith("allkeys") or 100 * used < thresholds.redis_memory_percent * limit:
        return []
    shown = {"used": f"{used / 2**20:.0f} MiB", "limit": f"{limit / 2**20:.0f} MiB (maxmemory-policy {policy})"}
    return [
        finding("redis-memory", service, proof=[Proof("used_memory", f"{used} of {limit} bytes", seen.at)], facts=shown)
    ]
