"""Each container's memory against its limit, and its CPU (runbook 4, 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import long_running
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.settings.schema import Thresholds
from service_down.fixtures.stack.model import Service

Usage = Iterable[Mapping[str, Any]]


@check(
    "container-memory",
    runbook=("4.docker-stats", "5.out-of-memory"),
    over=long_running,
    needs=lambda target: ("engine", f"usage:{target.spec.name}"),
    only_warns=True,
)
def test_container_memory(target: Target[Service], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """No container is at its memory limit."""
    report_findings(judge_memory(target.spec, seen.value(f"usage:{target.spec.name}"), target.settings.thresholds))


def judge_memory(service: Service, usage: Usage, thresholds: Thresholds) -> list[Finding]:
    """`memory-pressure` as a warning: a container near its limit still serves; being killed is another finding."""
    for one in usage:
        share = 100 * one["memory"] / one["memory_limit"] if one["memory_limit"] else 0.0
        if share >= thresholds.container_memory_percent:
            limit = f"{one['memory_limit'] / 2**20:.0f} MiB"
            proof = Proof(f"{one['container']} memory", f"{share:.0f} % of {limit}")
            free = f"{(one['memory_limit'] - one['memory']) / 2**20:.0f} MiB"
            wanted = f"less than {thresholds.container_memory_percent:g} % used"
            return [
                finding(
                    "memory-pressure",
                    service.name,
                    severity="warning",
                    proof=[proof],
                    free=free,
                    total=limit,
                    limit=wanted,
                )
            ]
    return []


@check(
    "container-cpu",
    runbook=("4.docker-stats", "4.cpu"),
    over=long_running,
    needs=lambda target: ("engine", f"usage:{target.spec.name}"),
    only_warns=True,
)
def test_container_cpu(target: Target[Service], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """No container is at its CPU limit."""
    report_findings(
        judge_cpu(
            target.spec, seen.value(f"usage:{target.spec.name}"), seen.value("engine"), target.settings.thresholds
        )
    )


def judge_cpu(service: Service, usage: Usage, view: Mapping[str, Any], thresholds: Thresholds) -> list[Finding]:
    """A container that uses all the CPU it may have: its own limit, else the whole machine's."""
    for one in usage:
        allowed = one["cpu_limit"] or view.get("cpus") or 0
        if one["cpus"] is None or not allowed:
            continue
        share = 100 * one["cpus"] / allowed
        if share >= thresholds.container_cpu_percent:
            proof = Proof(f"{one['container']} CPU", f"{one['cpus']:g} of {allowed:g} cores")
            what = f"its container uses {share:.0f} % of the CPU it may have"
            return [
                finding(
                    "cpu-saturated",
                    service.name,
                    proof=[proof],
                    what=what,
                    limit=f"{thresholds.container_cpu_percent:g} %",
                )
            ]
    return []
