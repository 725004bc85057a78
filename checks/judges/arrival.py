"""Whether what the suite sent to a monitoring tool came back; pure."""

from __future__ import annotations

from typing import TypeVar

from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import Observation

T = TypeVar("T")


def judge_arrival(code: str, service: str, observation: Observation[T]) -> list[Finding]:
    """A finding with this code when it did not come back."""
    if observation.value is not None:
        return []
    proof = Proof(f"sent to {observation.error.url or service}", observation.error_text, observation.at)
    return [finding(code, service, proof=[proof], what=observation.text)]
