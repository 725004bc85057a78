"""Memcached: it answers, and has connections and memory left (runbook 4)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service_down.checks.framework.check import AnyKey, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import entries_of
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.memcached import MEMCACHED, TABLE, MemcachedSettings, MemcachedState
from service_down.fixtures.probes.subject import size_text
from service_down.fixtures.settings.schema import Thresholds

ABSENT = "stack.toml has no [memcached.*]"
FULL_PERCENT = 85.0  # the rest is lost between values of different sizes


def _state(target: Target[MemcachedSettings]) -> Sequence[AnyKey]:
    return (MEMCACHED.of(target.id),)


@check("memcached", runbook=("3.dependencies",), targets=entries_of(TABLE), judges_errors_of=_state, absent=ABSENT)
def test_memcached(target: Target[MemcachedSettings], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The server answers `stats`."""
    report_findings(judge_answer(target.service, evidence[MEMCACHED.of(target.id)]))


def judge_answer(service: str, observation: Observation[MemcachedState]) -> list[Finding]:
    """At most one finding, by the kind of the error."""
    if observation.value is not None:
        return []
    proof = Proof(f"stats of {service}", observation.error_text, observation.at)
    code = "memcached-connections-exhausted" if observation.kind == "exhausted" else "memcached-unreachable"
    return [finding(code, service, proof=[proof], error=observation.text)]


@check("memcached-room", runbook=("3.dependencies",), targets=entries_of(TABLE), judges_errors_of=_state, absent=ABSENT)
def test_memcached_room(
    target: Target[MemcachedSettings], evidence: CheckEvidence, report_findings: ReportFindings
) -> None:
    """The server has connections left, and memory where it may not drop old values."""
    report_findings(judge_room(target.service, evidence[MEMCACHED.of(target.id)], target.settings.thresholds))


def judge_room(service: str, observation: Observation[MemcachedState], thresholds: Thresholds) -> list[Finding]:
    """The warning `memcached-connections`, and `memcached-full`.

    Raises Skipped when the server does not answer: the check `memcached` reports that.
    """
    state, at, findings = observation.value, observation.at, []
    if state is None:
        pytest.skip(f"not judged: {service} does not answer")
    if 100 * state.used >= thresholds.connections_warn_percent * state.allowed:
        proof = Proof("curr_connections", f"{state.used} of {state.allowed}", at)
        facts = {"used": str(state.used), "allowed": str(state.allowed)}
        findings.append(finding("memcached-connections", service, proof=[proof], facts=facts))
    is_full = 100 * state.used_memory >= FULL_PERCENT * state.max_memory
    if is_full and state.refused and not state.evicts:
        proof = Proof(
            "outofmemory", f"{state.refused} values refused, {state.used_memory} of {state.max_memory} bytes", at
        )
        facts = {"used": size_text(state.used_memory), "limit": size_text(state.max_memory)}
        findings.append(finding("memcached-full", service, proof=[proof], facts=facts))
    return findings
