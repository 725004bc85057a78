"""What an incident leaves behind: files, unused data of the engine, logs without rotation (runbook 10)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import asdict

from service_down.checks.framework.check import (
    VERIFY_AND_PREVENT,
    VERIFY_ONLY,
    CheckEvidence,
    ReportFindings,
    Target,
    check,
    engine_key,
)
from service_down.checks.framework.targets import HOST, long_running, machine
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines import field_names
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.cleanup import GARBAGE, LEFTOVERS
from service_down.fixtures.stack.containers import DiskUsage, EngineState
from service_down.fixtures.stack.model import Service

UNBOUNDED_LOG_DRIVERS = {"json-file", "fluentd", ""}  # of the drivers that keep files here, only these need max-size
MAX_SHOWN_FILES, MAX_FILES_IN_COMMAND = 3, 10


@check(
    "leftovers",
    runbook=("10.tmp",),
    modes=VERIFY_ONLY,
    targets=machine,
    requires=lambda target: (LEFTOVERS,),
    only_warns=True,
)
def test_leftovers(target: Target[None], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """No files of earlier incidents are left."""
    report_findings(judge_leftovers(evidence[LEFTOVERS]))


def judge_leftovers(observation: Observation[Sequence[str]]) -> list[Finding]:
    """The warning `leftovers`."""
    files = observation.value
    if not files:
        return []
    more = len(files) - MAX_SHOWN_FILES
    shown = ", ".join(files[:MAX_SHOWN_FILES]) + (f" and {more} more" if more > 0 else "")
    proof = Proof("files", shown, observation.at)
    return [finding("leftovers", HOST, proof=[proof], what=shown, path=" ".join(files[:MAX_FILES_IN_COMMAND]))]


@check(
    "docker-garbage",
    runbook=("10.prune",),
    modes=VERIFY_ONLY,
    targets=machine,
    requires=lambda target: (GARBAGE,),
    only_warns=True,
)
def test_docker_garbage(target: Target[None], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The engine keeps little that nothing uses."""
    report_findings(judge_garbage(evidence[GARBAGE], target.settings.thresholds.garbage_gib))


def judge_garbage(observation: Observation[DiskUsage], limit_gib: float) -> list[Finding]:
    """The warning `docker-garbage`."""
    if observation.value is None:
        return []
    sizes: dict[str, int] = asdict(observation.value)
    total_gib = sum(sizes.values()) / 2**30
    if total_gib < limit_gib:
        return []
    parts = ", ".join(f"{name} {size / 2**30:.1f} GiB" for name, size in sizes.items())
    return [
        finding(
            "docker-garbage",
            HOST,
            proof=[Proof("docker system df", parts, observation.at)],
            size=f"{total_gib:.1f} GiB",
            limit=f"{limit_gib:g} GiB",
        )
    ]


@check(
    "log-rotation",
    runbook=("10.logrotate", "11.resources"),
    modes=VERIFY_AND_PREVENT,
    targets=long_running,
    requires=engine_key,
    only_warns=True,
)
def test_log_rotation(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The container's log cannot fill the disk."""
    report_findings(judge_rotation(target.spec, evidence.required(ENGINE)))


def judge_rotation(service: Service, state: EngineState) -> list[Finding]:
    """The warning `log-rotation-missing`."""
    for container in state.containers_of(service.name, service.aliases):
        driver = container.log_driver
        if driver in UNBOUNDED_LOG_DRIVERS and "max-size" not in container.log_options:
            proof = Proof(f"{container.name} {field_names.LOG_CONFIG}", f"{driver}, no max-size")
            what = f"{driver} without max-size"
            return [finding("log-rotation-missing", service.name, proof=[proof], container=container.name, what=what)]
    return []
