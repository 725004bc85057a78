"""The engine answers and the compose files can be used: what every runbook command needs (runbook 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from service_down.checks.framework.check import AnyTarget, CheckEvidence, ReportFindings, Target, check, needs_engine
from service_down.checks.framework.targets import HOST, STACK, machine, services, stack
from service_down.checks.judges.config_drift import drifted
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.compose import HASHES
from service_down.fixtures.probes.engine import containers_of
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import LABEL, Model, Service


def composed(settings: Settings, model: Model) -> Sequence[AnyTarget]:
    """The stack as a whole, where compose files are named."""
    return stack(settings, model) if model.compose_files else []


@check("engine", runbook=("2.compose-ps", "4.docker-ps"), over=machine, asks=lambda target: ("engine",))
def test_engine(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The Docker engine answers."""
    report_findings(judge_engine(seen["engine"]))


def judge_engine(seen: Observation) -> list[Finding]:
    """`engine-unreachable` with what the client said."""
    if seen.outcome == "seen":
        return []
    proof = Proof("Docker engine", f"{seen.kind}: {seen.text}", seen.at)
    return [finding("engine-unreachable", HOST, proof=[proof], error=seen.text)]


@check(
    "compose-file",
    runbook=("2.compose-ps",),
    over=composed,
    asks=lambda target: ("compose",),
    absent="no compose file is named, so services are known by the engine's labels only",
)
def test_compose_file(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The compose files merge into a valid configuration."""
    report_findings(judge_compose(seen["compose"]))


def judge_compose(seen: Observation) -> list[Finding]:
    """`compose-invalid` with the CLI's own words."""
    if seen.outcome == "seen":
        return []
    return [
        finding("compose-invalid", STACK, proof=[Proof("docker compose config", seen.text, seen.at)], error=seen.text)
    ]


@check("services", runbook=("2.compose-ps", "3.which-service"), over=stack)
def test_services(target: AnyTarget, seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """It is known which services there should be: of a stack without any, all is fine and nothing is known."""
    if not target.model.services:
        why = f" ({target.model.problem})" if target.model.problem else ""
        raise CannotCheck(f"no service of this stack is known{why}: check stack.project, or name the compose files")
    report_findings([])


@check(
    "config-drift",
    runbook=("5.container-not-running",),
    over=services,
    needs=needs_engine,
    uses=lambda target: (HASHES,),
    only_warns=True,
)
def test_config_drift(target: Target[Service], seen: CheckEvidence, report_findings: ReportFindings) -> None:
    """The container is what the compose file says today."""
    report_findings(judge_drift(target.spec, seen.value("engine"), seen[HASHES]))


def judge_drift(service: Service, view: Mapping[str, Any], seen: Observation) -> list[Finding]:
    """The warning `config-drift`; hashes of two versions of Compose cannot be compared."""
    if seen.outcome != "seen":
        pytest.skip(f"not judged: {seen.text}")
    for container in containers_of(view, service.name, service.aliases):
        if not drifted(service, container, seen):
            continue
        name, made = container["Name"].lstrip("/"), container.get("Created")
        has, wanted = container["Config"]["Labels"][LABEL + "config-hash"], seen.value["hashes"][service.name]
        proof = [
            Proof(f"{name} label config-hash", has[:12], made),
            Proof("docker compose config --hash", wanted[:12], seen.at),
        ]
        what = f"it was created {(made or '?')[:19]} from another configuration"
        return [finding("config-drift", service.name, proof=proof, container=name, what=what)]
    return []
