"""Compares the verdict of a run with the verdict that the fault must get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service_down.tests_meta.faults.fault import Fault


@dataclass(frozen=True)
class Assessment:
    """How a verdict differs from the expected one."""

    mistakes: tuple[str, ...] = ()  # sentences about everything but the list of causes
    missed_causes: tuple[str, ...] = ()  # expected and not named
    false_causes: tuple[str, ...] = ()  # named and not expected

    @property
    def right(self) -> bool:
        """Whether the verdict is as expected."""
        return not self.sentences()

    def sentences(self) -> list[str]:
        """Return a sentence for each difference."""
        missed = [f"cause not named: {cause}" for cause in self.missed_causes]
        return [*missed, *(f"false cause: {cause}" for cause in self.false_causes), *self.mistakes]


def assess(fault: Fault, verdict: Mapping[str, Any]) -> Assessment:
    """Compare the content of a verdict.json with what the fault expects."""
    causes = [f"{cause['service']} {cause['code']}" for cause in verdict["causes"]]
    return Assessment(
        mistakes=tuple(_mistakes(fault, verdict)),
        missed_causes=tuple(cause for cause in fault.causes if cause not in causes),
        false_causes=tuple(cause for cause in causes if cause not in fault.causes),
    )


def _mistakes(fault: Fault, verdict: Mapping[str, Any]) -> list[str]:
    """Return a sentence for everything that is wrong apart from the list of causes."""
    blocked = {service for cause in verdict["causes"] for service in cause["blocks"]}
    warnings = {warning["code"] for warning in verdict["warnings"]}
    codes = {cause["code"] for cause in verdict["causes"]} | warnings
    reasons = verdict["escalate"]["reasons"]
    mistakes = []
    if verdict["verdict"] != fault.verdict:
        unknown = "".join(f"; {entry['check']}: {entry['why']}" for entry in verdict["unknown"][:3])
        mistakes.append(f"verdict {verdict['verdict']}, expected {fault.verdict}{unknown}")
    if blocked != set(fault.blocked):
        mistakes.append(f"blocked services {sorted(blocked)}, expected {sorted(fault.blocked)}")
    mistakes += [f"missing warning {code}" for code in fault.warnings if code not in warnings]
    mistakes += [f"false finding {code}" for code in fault.never if code in codes]
    if fault.escalate is not None and reasons != fault.escalate:
        mistakes.append(f"reasons to escalate {reasons}, expected {fault.escalate}")
    mistakes += [
        f"{cause['service']} {cause['code']}: no evidence" for cause in verdict["causes"] if not cause["evidence"]
    ]
    return mistakes
