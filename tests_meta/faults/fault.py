"""A fault as data: how to inject it, how to heal it, and the verdict that the suite must reach."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

FAULTS_FILE = Path(__file__).with_name("faults.toml")


@dataclass(frozen=True)
class Fault:
    """One table of `faults.toml`; the head of that file explains each key."""

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


def load_faults() -> dict[str, Fault]:
    """Return every fault by name, in the order of the file."""
    tables = tomllib.loads(FAULTS_FILE.read_text())
    return {name: msgspec.convert({"name": name, **table}, Fault) for name, table in tables.items()}
