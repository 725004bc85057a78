"""What an incident leaves behind: files, Docker garbage, logs without rotation (runbook 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service_down.checks.framework.check import (
    VERIFY,
    AnyTarget,
    CheckEvidence,
    ReportFindings,
    Target,
    check,
    needs_engine,
)
from service_down.checks.framework.targets import HOST, long_running, machine
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.disk_usage import GARBAGE
from service_down.fixtures.probes.engine import containers_of
from service_down.fixtures.stack.model import Service

ONLY = (VERIFY,)
UNBOUNDED = {"json-file", "fluentd", ""}  # of the drivers that keep files here, only these need max-size


@check("leftovers", runbook=("10.tmp",), modes=ONLY, over=machine, needs=lambda target: ("leftovers",), only_warns=True)
def test_leftovers(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """No files of earlier incidents are left."""
    report_findings(judge_leftovers(seen["leftovers"]))


def judge_leftovers(seen: Observation) -> list[Finding]:
    """The warning `leftovers`."""
    if not seen.value:
        return []
    shown = ", ".join(seen.value[:3]) + (f" and {len(seen.value) - 3} more" if len(seen.value) > 3 else "")
    return [
        finding("leftovers", HOST, proof=[Proof("files", shown, seen.at)], what=shown, path=" ".join(seen.value[:10]))
    ]


@check(
    "docker-garbage", runbook=("10.prune",), modes=ONLY, over=machine, needs=lambda target: (GARBAGE,), only_warns=True
)
def test_docker_garbage(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """Docker does not hoard what nothing uses."""
    report_findings(judge_garbage(seen[GARBAGE], target.settings.thresholds.garbage_gib))


def judge_garbage(seen: Observation, limit: float) -> list[Finding]:
    """The warning `docker-garbage`."""
    total = sum(seen.value.values()) / 2**30
    if total < limit:
        return []
    parts = ", ".join(f"{name} {size / 2**30:.1f} GiB" for name, size in seen.value.items())
    return [
        finding(
            "docker-garbage",
            HOST,
            proof=[Proof("docker system df", parts, seen.at)],
            size=f"{total:.1f} GiB",
            limit=f"{limit:g} GiB",
        )
    ]


@check("log-rotation", runbook=("10.logrotate",), modes=ONLY, over=long_running, needs=needs_engine, only_warns=True)
def test_log_rotation(target: Target[Service], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The container's log cannot fill the disk."""
    report_findings(judge_rotation(target.spec, seen.value("engine")))


def judge_rotation(service: Service, view: Mapping[str, Any]) -> list[Finding]:
    """The warning `log-rotation-missing`."""
    for container in containers_of(view, service.name, service.aliases):
        told = container["HostConfig"].get("LogConfig") or {}
        driver, options = told.get("Type", ""), told.get("Config") or {}
        if driver in UNBOUNDED and "max-size" not in options:
            name = container["Name"].lstrip("/")
            proof = Proof(f"{name} HostConfig.LogConfig", f"{driver}, no max-size")
            return [
                finding(
                    "log-rotation-missing",
                    service.name,
                    proof=[proof],
                    container=name,
                    what=f"{driver} without max-size",
                )
            ]
    return []
