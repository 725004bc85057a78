"""The runbook's steps, and the checks that automate them. `make runbook` prints both."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from service_down.checks.framework.check import Check, CheckFunction
from service_down.fixtures.probes.registry import subjects


@dataclass(frozen=True)
class Step:
    """A command or a checkbox. `manual` is the reason why no check does it, `by` what answers it instead of a check."""

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
    """Every check, in the order of its module's name."""
    return tuple(check for check, _ in all_tests())


def all_tests() -> tuple[tuple[Check, CheckFunction[object]], ...]:
    """Every check of the registered subjects with its test, in the order of its module's name."""
    found: dict[str, tuple[Check, CheckFunction[object]]] = {}
    for module in sorted(module for subject in subjects() for module in subject.checks):
        for name, function in vars(importlib.import_module(module)).items():
            for mark in getattr(function, "pytestmark", ()) if name.startswith("test_") else ():
                if mark.name == "check":
                    found[mark.args[0].id] = (mark.args[0], function)
    return tuple(found.values())


def problems(runbook: Iterable[Section], checks: Iterable[Check]) -> list[str]:
    """Steps that nothing answers, checks that name a step the runbook lacks, and checks that name no step."""
    automated = _automated(checks)
    known = {step.key for section in runbook for step in section.steps}
    unanswered = [
        f"{step.key} ({step.text}): neither a check nor a reason why it is manual"
        for section in runbook
        for step in section.steps
        if step.key not in automated and not step.manual and not step.by
    ]
    unknown = [
        f"{key}: the runbook has no such step, but {', '.join(names)} name it"
        for key, names in automated.items()
        if key not in known
    ]
    without_step = [f"check {check.id}: names no step of the runbook" for check in checks if not check.runbook]
    return unanswered + unknown + without_step


def _automated(checks: Iterable[Check]) -> Mapping[str, list[str]]:
    """The checks that automate each step, by the step's key."""
    automated: dict[str, list[str]] = {}
    for check in checks:
        for key in check.runbook:
            automated.setdefault(key, []).append(f"{check.id} ({'+'.join(check.modes)})")
    return automated


def main() -> int:
    """Prints the runbook. Returns 1 when it has problems, else 0."""
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
