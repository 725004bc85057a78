"""Runs mutmut on a copy of the checkout. `make mutants` installs what it needs, `requirements-mutants.lock`.

mutmut derives the names of modules from their paths, so the copy is a folder that is named like the package.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from service_down.tests_meta.suite_run import ROOT

PACKAGE = "service_down"
GROUPS = Path(__file__).with_name("groups.toml")
CAUGHT = ("killed", "timeout", "caught by type check")
LEFT = ("survived", "no tests")  # what the next selection of tests may still kill


class Mutant(msgspec.Struct, frozen=True, order=True):
    """A mutant that no test noticed: the function, and the lines that were put in place of others."""

    function: str
    removed: str
    added: str


class Tried(msgspec.Struct, frozen=True):
    """What became of the mutants of one module: how many are in each state, and those that survived."""

    states: Mapping[str, int]
    survivors: Sequence[Mutant]


def group_of(module: str) -> str:
    """Return the folder of `groups.toml` that a module, by its path, is in. Raises LookupError when it is in none."""
    for folder in tomllib.loads(GROUPS.read_text(encoding="utf-8")):
        if Path(module).is_relative_to(folder):
            return folder
    raise LookupError(f"{module}: {GROUPS.name} names no tests for it")


def selections_for(group: str) -> list[list[str]]:
    """Return the selections of tests for the modules of a group."""
    selections: list[list[str]] = tomllib.loads(GROUPS.read_text(encoding="utf-8"))[group]["selections"]
    return selections


def try_mutants(modules: Sequence[str], selections: Sequence[Sequence[str]]) -> dict[str, Tried]:
    """Try every mutant of these modules. Raises CalledProcessError when mutmut or the tests without a mutant fail."""
    states: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        copy = Path(name)
        _copy_checkout(copy / PACKAGE)
        for number, selection in enumerate(selections):
            left = [mutant for mutant, state in states.items() if state in LEFT]
            if number and not left:
                break
            _configure(copy, modules, selection, with_types=not number)
            shutil.rmtree(copy / "mutants", ignore_errors=True)
            mutmut = Path(sys.executable).with_name("mutmut")
            environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
            subprocess.run([mutmut, "run", "--max-children", "1", *left], cwd=copy, env=environment, check=True)
            found = dict(_states(copy, modules))
            states |= {mutant: state for mutant, state in found.items() if not number or mutant in left}
        return {module: _tried(copy, module, states) for module in modules}


def _copy_checkout(folder: Path) -> None:
    """Copy what git knows, and new files that it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    for file in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)


def _configure(copy: Path, modules: Sequence[str], selection: Sequence[str], *, with_types: bool) -> None:
    """Write the settings of mutmut. Mutants that mypy refuses are not tried: `make lint` would not pass."""
    paths = [f"{PACKAGE}/{word}" if word.startswith("tests_meta/") else word for word in selection]
    settings: dict[str, object] = {
        "source_paths": [PACKAGE],
        "only_mutate": [f"{PACKAGE}/{module}" for module in modules],
        "pytest_add_cli_args_test_selection": paths,
        "pytest_add_cli_args": ["-n", "0"],
        "timeout_multiplier": 10.0,
        "timeout_constant": 3.0,
        "use_git_change_detection": False,
        "track_dependencies": False,
        "use_setproctitle": False,
    }
    if with_types:
        mypy = ["mypy", "--strict", "--output", "json", "--disable-error-code", "unused-ignore"]
        mypy += ["--explicit-package-bases", "--namespace-packages", "--ignore-missing-imports"]
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        settings["type_check_command"] = [*mypy, *(f"{PACKAGE}/{module}" for module in modules)]
    lines = (f"{key} = {msgspec.json.encode(value).decode()}" for key, value in settings.items())
    (copy / "pyproject.toml").write_text("\n".join(["[tool.mutmut]", *lines, ""]), encoding="utf-8")


def _states(copy: Path, modules: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the state of every mutant of these modules, in mutmut's words."""
    from mutmut.stats import status_by_exit_code

    for module in modules:
        meta = copy / "mutants" / PACKAGE / f"{module}.meta"
        if meta.is_file():  # a module without functions has no mutants
            codes = msgspec.json.decode(meta.read_bytes())["exit_code_by_key"]
            yield from ((name, status_by_exit_code[code]) for name, code in codes.items())


def _tried(copy: Path, module: str, states: Mapping[str, str]) -> Tried:
    prefix = ".".join((PACKAGE, *Path(module).with_suffix("").parts)) + "."
    own = {name: state for name, state in states.items() if name.startswith(prefix)}
    counted = {state: list(own.values()).count(state) for state in sorted(set(own.values()))}
    survivors = [_mutant(copy, module, name, prefix) for name, state in own.items() if state not in CAUGHT]
    return Tried(counted, sorted(survivors))


def _mutant(copy: Path, module: str, name: str, prefix: str) -> Mutant:
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    with contextlib.chdir(copy):
        lines = get_diff_for_mutant(name, path=f"{PACKAGE}/{module}").splitlines()[2:]
    removed, added = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    function = name.removeprefix(prefix).partition("__mutmut_")[0]
    return Mutant(function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", "."), removed, added)
