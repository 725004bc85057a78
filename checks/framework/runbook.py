"""The runbook's steps and the checks that automate them, from the same data the checks use: `make runbook`."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from service_down.checks.framework.check import Check


@dataclass(frozen=True)
class Step:
    """One command or checkbox; `manual` says why no check does it, `by` what else answers it."""

    key: str
    text: str
    manual: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Section:
    """A numbered section of the runbook."""

    number: str
    title: str
    steps: tuple[Step, ...]


def sections() -> tuple[Section, ...]:
    """The runbook, from `runbook.toml`."""
    with files("service_down.checks.framework").joinpath("runbook.toml").open("rb") as file:
        tables = tomllib.load(file)
    return tuple(
        Section(
            number, table["title"], tuple(Step(f"{number}.{name}", **step) for name, step in table["steps"].items())
        )
        for number, table in tables.items()
    )


def all_checks() -> tuple[Check, ...]:
    """Every check of this folder, in the order of the files."""
    return tuple(check for check, _ in all_tests())


def all_tests() -> tuple[tuple[Check, Callable[..., None]], ...]:
    """Every check of this folder with its test."""
    found: dict[str, tuple[Check, Callable[..., None]]] = {}
    for path in sorted(Path(__file__).parent.parent.glob("test_*.py")):
        module = importlib.import_module(f"service_down.checks.{path.stem}")
        for name, function in vars(module).items():
            for mark in getattr(function, "pytestmark", ()) if name.startswith("test_") else ():
                if mark.name == "check":
                    found[mark.args[0].id] = (mark.args[0], function)
    return tuple(found.values())


def problems(runbook: Iterable[Section], checks: Iterable[Check]) -> list[str]:
    """Steps that nothing answers, and checks that name a step the runbook lacks."""
    automated = _automated(checks)
    known = {step.key for section in runbook for step in section.steps}
    bare = [
        f"{step.key} ({step.text}): neither a check nor a reason why it is manual"
        for section in runbook
        for step in section.steps
        if step.key not in automated and not step.manual and not step.by
    ]
    strange = [
        f"{key}: the runbook has no such step, but {', '.join(names)} name it"
        for key, names in automated.items()
        if key not in known
    ]
    silent = [f"check {check.id}: names no step of the runbook" for check in checks if not check.runbook]
    return bare + strange + silent


def _automated(checks: Iterable[Check]) -> Mapping[str, list[str]]:
    automated: dict[str, list[str]] = {}
    for check in checks:
        for key in check.runbook:
            automated.setdefault(key, []).append(f"{check.id} ({'+'.join(check.modes)})")
    return automated


def main() -> int:
    """Prints the runbook; 1 when it has holes."""
    runbook, checks = sections(), all_checks()
    automated = _automated(checks)
    for section in runbook:
        print(f"\n{section.number}. {section.title}")
        for step in section.steps:
            print(f"   {step.text}")
            if step.key in automated:
                print(f"      -> {', '.join(automated[step.key])}")
            if step.by:
                print(f"      -> {step.by}")
            if step.manual:
                print(f"      -> manual: {step.manual}")
    found = problems(runbook, checks)
    for problem in found:
        print(f"HOLE {problem}", file=sys.stderr)
    print(f"\n{sum(len(section.steps) for section in runbook)} steps, {len(checks)} checks, {len(found)} holes")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
