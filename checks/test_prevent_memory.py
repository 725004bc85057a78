"""Memory limits: whether there is one, and whether it suffices (runbook 11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from service_down.checks.framework.check import (
    PREVENT_ONLY,
    AnyKey,
    CheckEvidence,
    ReportFindings,
    Target,
    check,
)
from service_down.checks.framework.targets import long_running
from service_down.checks.judges.set_up import Instance, known_instances, set_up_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.probes import redis
from service_down.fixtures.probes.prevent import PEAK, SET_UP, Peak
from service_down.fixtures.probes.subject import size_text
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model, Service

MIB = 2**20
REACHED = 0.95  # of the limit, from which on a peak has reached it: near it, the kernel takes memory back
ROOM = 1.5  # of the peak: a limit with room for the next one
STEP_MIB = 64  # limits that are proposed are multiples of it


def set_up_and_peak(target: Target[Service]) -> Sequence[AnyKey]:
    """What improves the finding, and may be missing."""
    return (ENGINE, PEAK.of(target.spec.name))


@check(
    "memory-limit",
    runbook=("11.resources",),
    modes=PREVENT_ONLY,
    targets=long_running,
    requires=lambda target: (SET_UP,),
    uses=set_up_and_peak,
    only_warns=True,
)
def test_memory_limit(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """Each container has a memory limit, above the most that it has used."""
    peaks = evidence.value(PEAK.of(target.spec.name)) or ()
    note = "" if any(peak.memory_bytes for peak in peaks) else "the highest use of memory is not known"
    report_findings(judge_limit(target.spec, known_instances(target, evidence), peaks), note)


def judge_limit(service: Service, found: Iterable[Instance], peaks: Iterable[Peak]) -> list[Finding]:
    """At most one warning: `memory-limit-missing` or `memory-limit-reached`."""
    known = {peak.container: peak.memory_bytes for peak in peaks if peak.memory_bytes}
    for instance in found:
        highest = known.get(instance.where)
        proof = [Proof(f"{instance.where} memory limit", _size(instance.memory_limit_bytes or 0))]
        proof += [Proof(f"{instance.where} highest memory", size_text(highest))] if highest else []
        facts = {"container": instance.where, "where": instance.where}
        if instance.memory_limit_bytes == 0:
            facts["peak"] = f"; it has used {size_text(highest)} at most" if highest else ""
            facts["limit"] = _with_room(highest) if highest else "VALUE, half as much again as it uses at its peak"
            return [finding("memory-limit-missing", service.name, proof=proof, facts=facts)]
        if highest and instance.memory_limit_bytes and highest >= REACHED * instance.memory_limit_bytes:
            limit = size_text(instance.memory_limit_bytes)
            facts |= {"peak": size_text(highest), "limit": limit, "wanted": _with_room(highest)}
            return [finding("memory-limit-reached", service.name, proof=proof, facts=facts)]
    return []


def _size(size_bytes: int) -> str:
    return size_text(size_bytes) if size_bytes else "none"


def _with_room(used_bytes: int) -> str:
    """A limit for such a peak, as a compose file has it."""
    steps = -(-int(used_bytes * ROOM) // (STEP_MIB * MIB))
    return f"{max(1, steps) * STEP_MIB}m"


def redis_services(settings: Settings, model: Model) -> Sequence[Target[Service]]:
    """Every service that the settings, written or derived, ask as a Redis."""
    asked = {entry.service for entry in settings.all_of(redis.TABLE).values()}
    return [target for target in long_running(settings, model) if target.spec.name in asked]


def states_of(target: Target[Service]) -> Sequence[AnyKey]:
    """What the Redis of a service says of itself."""
    entries = target.settings.all_of(redis.TABLE).items()
    return [ENGINE, *(redis.REDIS.of(name) for name, entry in entries if entry.service == target.spec.name)]


@check(
    "redis-memory-limit",
    runbook=("11.resources",),
    modes=PREVENT_ONLY,
    targets=redis_services,
    requires=lambda target: (SET_UP,),
    uses=states_of,
    absent="the stack has no Redis that is known",
    only_warns=True,
)
def test_redis_memory_limit(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The container of a Redis may use more memory than its data alone."""
    entries = target.settings.all_of(redis.TABLE).items()
    keys = [redis.REDIS.of(name) for name, entry in entries if entry.service == target.spec.name]
    states = [state for key in keys if (state := evidence.value(key))]
    said = max((state.maxmemory for state in states), default=0)
    maxmemory = said or set_up_of(target, evidence).maxmemory_bytes
    note = "" if maxmemory or states else "its maxmemory is not known"
    report_findings(judge_maxmemory(target.spec, known_instances(target, evidence), maxmemory), note)


def judge_maxmemory(service: Service, found: Iterable[Instance], maxmemory: int | None) -> list[Finding]:
    """The warning `memory-limit-maxmemory`. Without a maxmemory or a limit, there is nothing to compare."""
    for instance in found:
        limit_bytes = instance.memory_limit_bytes
        if maxmemory and limit_bytes and maxmemory >= limit_bytes:
            proof = [
                Proof("maxmemory", size_text(maxmemory)),
                Proof(f"{instance.where} memory limit", size_text(limit_bytes)),
            ]
            facts = {"maxmemory": size_text(maxmemory), "limit": size_text(limit_bytes)}
            facts |= {"wanted": _with_room(maxmemory), "container": instance.where}
            return [finding("memory-limit-maxmemory", service.name, proof=proof, facts=facts)]
    return []
