"""Each promise of SECURITY.md names tests, and these exist."""

from __future__ import annotations

import ast
import re

import pytest

from service_down.tests_meta.suite_run import ROOT

BEFORE_PROMISES, BEHIND_PROMISES = "These are the promises about it:", "## What it does not promise"
HELD = re.compile(r"\[`(test_\w+)`\]\(([\w/]+\.py)\)")
DOCUMENT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def promises() -> list[str]:
    """The promises with their tests: the items of the lists, except those that only describe."""
    promised = DOCUMENT.partition(BEFORE_PROMISES)[2].partition(BEHIND_PROMISES)[0]
    return [" ".join(item.split()) for item in re.findall(r"^- (.*(?:\n  .*)*)", promised, re.MULTILINE)]


def names_of_tests(path: str) -> set[str]:
    """The names of the tests in a module."""
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}


def test_each_promise_names_the_tests_that_hold_it() -> None:
    without = [promise for promise in promises() if not HELD.search(promise)]
    assert len(promises()) > 30
    assert without == []


@pytest.mark.parametrize(("name", "path"), sorted(set(HELD.findall(DOCUMENT))))
def test_a_named_test_exists(name: str, path: str) -> None:
    assert name in names_of_tests(path)


def test_the_readme_links_to_it() -> None:
    assert "](SECURITY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
