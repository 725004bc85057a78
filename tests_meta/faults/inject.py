"""Injects a fault into the reference stack, runs the suite against it, and heals the stack."""

from __future__ import annotations

import os
import string
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service_down.tests_meta.faults.fault import Fault
from service_down.tests_meta.lab.commands import LabError
from service_down.tests_meta.lab.stack import STACK_FOLDER, ReferenceStack
from service_down.tests_meta.suite_run import NO_ENGINE, ROOT, SuiteRun, run_suite

PRELUDE = Path(__file__).with_name("prelude.sh")
SHELL_TIMEOUT_SECONDS = 120
TLS_PORT = 8443
MAX_ERROR_CHARACTERS = 800
KILL_SPAWNED = '[ ! -f "$STATE/pids" ] || { xargs -r kill <"$STATE/pids" || true; rm "$STATE/pids"; }'


@dataclass(frozen=True)
class FaultInjector:
    """Injects faults into one copy of the reference stack."""

    stack: ReferenceStack

    @property
    def override_file(self) -> Path:
        """The compose file with the fault's override."""
        return self.stack.state_folder / "override.yaml"

    def environment(self) -> dict[str, str]:
        """Return the variables of the shell lines and of the suite."""
        return {
            **os.environ,
            **self.stack.environment(),
            "STATE": str(self.stack.state_folder),
            "TLS_PORT": str(TLS_PORT + self.stack.port_offset),
        }

    def compose_files(self, *, with_override: bool = True) -> list[Path]:
        """Return the stack's compose files, and the override where there is one."""
        files = [STACK_FOLDER / "compose.yaml", STACK_FOLDER / f"compose.{self.stack.image_kind}.yaml"]
        return files + ([self.override_file] if with_override and self.override_file.exists() else [])

    def run_shell(self, lines: Sequence[str]) -> None:
        """Run shell lines one after another, each after prelude.sh. Raises LabError when a line fails."""
        compose_options = " ".join(f"-f {path}" for path in self.compose_files())
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # so that `python3` can import the suite
        env = {**self.environment(), "PATH": path, "P": self.stack.project, "FILES": compose_options}
        for line in lines:
            done = subprocess.run(
                ["bash", "-c", f". {PRELUDE}\n{line}"],
                env=env,
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=SHELL_TIMEOUT_SECONDS,
                check=False,
            )
            if done.returncode:
                raise LabError(f"`{line}` failed with {done.returncode}: {(done.stderr or done.stdout)[-400:]}")

    def inject(self, fault: Fault) -> None:
        """Put the stack into the fault. Raises LabError."""
        if fault.override:
            self.override_file.write_text(fault.override + "\n")
            if fault.up is None:
                services = f"comm -12 - <({_list_override_services()})"
                self.run_shell([f"compose up -d $(compose config --services | sort | {services})"])
            elif fault.up:
                self.run_shell([f"compose up -d {' '.join(fault.up)} || true"])
        self.run_shell(fault.inject)

    def heal(self, fault: Fault) -> None:
        """Remove the fault, and wait until the stack is healthy. Raises LabError."""
        try:
            self.run_shell(fault.heal)
        finally:
            self.run_shell([KILL_SPAWNED])
            self.override_file.unlink(missing_ok=True)
            self.stack.up()

    def run_suite(self, fault: Fault, reports: Path) -> tuple[SuiteRun, float]:
        """Run the suite as the fault describes. Return the run and its seconds. Raises LabError without a verdict."""
        env = self.environment()
        env |= {name: string.Template(value).safe_substitute(env) for name, value in fault.env.items()}
        options = [string.Template(option).safe_substitute(env) for option in fault.words]
        if not fault.only_words:
            files = self.compose_files(with_override=not fault.without_override)
            options += [f"--compose-file={path}" for path in files]
        settings = f"--stack={self._write_settings(fault)}"
        began = time.monotonic()
        run = run_suite("-m", fault.mode, settings, *options, reports=reports, env=env)
        seconds = time.monotonic() - began
        if not (run.folder / "verdict.json").exists():
            raise LabError(f"no verdict, exit status {run.code}: {run.out[-MAX_ERROR_CHARACTERS:]}")
        return run, seconds

    def _write_settings(self, fault: Fault) -> Path:
        """Write the reference stack's settings with the fault's replacements; return the file."""
        text = self.stack.settings_file.read_text()
        for old, new in fault.settings:
            if old not in text:
                raise LabError(f"{fault.name}: stack.toml does not hold {old!r}")
            text = text.replace(old, new.replace("${TLS_PORT}", self.environment()["TLS_PORT"]))
        path = self.stack.state_folder / "stack.toml"
        path.write_text(text)
        return path


def replay_verdict(run_folder: Path, reports: Path) -> dict[str, Any]:
    """Replay a recorded run without an engine. Return its verdict. Raises LabError without a verdict."""
    run = run_suite(f"--replay={run_folder.resolve()}", reports=reports, env={"DOCKER_HOST": NO_ENGINE})
    if not (run.folder / "verdict.json").exists():
        raise LabError(f"no verdict of the replay: {run.out[-MAX_ERROR_CHARACTERS:]}")
    return run.verdict


def _list_override_services() -> str:
    """Return a shell command that prints the names of the override's services, sorted."""
    script = "import sys, json; print('\\n'.join(sorted(json.load(sys.stdin)['services'])))"
    convert = "docker compose -f /dev/stdin config --no-interpolate --no-normalize --no-consistency --format json"
    return f'{convert} <"$STATE/override.yaml" | {sys.executable} -c "{script}"'
