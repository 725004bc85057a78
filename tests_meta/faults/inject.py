"""Gives a fault to the reference stack, runs the suite on it, and heals it."""

from __future__ import annotations

import json
import os
import string
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service_down.tests_meta.faults.case import Fault
from service_down.tests_meta.lab.commands import LabError
from service_down.tests_meta.lab.stack import FOLDER, ReferenceStack

ROOT = Path(__file__).resolve().parents[2]
PRELUDE = Path(__file__).with_name("prelude.sh")
SECONDS = 120
TLS_PORT = 8443


@dataclass(frozen=True)
class Patient:
    """A copy of the reference stack that faults are given to."""

    stack: ReferenceStack

    @property
    def override(self) -> Path:
        """The file that a fault lays over the stack's own."""
        return self.stack.state / "override.yaml"

    def environment(self) -> dict[str, str]:
        """The variables of shell lines and of the suite."""
        tls = str(TLS_PORT + self.stack.offset)
        return {**os.environ, **self.stack.environment(), "STATE": str(self.stack.state), "TLS_PORT": tls}

    def files(self, with_override: bool) -> list[Path]:
        """The compose files in force."""
        own = [FOLDER / "compose.yaml", FOLDER / f"compose.{self.stack.kind}.yaml"]
        return own + ([self.override] if with_override and self.override.exists() else [])

    def shell(self, lines: Sequence[str]) -> None:
        """Runs shell lines one after another. Raises LabError with what the failing one said."""
        words = " ".join(f"-f {path}" for path in self.files(True))
        env = {**self.environment(), "P": self.stack.project, "FILES": words}
        for line in lines:
            script = f". {PRELUDE}\n{line}"
            done = subprocess.run(
                ["bash", "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
            )
            if done.returncode:
                raise LabError(f"`{line}` failed with {done.returncode}: {(done.stderr or done.stdout)[-400:]}")

    def inject(self, fault: Fault) -> None:
        """Gives the fault."""
        if fault.override:
            self.override.write_text(fault.override + "\n")
            if fault.up is None:
                self.shell(
                    ["compose up -d $(compose config --services | sort | comm -12 - <(" + _services(fault) + "))"]
                )
            elif fault.up:
                self.shell([f"compose up -d {' '.join(fault.up)} || true"])
        self.shell(fault.inject)

    def heal(self, fault: Fault) -> None:
        """Takes the fault away, and waits until the stack is as it was."""
        try:
            self.shell(fault.heal)
        finally:
            self.shell(['[ ! -f "$STATE/pids" ] || { xargs -r kill <"$STATE/pids" || true; rm "$STATE/pids"; }'])
            self.override.unlink(missing_ok=True)
            self.stack.up()

    def ask(self, fault: Fault, reports: Path) -> tuple[dict[str, Any], str, float]:
        """The verdict of the suite, its output, and the seconds it took."""
        env = self.environment()
        env |= {name: string.Template(value).safe_substitute(env) for name, value in fault.env.items()}
        words = [string.Template(word).safe_substitute(env) for word in fault.words]
        if not fault.only_words:
            words += [f"--compose-file={path}" for path in self.files(not fault.without_override)]
        command = [sys.executable, "-m", "pytest", "-m", fault.mode, f"--stack={self._settings(fault)}"]
        began = time.monotonic()
        done = subprocess.run(
            [*command, f"--report-dir={reports}", *words],
            cwd=ROOT,
            env={name: value for name, value in env.items() if value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        seconds = time.monotonic() - began
        file = reports / "latest" / "verdict.json"
        if not file.exists():
            raise LabError(f"no verdict: {done.stdout[-800:]}")
        return json.loads(file.read_text()), done.stdout, seconds

    def _settings(self, fault: Fault) -> Path:
        text = self.stack.settings.read_text()
        for old, new in fault.settings:
            if old not in text:
                raise LabError(f"{fault.name}: stack.toml does not hold {old!r}")
            text = text.replace(old, new.replace("${TLS_PORT}", self.environment()["TLS_PORT"]))
        path = self.stack.state / "stack.toml"
        path.write_text(text)
        return path


def replayed(run: Path, reports: Path) -> dict[str, Any]:
    """The verdict of a run's recording, judged again by the suite itself with no engine to ask."""
    command = [sys.executable, "-m", "pytest", f"--replay={run.resolve()}", f"--report-dir={reports}"]
    env = {**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
    file = reports / "latest" / "verdict.json"
    if not file.exists():
        raise LabError(f"no verdict of the replay: {(done.stderr or done.stdout)[-800:]}")
    verdict: dict[str, Any] = json.loads(file.read_text())
    return verdict


def _services(fault: Fault) -> str:
    """Shell words that list the override's services, sorted."""
    script = "import sys, json; print('\\n'.join(sorted(json.load(sys.stdin)['services'])))"
    convert = "docker compose -f /dev/stdin config --no-interpolate --no-normalize --no-consistency --format json"
    return f'{convert} <"$STATE/override.yaml" | {sys.executable} -c "{script}"' if fault.override else "true"
