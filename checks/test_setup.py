"""The engine answers and the compose files can be used: what every runbook command needs (runbook 2)."""

from __future__ import annotations

from checks.check import AnyTarget, Seen, Settle, check
from checks.targets import HOST, STACK, machine, stack
from fixtures.evidence import Observation
from fixtures.finding import Finding, Proof, finding


@check("engine", runbook=("2.compose-ps", "4.docker-ps"), over=machine, asks=lambda target: ("engine",))
def test_engine(target: AnyTarget, seen: Seen, settle: Settle) -> None:
    """The Docker engine answers."""
    settle(judge_engine(seen["engine"]))


def judge_engine(seen: Observation) -> list[Finding]:
    """`engine-unreachable` with what the client said."""
    if seen.outcome == "seen":
        return []
    proof = Proof("Docker engine", f"{seen.kind}: {seen.text}", seen.at)
    return [finding("engine-unreachable", HOST, proof=[proof], error=seen.text)]


@check("compose-file", runbook=("2.compose-ps",), over=stack, asks=lambda target: ("compose",))
def test_compose_file(target: AnyTarget, seen: Seen, settle: Settle) -> None:
    """The compose files merge into a valid configuration."""
    settle(judge_compose(seen["compose"]))


def judge_compose(seen: Observation) -> list[Finding]:
    """`compose-invalid` with the CLI's own words."""
    if seen.outcome == "seen":
        return []
    return [
        finding("compose-invalid", STACK, proof=[Proof("docker compose config", seen.text, seen.at)], error=seen.text)
    ]
