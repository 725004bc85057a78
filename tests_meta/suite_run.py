"""Runs the suite in a separate process, as a user does, and gives access to its output and report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service_down.tests_meta.lab.stack import ReferenceStack

ROOT = Path(__file__).resolve().parents[1]
PYTEST = str(Path(sys.executable).with_name("pytest"))  # the command that users type
NO_ENGINE = "unix:///nonexistent/docker.sock"  # a DOCKER_HOST at which no engine answers
COMMAND = """
import sys
sys.path.insert(0, {folder!r})
sys.argv[0] = "pytest"
from service_down.fixtures.run.command import main
main()
"""


@dataclass(frozen=True)
class SuiteRun:
    """A finished run of the suite: its exit code, its terminal output and its report folder."""

    code: int
    out: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        """The content of verdict.json. Raises FileNotFoundError when the run wrote none."""
        verdict: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text())
        return verdict

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Service and code of each cause."""
        return [(cause["service"], cause["code"]) for cause in self.verdict["causes"]]


def run_suite(
    *options: str,
    reports: Path,
    env: dict[str, str] | None = None,
    timeout_seconds: float = 120,
    umask: int = -1,
    modules: Path | None = None,
    isolated: bool = True,
    limits: str = "",
) -> SuiteRun:
    """Run pytest on the checks. `env` is added to the environment; an empty value removes the variable.

    `modules` is a folder with modules for `-p`: the command itself ignores PYTHONPATH. Not `isolated`: Python
    starts with the variables of the shell. `limits` are commands of the
    shell that starts it, such as `ulimit -n 64`.
    """
    command = (
        [PYTEST]
        if modules is None
        else [sys.executable, *(["-IXutf8"] if isolated else []), "-c", COMMAND.format(folder=str(modules))]
    )
    command = ["bash", "-c", f'{limits} && exec "$@"', "bash", *command] if limits else command
    merged = {**os.environ, **(env or {})}
    done = subprocess.run(
        [*command, *options, f"--report-dir={reports}"],
        cwd=ROOT,
        env={name: value for name, value in merged.items() if value and not name.startswith("PYTEST_XDIST")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_seconds,
        umask=umask,
        check=False,
    )
    return SuiteRun(done.returncode, done.stdout, reports / "latest")


@dataclass(frozen=True)
class LiveSuite:
    """Runs the suite against one copy of the reference stack."""

    stack: ReferenceStack
    reports: Path

    def triage(self, *options: str, **env: str) -> SuiteRun:
        """Run `pytest -m triage` against the stack."""
        return self._run("triage", options, env)

    def verify(self, *options: str, **env: str) -> SuiteRun:
        """Run `pytest -m verify` against the stack."""
        return self._run("verify", options, env)

    def _run(self, mode: str, options: tuple[str, ...], env: dict[str, str]) -> SuiteRun:
        settings = f"--stack={self.stack.settings_file}"
        return run_suite("-m", mode, settings, *options, reports=self.reports, env={**self.stack.environment(), **env})
