"""The machine: disk, inodes, memory and load (runbook 2, 4)."""

from __future__ import annotations

from collections.abc import Sequence

from service_down.checks.framework.check import AnyKey, AnyTarget, CheckEvidence, ReportFindings, Target, check
from service_down.checks.framework.targets import HOST, disks, machine
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.host import DISK, LOAD, MEMORY, FileSystem, HostLoad, HostMemory
from service_down.fixtures.settings.schema import Thresholds

GIB = 2**30


def _disk_keys(target: Target[str]) -> Sequence[AnyKey]:
    return (DISK.of(target.spec),)


@check("disk", runbook=("2.df", "4.df"), targets=disks, judges_errors_of=_disk_keys)
def test_disk(target: Target[str], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The file system has free space."""
    report_findings(judge_disk(target.spec, evidence[DISK.of(target.spec)], target.settings.thresholds))


def judge_disk(path: str, observation: Observation[FileSystem], thresholds: Thresholds) -> list[Finding]:
    """`disk-full` or `disk-pressure`; `data-dir-missing` for a path that does not exist."""
    disk, at = observation.value, observation.at
    if disk is None:
        proof = Proof(path, observation.text, at)
        return [finding("data-dir-missing", HOST, proof=[proof], path=path, what=observation.text)]
    used, free = f"{disk.used_percent:g} %", f"{disk.free_bytes / GIB:.1f} GiB"
    for code, limit in (("disk-full", thresholds.disk_full_percent), ("disk-pressure", thresholds.disk_warn_percent)):
        if disk.used_percent >= limit:
            proof = Proof(f"df {disk.mount}", f"{used} used, {free} free", at)
            return [finding(code, HOST, proof=[proof], path=disk.path, used=used, free=free, limit=f"{limit:g} %")]
    return []


@check("inodes", runbook=("2.df", "4.df"), targets=disks, judges_errors_of=_disk_keys)
def test_inodes(target: Target[str], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The file system has free inodes."""
    report_findings(judge_inodes(evidence[DISK.of(target.spec)], target.settings.thresholds))


def judge_inodes(observation: Observation[FileSystem], thresholds: Thresholds) -> list[Finding]:
    """`inodes-full`. The disk check reports a path that does not exist."""
    disk = observation.value
    if disk is None or disk.inodes_used_percent is None or disk.inodes_used_percent < thresholds.inodes_full_percent:
        return []
    used, limit = f"{disk.inodes_used_percent:g} %", f"{thresholds.inodes_full_percent:g} %"
    proof = Proof(f"df -i {disk.mount}", f"{used} used", observation.at)
    return [finding("inodes-full", HOST, proof=[proof], path=disk.path, used=used, limit=limit)]


@check("host-memory", runbook=("2.free", "4.free"), targets=machine, judges_errors_of=lambda target: (MEMORY,))
def test_host_memory(target: AnyTarget, evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The machine has available memory."""
    report_findings(judge_memory(evidence.required(MEMORY), evidence[MEMORY].at, target.settings.thresholds))


def judge_memory(memory: HostMemory, at: str, thresholds: Thresholds) -> list[Finding]:
    """`memory-pressure`, by the available memory: free memory is low on every busy machine."""
    total, available = memory.total_bytes, memory.available_bytes
    percent = 100 * available / total if total else 100.0
    if percent >= thresholds.memory_available_percent:
        return []
    proof = Proof("MemAvailable", f"{available / GIB:.2f} GiB of {total / GIB:.2f} GiB", at)
    facts = {"free": f"{available / GIB:.2f} GiB", "total": f"{total / GIB:.1f} GiB"}
    limit = f"{thresholds.memory_available_percent:g} %"
    return [finding("memory-pressure", HOST, proof=[proof], limit=limit, facts=facts)]


@check(
    "host-load", runbook=("2.htop", "4.cpu"), targets=machine, judges_errors_of=lambda target: (LOAD,), only_warns=True
)
def test_host_load(target: AnyTarget, evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The machine's load is not too high for its CPUs."""
    report_findings(judge_load(evidence.required(LOAD), evidence[LOAD].at, target.settings.thresholds))


def judge_load(load: HostLoad, at: str, thresholds: Thresholds) -> list[Finding]:
    """`cpu-saturated`, by the five-minute load per CPU."""
    if load.percent_of(thresholds.load_per_cpu) < 100:
        return []
    load_text = f"{load.load_5:g} on {load.cpu_count} CPUs"
    proof = Proof("load average over 5 min", load_text, at)
    limit = f"{thresholds.load_per_cpu:g} per CPU"
    return [finding("cpu-saturated", HOST, proof=[proof], what=f"the load is {load_text}", limit=limit)]
