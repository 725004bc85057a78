"""Each container's memory and CPU against its limits (runbook 4, 5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from service_down.checks.framework.check import AnyKey, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import long_running
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import CannotCheck
from service_down.fixtures.probes.container_usage import USAGE
from service_down.fixtures.settings.schema import Thresholds
from service_down.fixtures.stack.containers import ContainerUsage
from service_down.fixtures.stack.model import Service


def engine_and_usage(target: Target[Service]) -> Sequence[AnyKey]:
    """The probes that both checks require."""
    return (ENGINE, USAGE.of(target.spec.name))


@check(
    "container-memory",
    runbook=("4.docker-stats", "5.out-of-memory"),
    targets=long_running,
    requires=engine_and_usage,
    only_warns=True,
)
def test_container_memory(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """No container is at its memory limit."""
    usages = evidence.required(USAGE.of(target.spec.name))
    report_findings(judge_memory(target.spec, usages, target.settings.thresholds))


def judge_memory(service: Service, usages: Iterable[ContainerUsage], thresholds: Thresholds) -> list[Finding]:
    """`memory-pressure` as a warning: a container near its limit still works. A kill is another finding."""
    for usage in usages:
        limit_bytes = usage.memory_limit_bytes
        percent = 100 * usage.memory_bytes / limit_bytes if limit_bytes else 0.0
        if percent >= thresholds.container_memory_percent:
            limit = f"{limit_bytes / 2**20:.0f} MiB"
            return [
                finding(
                    "memory-pressure",
                    service.name,
                    severity="warning",
                    proof=[Proof(f"{usage.container} memory", f"{percent:.0f} % of {limit}")],
                    free=f"{(limit_bytes - usage.memory_bytes) / 2**20:.0f} MiB",
                    total=limit,
                    limit=f"less than {thresholds.container_memory_percent:g} % used",
                )
            ]
    return []


@check(
    "container-cpu",
    runbook=("4.docker-stats", "4.cpu"),
    targets=long_running,
    requires=engine_and_usage,
    only_warns=True,
)
def test_container_cpu(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """No container is at its CPU limit."""
    usages = evidence.required(USAGE.of(target.spec.name))
    cpu_count = evidence.required(ENGINE).cpu_count
    report_findings(judge_cpu(target.spec, usages, cpu_count, target.settings.thresholds))


def judge_cpu(
    service: Service, usages: Iterable[ContainerUsage], cpu_count: int, thresholds: Thresholds
) -> list[Finding]:
    """`cpu-saturated` for a container at its own limit, or without one at the limit of the whole machine.

    Raises CannotCheck when that limit is needed and not known.
    """
    for usage in usages:
        allowed_cores = usage.cpu_limit_cores or cpu_count
        if usage.cores_used is None:
            continue
        if not allowed_cores:
            raise CannotCheck("the engine does not tell how many CPUs its machine has")
        percent = 100 * usage.cores_used / allowed_cores
        if percent >= thresholds.container_cpu_percent:
            return [
                finding(
                    "cpu-saturated",
                    service.name,
                    proof=[Proof(f"{usage.container} CPU", f"{usage.cores_used:g} of {allowed_cores:g} cores")],
                    what=f"its container uses {percent:.0f} % of the CPU it may have",
                    limit=f"{thresholds.container_cpu_percent:g} %",
                )
            ]
    return []
