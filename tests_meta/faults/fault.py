"""A fault as data, and what a run's verdict has to say to be right about it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).with_name("faults.toml")


@dataclass(frozen=True)
class Fault:
    """One table of `faults.toml`, whose head says what each field means."""

    name: str
    says: str
    verdict: str
    mode: str = "triage"
    override: str | None = None
    up: list[str] | None = None
    inject: list[str] = field(default_factory=list)
    heal: list[str] = field(default_factory=list)
    settings: list[tuple[str, str]] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    only_words: bool = False
    without_override: bool = False
    causes: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    escalate: list[str] | None = None


def faults() -> dict[str, Fault]:
    """Every fault by name."""
    tables = tomllib.loads(FILE.read_text())
    return {name: msgspec.convert({"name": name, **table}, Fault) for name, table in tables.items()}


@dataclass(frozen=True)
class Marked:
    """How right a verdict was."""

    wrong: tuple[str, ...]  # sentences
    missed: tuple[str, ...]  # causes that had to be named
    false: tuple[str, ...]  # causes that had no business there

    @property
    def right(self) -> bool:
        """Whether everything was as it had to be."""
        return not (self.wrong or self.missed or self.false)


def mark(fault: Fault, verdict: Mapping[str, Any]) -> Marked:
    """Holds a verdict.json against the truth."""
    said = [f"{one['service']} {one['code']}" for one in verdict["causes"]]
    blocked = {name for one in verdict["causes"] for name in one["blocks"]}
    warned = {one["code"] for one in verdict["warnings"]}
    wrong: list[str] = []
    if verdict["verdict"] != fault.verdict:
        unseen = "".join(f"; {one['check']}: {one['why']}" for one in verdict["unknown"][:3])
        wrong.append(f"verdict {verdict['verdict']}, wanted {fault.verdict}{unseen}")
    if blocked != set(fault.blocked):
        wrong.append(f"blocked {sorted(blocked)}, wanted {sorted(fault.blocked)}")
    wrong += _unwarned(fault.warnings, warned)
    codes = {one["code"] for one in verdict["causes"]} | warned
    wrong += [f"said {code}, which is not so" for code in fault.never if code in codes]
    if fault.escalate is not None and verdict["escalate"]["reasons"] != fault.escalate:
        wrong.append(f"escalates for {verdict['escalate']['reasons']}, wanted {fault.escalate}")
    wrong += [f"{one['service']} {one['code']}: no proof" for one in verdict["causes"] if not one["evidence"]]
    missed = tuple(one for one in fault.causes if one not in said)
    return Marked(tuple(wrong), missed, tuple(one for one in said if one not in fault.causes))


def _unwarned(wanted: Sequence[str], warned: set[str]) -> list[str]:
    return [f"no warning {code}" for code in wanted if code not in warned]
