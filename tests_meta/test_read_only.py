"""A run only reads: the processes that it starts, its commands, its HTTP methods, and where it opens connections."""

from __future__ import annotations

import ast
import contextlib
import re
import shlex
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service_down.checks.framework.check import VERIFY_ONLY
from service_down.checks.framework.runbook import all_tests
from service_down.fixtures.clients import machine
from service_down.fixtures.evidence.observation import CannotCheck, ProbeError
from service_down.fixtures.probes import backup, cleanup, host, ports
from service_down.fixtures.probes.compose import ask_compose, ask_hashes
from service_down.fixtures.probes.context import ProbeContext
from service_down.fixtures.probes.registry import subjects
from service_down.fixtures.secrets.redact import Redactor
from service_down.fixtures.settings.schema import Settings
from service_down.tests_meta.single_probe import FakeEngine, probe_context
from service_down.tests_meta.suite_run import ROOT

PROCESSES = re.compile(r"subprocess|pty|os\.(?:system|popen|fork\w*|exec[lv]\w*|spawn\w+|posix_spawn\w*)")
STARTS_ITSELF = {  # the command becomes itself, without Python's variables, and runs in a second process
    "fixtures/run/environment.py",
    "fixtures/run/supervisor.py",
}
CONNECTIONS = {
    "socket",
    "http",
    "urllib.request",
    "httpx",
    "requests",
    "docker",
    "psycopg",
    "pymysql",
    "redis",
    "testinfra",
}
MAY_CONNECT = re.compile(r"fixtures/(?:clients|engines/docker|probes)/\w+\.py")
READING = {  # commands that change nothing with the options that they have here
    "cat", "date", "df", "dirname", "echo", "find", "getconf", "gzip -t", "head", "ls", "ss", "tar -tf", "tar -tzf",
    "test", "[", "true",
}  # fmt: skip
BETWEEN_COMMANDS = re.compile(r"&&|\|\||[;|)]|\$\(|\b(?:while|do|done)\b")
ASSIGNMENT = re.compile(r"^\w+=\S*\s*")
WRITING = re.compile(r"\s-(?:delete|exec|execdir|ok|okdir|fls|fprint\w*)\b|--to-command|>>|>\s*(?!\s*/dev/null)")
FAKE_DOCKER = "#!/bin/sh\necho \"$@\" >> {log}\necho '{{}}'\n"


def modules() -> Iterator[tuple[str, ast.Module]]:
    """The modules of a run, by their path in the project."""
    for folder in ("fixtures", "checks", "reports"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def used_names(module: ast.Module) -> Iterator[str]:
    """What a module imports, with the names above it, and the attributes of modules that it uses."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (node.module, node.module.partition(".")[0])
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def test_one_module_starts_processes() -> None:
    found = {path for path, module in modules() if any(map(PROCESSES.fullmatch, used_names(module)))} - STARTS_ITSELF
    assert found == {"fixtures/clients/process.py"}


def test_only_probes_and_their_clients_open_connections() -> None:
    found = {path for path, module in modules() if CONNECTIONS.intersection(used_names(module))}
    assert "fixtures/clients/http.py" in found
    assert {path for path in found if not MAY_CONNECT.fullmatch(path)} == set()


def test_compose_only_prints_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, compose_file = tmp_path / "log", tmp_path / "compose.yaml"
    (tmp_path / "docker").write_text(FAKE_DOCKER.format(log=log))
    (tmp_path / "docker").chmod(0o755)
    compose_file.write_text("services: {}\n")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    context = ProbeContext(
        Settings(), environ, Redactor(b"salt"), "run", "triage", tmp_path, project="shop", compose_files=(compose_file,)
    )
    ask_compose(context)
    ask_hashes(context)
    started = log.read_text().splitlines()
    options = f"compose -f {compose_file} -p shop "
    assert started == [f"{options}config --format json", f"{options}config --hash *", "compose version --short"]


def test_commands_on_the_machine_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = commands_of_all_probes(tmp_path, monkeypatch)
    commands = [ASSIGNMENT.sub("", part.strip()) for line in lines for part in BETWEEN_COMMANDS.split(line)]
    commands = [command for command in commands if command and not ASSIGNMENT.fullmatch(command)]
    assert len(lines) >= 12
    assert {command for command in commands if not any(command.startswith(name) for name in READING)} == set()
    assert [line for line in lines if WRITING.search(line)] == []


def commands_of_all_probes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run every probe of the machine. Return the shell lines that it ran."""
    lines: list[str] = []
    run_local = machine._run_local

    def spy(backend: Any, environ: Any, seconds: float, command: str, *arguments: str) -> Any:
        lines.append(shlex.split(backend.quote(command, *arguments))[-1])
        return run_local(backend, environ, seconds, command, *arguments)

    monkeypatch.setattr(machine, "_run_local", spy)
    context, answers = probe_context(PATH="/usr/sbin:/usr/bin:/sbin:/bin"), FakeEngine({})
    for ending in (*backup.READ_WHOLE, ".dump"):
        (folder / ending).mkdir()
        with tarfile.open(folder / ending / f"backup{ending}", "w:gz" if ending != ".tar" else "w"):
            pass
    missing, endings = folder / "missing" / "deep", (*backup.READ_WHOLE, ".dump")
    asks: list[Callable[[], object]] = [
        *(partial(ask, context, answers) for ask in (host.ask_memory, host.ask_load, ports.ask_sockets)),
        *(partial(host.ask_disk, context, str(path)) for path in (folder, missing)),
        partial(cleanup.ask_leftovers, context, answers),
        partial(backup.ask_directory, context, str(folder), answers),
        partial(backup.ask_directory, context, str(missing), answers),
        *(partial(backup.ask_backup, context, str(folder / end), f"*{end}", answers) for end in endings),
    ]
    for ask in asks:
        with contextlib.suppress(CannotCheck, ProbeError):
            ask()
    return lines


OWN_QUESTIONS = "fixtures/own_checks/questions.py"  # a method of the user's own: test_own_http.py holds it


def test_what_is_sent_by_other_methods_than_get_is_sent_by_verify_only() -> None:
    sending = {
        path
        for path, module in modules()
        if path != OWN_QUESTIONS
        for method in http_methods(module)
        if method not in ("GET", "HEAD")
    }
    assert sending == {f"fixtures/probes/{name}.py" for name in ("login", "loki", "tempo")}
    modes = {check.modes for check, test in all_tests() for name in check_modules(sending) if test.__module__ == name}
    assert modes == {VERIFY_ONLY}


def http_methods(module: ast.Module) -> Iterator[str]:
    """The methods of the HTTP requests that a module sends."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "fetch":
            assert isinstance(node.args[0], ast.Constant), "the method is no constant, so this test cannot see it"
            yield str(node.args[0].value)


def check_modules(probe_paths: set[str]) -> set[str]:
    """The modules of the checks whose probes are in these modules."""
    names = {Path(path).stem for path in probe_paths}
    found = {name for subject in subjects() if subject.name in names for name in subject.checks}
    assert len(found) >= len(names)
    return found
