"""The locks: complete, pinned with hashes, equal in both, with allowed licences, and enough for a run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from service_down.reports.reference.dependencies import (
    DEV_GROUP,
    DEV_LOCK,
    MUTANTS_GROUP,
    MUTANTS_LOCK,
    RUN_LOCK,
    Package,
    licence,
    locked,
)
from service_down.tests_meta.suite_run import ROOT

ALLOWED = {"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "PSF-2.0", "ISC", "MPL-2.0"}
ALLOWED_FOR = {"psycopg": {"LGPL-3.0-only"}, "psycopg-binary": {"LGPL-3.0-only"}}
OPTIONAL = {"apprise"}  # the extra `notify`; without it, a report notes that nothing was sent
RUN_FOLDERS = ("fixtures", "checks", "reports")
RUN_COMMANDS = ("lab.demo", "lab.__main__", "faults.__main__")  # `make demo`, `demo-down`, `drill` and `faults`
LOCKS = [RUN_LOCK, DEV_LOCK, MUTANTS_LOCK]


def project() -> dict[str, list[str]]:
    """The requirements that pyproject.toml names, by dependency group; those of the project itself under ""."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {
        name: [entry for entry in entries if isinstance(entry, str)]
        for name, entries in table["dependency-groups"].items()
    }
    return {"": table["project"]["dependencies"], **groups}


def imports_of(path: Path) -> Iterator[str]:
    """The modules that a module imports when it runs, wherever it does."""
    for node in ast.walk(without_type_checking(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def without_type_checking(module: ast.Module) -> ast.Module:
    guarded = [node for node in module.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return ast.Module([node for node in module.body if node not in guarded], module.type_ignores)


def foreign(path: Path) -> set[str]:
    """The distributions that a module imports."""
    top = {name.split(".")[0] for name in imports_of(path)} - set(sys.stdlib_module_names) - {"service_down"}
    distributions = packages_distributions()
    return {canonicalize_name(distribution) for name in top for distribution in distributions[name]}


def modules_of_commands() -> set[Path]:
    """The modules that a command of RUN_COMMANDS imports, directly or not."""
    found: set[Path] = set()
    waiting = [ROOT / "tests_meta" / f"{name.replace('.', '/')}.py" for name in RUN_COMMANDS]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            names = (name for name in imports_of(path) if name.startswith("service_down.tests_meta."))
            files = (ROOT / f"{name.removeprefix('service_down.').replace('.', '/')}.py" for name in names)
            waiting += [file for file in files if file.exists()]
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes(lock: str) -> None:
    packages = locked(lock).values()
    assert packages
    assert all(package.version and package.hashes for package in packages)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for package in packages for digest in package.hashes)


def test_all_locks_hold_the_same_versions() -> None:
    def pins(packages: dict[str, Package]) -> dict[str, tuple[str, frozenset[str]]]:
        return {name: (package.version, package.hashes) for name, package in packages.items()}

    assert pins(locked(RUN_LOCK)).items() <= pins(locked(DEV_LOCK)).items() <= pins(locked(MUTANTS_LOCK)).items()


def test_the_run_lock_holds_what_a_run_needs_and_nothing_else() -> None:
    run, groups = locked(RUN_LOCK), project()
    direct = {canonicalize_name(Requirement(entry).name) for entry in [*groups[""], *groups["install"]]}
    assert {name for name, package in run.items() if package.groups} == direct
    assert all(set(package.required_by) & set(run) for package in run.values() if not package.groups)
    tools = {canonicalize_name(Requirement(entry).name) for entry in groups[DEV_GROUP]}
    assert tools.isdisjoint(run)


@pytest.mark.parametrize(
    ("group", "lock"), [("", RUN_LOCK), ("install", RUN_LOCK), (DEV_GROUP, DEV_LOCK), (MUTANTS_GROUP, MUTANTS_LOCK)]
)
def test_the_locks_satisfy_the_project(group: str, lock: str) -> None:
    packages = locked(lock)
    for entry in project()[group]:
        requirement = Requirement(entry)
        version = packages[canonicalize_name(requirement.name)].version
        assert requirement.specifier.contains(version), f"{requirement}: run `make lock`"


def test_what_a_locked_package_requires_is_locked() -> None:
    run = locked(RUN_LOCK)
    for name, package in run.items():
        if not package.marker:
            needed = [Requirement(entry) for entry in requires(name) or []]
            missing = [
                entry.name
                for entry in needed
                if not entry.marker or entry.marker.evaluate({"extra": ""})
                if canonicalize_name(entry.name) not in run
            ]
            assert not missing, name


@pytest.mark.parametrize("name", locked(RUN_LOCK))
def test_the_licence_of_a_package_of_a_run_is_allowed(name: str) -> None:
    allowed = ALLOWED | ALLOWED_FOR.get(name, set())
    alternatives = licence(name).split(" OR ")
    assert any(set(alternative.split(" AND ")) <= allowed for alternative in alternatives), licence(name)


def test_a_package_of_every_platform_has_the_licence_of_its_metadata() -> None:
    assert licence("docker") == "Apache-2.0"
    assert licence("jinja2") == "BSD-3-Clause"
    assert licence("psycopg") == "LGPL-3.0-only"


@pytest.mark.parametrize("folder", RUN_FOLDERS)
def test_a_run_imports_only_packages_of_its_lock(folder: str) -> None:
    allowed = {*locked(RUN_LOCK), *OPTIONAL}
    imports = {path: foreign(path) for path in (ROOT / folder).rglob("*.py")}
    assert any(imports.values())
    assert {path: names - allowed for path, names in imports.items() if names - allowed} == {}


def test_demo_and_faults_import_only_packages_of_a_run() -> None:
    modules = modules_of_commands()
    assert ROOT / "tests_meta" / "lab" / "engine.py" in modules
    assert {
        path: foreign(path) - set(locked(RUN_LOCK)) for path in modules if foreign(path) - set(locked(RUN_LOCK))
    } == {}


@pytest.mark.parametrize(
    ("target", "locks"),
    [
        *((target, [RUN_LOCK]) for target in ("setup", "triage", "verify", "runbook", "demo", "drill", "faults")),
        *((target, [RUN_LOCK, DEV_LOCK]) for target in ("test", "lint", "fuzz", "bench", "reference")),
        ("mutants", LOCKS),
    ],
)
def test_a_command_installs_only_what_it_needs(target: str, locks: list[str], tmp_path: Path) -> None:
    command = ["make", "--dry-run", f"VENV={tmp_path / 'venv'}", target]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"--require-hashes -r (\S+)", printed) == locks


def test_nothing_is_executed_to_install_a_package() -> None:
    """Neither a package's own code, nor a module that a variable of the shell names."""
    makefile = (ROOT / "Makefile").read_text()
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    assert len(installs) == 1
    assert "/python -I -m pip install" in installs[0]
    assert "--only-binary :all:" in installs[0]
