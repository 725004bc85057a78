"""Every regular expression that sees foreign text takes linear time: none holds up the rest of a run."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

import service_down.checks
import service_down.fixtures
import service_down.reports
from service_down.checks.judges.log_evidence import _other_end
from service_down.fixtures.catalog.log_signatures import signatures
from service_down.tests_meta.adversarial import KIB, MIB, PIECES, repeated
from service_down.tests_meta.suite_run import ROOT

NOT_FOREIGN = {
    "service_down.fixtures.secrets",  # the redaction has tests of its own
    "service_down.reports.reference",  # reads this project's own files
    "service_down.fixtures.run.command",  # matches the words of the user's own command line, at their beginning
    "service_down.reports.run_description",
}
FUNCTIONS = {"search", "match", "sub", "findall", "fullmatch", "split", "finditer", "compile"}
WORDS = re.compile(r"[A-Za-z][A-Za-z .:_-]{2,}")
# Size of a text -> largest processor time. Each size is tried only where the smaller ones were quick: cubic time takes
# 1 s at 512 characters, quadratic time 1 s at 16 KiB and an hour at 1 MiB.
MAX_SECONDS = {512: 0.2, 4 * KIB: 0.2, 16 * KIB: 0.3, 128 * KIB: 0.5, MIB: 2.0}
KEPT = (8, 6, 3, 1, 1)  # so many of the slowest pieces of a size are tried with the next one


def modules() -> Iterator[str]:
    for package in (service_down.checks, service_down.fixtures, service_down.reports):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not any(module.name.startswith(name) for name in NOT_FOREIGN):
                yield module.name


def patterns_in(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    """The compiled expressions in a module's constant."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, list | tuple | dict) and depth < 3:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from patterns_in(inner, depth + 1)


def inline_patterns(name: str) -> Iterator[re.Pattern[str]]:
    """The expressions that stand in the calls of a module. Of an f-string, names are taken for its values."""
    path = (ROOT / name.removeprefix("service_down.").replace(".", "/")).with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_text())) if path.exists() else ():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FUNCTIONS):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.args):
            continue
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            yield re.compile(node.args[0].value, re.IGNORECASE if "IGNORECASE" in ast.dump(node) else 0)


def text_patterns(value: Any, depth: int = 0) -> Iterator[re.Pattern[str]]:
    """Texts of a module's table that are expressions, as those of errors are."""
    if isinstance(value, str) and re.search(r"\(\?:|\.\*|\\b", value):
        yield re.compile(value, re.IGNORECASE)
    elif isinstance(value, list | tuple) and depth < 3:
        for inner in value:
            yield from text_patterns(inner, depth + 1)


def expressions() -> dict[str, re.Pattern[Any]]:
    found: dict[str, re.Pattern[Any]] = {f"signature {entry.name}": entry.pattern for entry in signatures()}
    found["other end"] = _other_end("web")
    for name in modules():
        module = importlib.import_module(name)
        constants = [value for key, value in vars(module).items() if not key.startswith("__")]
        for pattern in [*patterns_in(constants), *inline_patterns(name), *text_patterns(constants)]:
            found.setdefault(f"{name.removeprefix('service_down.')}: {pattern.pattern!r:.60}", pattern)
    return found


def own_words(pattern: re.Pattern[Any]) -> list[str]:
    """The words of an expression: repeated, they are beginnings of matches that never end."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    plain = re.sub(r"\\[a-zA-Z]|[()\[\]?*+|^$\\{}<>]", "\n", text)
    return sorted({word.strip() for word in WORDS.findall(plain)})


EXPRESSIONS = expressions()


def test_the_expressions_are_found() -> None:
    assert len(EXPRESSIONS) > 50
    assert any("no pg_hba" in str(pattern.pattern) for pattern in EXPRESSIONS.values())


def seconds_for(pattern: re.Pattern[Any], text: str) -> float:
    """The processor time of replacing every match in a text."""
    began = time.process_time()
    subject: Any = text if isinstance(pattern.pattern, str) else text.encode()
    pattern.sub(lambda match: match[0], subject)
    return time.process_time() - began


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_takes_linear_time(name: str) -> None:
    pattern = EXPRESSIONS[name]
    pieces = [*PIECES, *(f"{word} " for word in own_words(pattern))]
    for (size, seconds), kept in zip(MAX_SECONDS.items(), KEPT, strict=True):
        spent = {piece: seconds_for(pattern, repeated(piece, size)) for piece in pieces}
        pieces = sorted(spent, key=lambda piece: -spent[piece])[:kept]
        assert spent[pieces[0]] < seconds, f"{size} characters of {pieces[0]!r} took {spent[pieces[0]]:.2f} s"
