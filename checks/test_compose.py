"""The compose files can be used, and the containers are what they describe (runbook 2, 3, 5)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check, engine_key
from service_down.checks.framework.targets import STACK, services, stack
from service_down.checks.judges.config_drift import has_drifted
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.compose import COMPOSE, HASHES, ComposeHashes
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.compose_file import ComposeProject
from service_down.fixtures.stack.containers import EngineState
from service_down.fixtures.stack.model import Model, Service

SHOWN_HASH_CHARACTERS = 12


def stack_with_compose_files(settings: Settings, model: Model) -> Sequence[Target[None]]:
    """The stack as a whole, where compose files are named."""
    return stack(settings, model) if model.compose_files else []


@check(
    "compose-file",
    runbook=("2.compose-ps",),
    targets=stack_with_compose_files,
    judges_errors_of=lambda target: (COMPOSE,),
    absent="no compose file is named, so services are known by the engine's labels only",
)
def test_compose_file(target: Target[None], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The compose files merge into a valid configuration."""
    report_findings(judge_compose(evidence[COMPOSE]))


def judge_compose(observation: Observation[ComposeProject]) -> list[Finding]:
    """`compose-invalid` with the error of the Compose CLI."""
    if not observation.failed:
        return []
    proof = Proof("docker compose config", observation.text, observation.at)
    return [finding("compose-invalid", STACK, proof=[proof], error=observation.text)]


@check("services", runbook=("2.compose-ps", "3.which-service"), targets=stack, uses=engine_key)
def test_services(target: Target[None], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """It is known which services there should be: the checks of a stack without any would all pass.

    Services that only containers tell of are missing where the engine's answer came too late for them.
    """
    if not target.model.services:
        why = f" ({target.model.problem})" if target.model.problem else ""
        raise CannotCheck(f"no service of this stack is known{why}: check stack.project, or name the compose files")
    if missed := missed_services(target.model, target.settings, evidence.value(ENGINE)):
        raise CannotCheck(
            f"containers of {', '.join(missed)} run, the compose file does not declare them, and the engine answered"
            " too late to check them: run it again"
        )
    report_findings([])


def missed_services(model: Model, settings: Settings, state: EngineState | None) -> list[str]:
    """The services with a running container that the model does not have, without those that are not expected."""
    running = {found.compose.service for found in state.containers if found.running} if state else set()
    known = {service.name for service in model.services}
    unexpected = {name for name, table in settings.services.items() if not table.expected}
    return sorted(filter(None, running - known - unexpected))


@check(
    "config-drift",
    runbook=("5.container-not-running",),
    targets=services,
    requires=engine_key,
    uses=lambda target: (HASHES,),
    only_warns=True,
)
def test_config_drift(target: Target[Service], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """The container was made from the compose file as it is now."""
    report_findings(judge_drift(target.spec, evidence.required(ENGINE), evidence[HASHES]))


def judge_drift(service: Service, state: EngineState, hashes: Observation[ComposeHashes]) -> list[Finding]:
    """The warning `config-drift`. Skips the check when today's hashes are not known."""
    if hashes.value is None:
        pytest.skip(f"not judged: {hashes.text}")
    for container in state.containers_of(service.name, service.aliases):
        if not has_drifted(service, container, hashes):
            continue
        hash_then, hash_now = container.compose.config_hash or "", hashes.value.hashes[service.name]
        proof = [
            Proof(f"{container.name} label config-hash", hash_then[:SHOWN_HASH_CHARACTERS], container.created),
            Proof("docker compose config --hash", hash_now[:SHOWN_HASH_CHARACTERS], hashes.at),
        ]
        what = f"it was created {(container.created or '?')[:19]} from another configuration"
        return [finding("config-drift", service.name, proof=proof, container=container.name, what=what)]
    return []
