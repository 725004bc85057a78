"""The judge of containers that claim to be of the stack."""

from __future__ import annotations

import pytest

from service_down.checks.test_strangers import judge_strangers
from service_down.fixtures.catalog.finding import catalogue
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.stack.containers import EngineState, OtherContainer, ProjectClaim
from service_down.fixtures.stack.model import Model, Service

LABEL = "com.docker.compose."
MODEL = Model((Service("redis"),), "compose")
AT = "2026-11-24T07:35:28Z"
IN_IMAGE = {LABEL + "service": "redis", LABEL + "project": "shop"}
OTHER = OtherContainer("blog", "blog-db-1", "blog", "running")


def stranger(name: str, service: str = "redis", status: str = "running", **claim: object) -> OtherContainer:
    fields = {"inherited": IN_IMAGE, **claim}
    return OtherContainer(name, name, "shop", status, claim=ProjectClaim(service, "evil:1", **fields))  # type: ignore[arg-type]  # the fields of ProjectClaim


def observation(*others: OtherContainer) -> Observation[EngineState]:
    return Observation("engine", "seen", EngineState("shop", 0.0, others=others), at=AT)


def test_a_stranger_is_named_with_what_proves_that_it_is_one() -> None:
    (found,) = judge_strangers(observation(OTHER, stranger("fake", missing=(LABEL + "config-hash",))), MODEL)
    assert (found.code, found.service, found.severity) == ("stranger-container", "redis", "warning")
    assert found.summary == (
        "fake claims to be redis of this project, and is not: the labels come from the image evil:1."
        " Not judged, and sent no credentials"
    )
    assert [(proof.what, proof.value, proof.at) for proof in found.proof] == [
        ("fake State.Status", "running", AT),
        (
            "fake labels that it has from its image evil:1",
            "com.docker.compose.project=shop, com.docker.compose.service=redis",
            AT,
        ),
        ("fake labels of Compose that it lacks", "com.docker.compose.config-hash", AT),
    ]


def test_a_stranger_with_labels_of_its_own_lacks_some() -> None:
    (found,) = judge_strangers(observation(stranger("fake", inherited={}, missing=(LABEL + "config-hash",))), MODEL)
    assert "the label com.docker.compose.config-hash is missing" in found.summary


def test_strangers_that_differ_have_their_own_reasons() -> None:
    bare = stranger("bare", inherited={}, missing=(LABEL + "config-hash",))
    (found,) = judge_strangers(observation(stranger("a"), stranger("b"), bare), MODEL)
    assert found.summary.startswith(
        "a, b, bare claim to be redis of this project, and are not: a, b: the labels come from the image evil:1;"
        " bare: the label com.docker.compose.config-hash is missing."
    )


def test_strangers_of_one_service_are_one_finding_about_a_running_one() -> None:
    ended = [stranger(f"a{number}", status="exited") for number in range(4)]
    (found,) = judge_strangers(observation(*ended, stranger("fake")), MODEL)
    assert found.summary.startswith("fake, a0, a1 and 2 more claim ")
    assert found.facts["container"] == "fake"


def test_a_stranger_of_a_service_that_the_stack_lacks_is_the_stacks() -> None:
    (found,) = judge_strangers(observation(stranger("fake", "backdoor")), MODEL)
    assert (found.service, "backdoor" in found.summary) == ("stack", True)


def test_without_strangers_there_is_no_finding_and_without_an_engine_no_judgement() -> None:
    assert judge_strangers(observation(OTHER), MODEL) == []
    with pytest.raises(pytest.skip.Exception):
        judge_strangers(Observation("engine", "error", kind="refused"), MODEL)


def test_the_commands_inspect_and_never_change() -> None:
    code = catalogue()["stranger-container"]
    assert code.next
    assert all(command.startswith(("docker inspect ", "docker image inspect ", "docker top ")) for command in code.next)
    assert code.caution
