"""What the design promises of the code: import directions, complete vocabularies, no hole in the runbook."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from service_down.checks.framework.runbook import all_checks, problems, sections
from service_down.fixtures.catalog.finding import catalogue
from service_down.fixtures.catalog.log_signatures import Signature, signature_of, signatures
from service_down.fixtures.catalog.templates import fill
from service_down.tests_meta.suite_run import ROOT

FORBIDDEN = {
    "fixtures": ("checks", "reports", "tests_meta"),
    "checks": ("reports", "tests_meta"),
    "reports": ("checks", "tests_meta"),
}
ENGINE_KEYS = {
    "State", "Config", "HostConfig", "NetworkSettings", "RestartCount", "Labels", "Names", "StartedAt", "FinishedAt",
    "ExitCode", "OOMKilled", "FailingStreak", "IPAddress", "EndpointID", "PortBindings", "NetworkMode",
}  # fmt: skip
LIVE = ("docker", "httpx", "psycopg", "pymysql", "redis", "testinfra", "requests", "socket", "subprocess")


def modules(folder: str) -> list[Path]:
    """Every module of a folder."""
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The packages that a module imports, wherever it does; for the suite's own modules the name of the folder."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        else:
            continue
        yield from (name.removeprefix("service_down.").split(".")[0] for name in names)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_run_one_way(folder: str) -> None:
    assert "fixtures" in {name for path in modules(folder) for name in imported(path)}, "no import was found"
    wrong = [f"{path}: {name}" for path in modules(folder) for name in imported(path) if name in FORBIDDEN[folder]]
    assert not wrong


def test_checks_and_reports_never_contact_the_live_stack() -> None:
    wrong = [
        f"{path}: {name}"
        for folder in ("checks", "reports")
        for path in modules(folder)
        for name in imported(path)
        if name in LIVE
    ]
    assert not wrong


def test_the_engines_keys_stand_in_its_adapter_only() -> None:
    adapter = ROOT / "fixtures" / "engines"
    wrong = [
        f"{path}: {node.value}"
        for folder in ("fixtures", "checks", "reports")
        for path in modules(folder)
        if not path.is_relative_to(adapter)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in ENGINE_KEYS
    ]
    assert not wrong


def test_every_package_is_listed_for_installation() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {path.parent for folder in ("checks", "fixtures", "reports") for path in modules(folder)}
    packages = {".".join(("service_down", *folder.relative_to(ROOT).parts)) for folder in folders}
    assert listed - {"service_down.tests_meta"} == packages


def test_the_root_conftest_holds_no_logic() -> None:
    body = ast.parse((ROOT / "conftest.py").read_text()).body
    assert [type(node).__name__ for node in body] == ["Expr", "Assign"]


def test_every_code_has_texts_that_can_be_filled() -> None:
    for code in catalogue().values():
        assert fill(code.summary, {"service": "web"}).strip(), code.name
        for command in code.next:
            filled = fill(command, {"compose": "docker compose", "service": "web", "container": "web-1"})
            assert "{service}" not in filled
            assert "{compose}" not in filled
        assert re.match(r"\d+\. ", code.runbook), f"{code.name}: its runbook section has no number"


def codes_named_in(folder: str) -> set[str]:
    """The finding codes that stand as string constants in the modules of a folder."""
    return {
        node.value
        for path in modules(folder)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in catalogue()
    }


def test_every_code_is_concluded_by_a_check() -> None:
    assert set(catalogue()) - codes_named_in("checks") == set()


def test_the_reports_name_no_code() -> None:
    assert codes_named_in("reports") == set(), "what a code means for the diagnosis stands in the catalogue"


def test_the_rules_name_codes_of_the_catalogue() -> None:
    raising = {code for entry in catalogue().values() if entry.raised_by for code in entry.raised_by.codes}
    assert raising - set(catalogue()) == set()


def test_the_runbook_has_no_hole() -> None:
    assert problems(sections(), all_checks()) == []


def test_a_hole_in_the_runbook_is_found() -> None:
    without = [check for check in all_checks() if check.id != "host-memory"]
    assert any("2.free" in problem for problem in problems(sections(), without))


@pytest.mark.parametrize("signature", signatures(), ids=lambda signature: signature.name)
def test_each_signature_matches_its_sample(signature: Signature) -> None:
    assert signature_of(signature.sample) == signature.name


def test_an_innocent_line_has_no_signature() -> None:
    assert signature_of("2026-11-23T20:41:07Z INFO api-gateway alive, 0 errors") is None


def test_threads_are_started_in_one_place() -> None:
    """`threading.Thread.start` waits for ever for a thread that finds no memory."""
    texts = {path: path.read_text() for folder in ("fixtures", "checks", "reports") for path in modules(folder)}
    assert [str(path) for path, text in texts.items() if re.search(r"threading\.(?:Thread|Timer)\(", text)] == []
    assert [path.name for path, text in texts.items() if "start_new_thread(" in text] == ["threads.py"]
