"""No container pretends to be one of the stack (runbook 2)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service_down.checks.framework.check import CheckEvidence, ReportFindings, Target, check, engine_key
from service_down.checks.framework.targets import STACK, stack
from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.engines import field_names
from service_down.fixtures.engines.registry import ENGINE
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.stack.containers import EngineState, OtherContainer, ProjectClaim
from service_down.fixtures.stack.model import Model

MAX_SHOWN_NAMES = 3


@check(
    "strangers",
    runbook=("2.compose-ps", "4.docker-ps"),
    targets=stack,
    judges_errors_of=engine_key,
    only_warns=True,
)
def test_strangers(target: Target[None], evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    """No container claims to be of a service of the stack without having been created by Compose."""
    report_findings(judge_strangers(evidence[ENGINE], target.model))


def judge_strangers(observation: Observation[EngineState], model: Model) -> list[Finding]:
    """The warning `stranger-container`, once for each service that is claimed.

    Raises Skipped when the engine does not answer: the check `engine` reports that.
    """
    if observation.value is None:
        pytest.skip("not judged: the engine does not answer")
    claims: dict[str, list[tuple[OtherContainer, ProjectClaim]]] = {}
    for stranger in observation.value.strangers:
        if stranger.claim:
            claims.setdefault(stranger.claim.service, []).append((stranger, stranger.claim))
    return [
        _finding(service if model.service(service) else STACK, found, observation.at)
        for service, found in sorted(claims.items())
    ]


def _finding(service: str, strangers: Sequence[tuple[OtherContainer, ProjectClaim]], at: str) -> Finding:
    """The finding about the strangers that claim one service. A running one stands for all of them."""
    stranger, claim = min(strangers, key=lambda pair: (pair[0].status != "running", pair[0].name))
    others = sorted(other.name for other, _ in strangers if other is not stranger)
    verbs = {"claim": "claim", "are": "are"} if others else {"claim": "claims", "are": "is"}
    proof = [Proof(f"{stranger.name} {field_names.STATUS}", stranger.status, at)]
    if claim.inherited:
        labels = ", ".join(f"{name}={value}" for name, value in sorted(claim.inherited.items()))
        proof.append(Proof(f"{stranger.name} labels that it has from its image {claim.image}", labels, at))
    if claim.missing:
        proof.append(Proof(f"{stranger.name} labels of Compose that it lacks", ", ".join(claim.missing), at))
    return finding(
        "stranger-container",
        service,
        proof=proof,
        container=stranger.name,
        image=claim.image,
        facts={"names": _shown([stranger.name, *others]), "claimed": claim.service, "why": _why(strangers), **verbs},
    )


def _shown(names: Sequence[str]) -> str:
    more = len(names) - MAX_SHOWN_NAMES
    return ", ".join(names[:MAX_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def _why(strangers: Sequence[tuple[OtherContainer, ProjectClaim]]) -> str:
    """The reason; where the strangers differ, each reason with the names that it holds for."""
    names: dict[str, list[str]] = {}
    for stranger, claim in sorted(strangers, key=lambda pair: pair[0].name):
        names.setdefault(_reason(claim), []).append(stranger.name)
    return (
        next(iter(names)) if len(names) == 1 else "; ".join(f"{_shown(found)}: {why}" for why, found in names.items())
    )


def _reason(claim: ProjectClaim) -> str:
    if claim.inherited:
        return f"the labels come from the image {claim.image}"
    return f"the label {claim.missing[0]} is missing" if claim.missing else "Compose did not create it"
