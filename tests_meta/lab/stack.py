"""The reference stack as a thing to bring up, break, mend and take down; two copies can stand side by side."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service_down.tests_meta.lab.commands import LabError, run, step, wait_for
from service_down.tests_meta.lab.compose import ensure_compose
from service_down.tests_meta.lab.engine import ensure_engine
from service_down.tests_meta.lab.images import Kind, ensure_images

FOLDER = Path(__file__).resolve().parent.parent / "stack"
PORTS = {"GATEWAY_PORT": 8080, "GRAFANA_PORT": 3000, "LOKI_PORT": 3100, "TEMPO_PORT": 3200, "AIRTABLE_PORT": 8090}
SECRETS = {
    "POSTGRES_PASSWORD": "lab-postgres-password",
    "REDIS_PASSWORD": "lab-redis-password",
    "DEMO_LOGIN_PASSWORD": "lab-login-password",
    "AIRTABLE_TOKEN": "lab-airtable-token",
    "GRAFANA_PASSWORD": "lab-grafana-password",
}


@dataclass(frozen=True)
class ReferenceStack:
    """One copy of the reference stack: a Compose project of its own, with ports of its own."""

    project: str
    offset: int
    kind: Kind
    image: str
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """Where its backups and data directories lie."""
        return FOLDER / ".state" / self.project

    @property
    def settings(self) -> Path:
        """The settings that describe it to the suite."""
        return FOLDER / "stack.toml"

    def environment(self) -> dict[str, str]:
        """The variables that Compose and the suite need for this copy."""
        return {
            "LAB_PROJECT": self.project,
            "LAB_KIND": self.kind,
            "LAB_IMAGE": self.image,
            "LAB_STATE": str(self.state),
            "POSTGRES_USER": "pyairtable",
            "POSTGRES_DB": "pyairtable",
            "DEMO_LOGIN_EMAIL": "demo@example.com",
            **SECRETS,
            **{name: self._port(name, port) for name, port in PORTS.items()},
            **self.more,
        }

    def _port(self, name: str, port: int) -> str:
        """A published port: moved by the offset, else where the environment wants it."""
        return str(port + self.offset) if self.offset else os.environ.get(name) or str(port)

    def compose(self, *words: str, seconds: float = 120) -> str:
        """The output of a `docker compose` command on this copy. Raises LabError."""
        files = ["-f", str(FOLDER / "compose.yaml"), "-f", str(FOLDER / f"compose.{self.kind}.yaml")]
        command = ["docker", "compose", "--progress", "quiet", *files, "-p", self.project, *words]
        return run(command, seconds, env={**os.environ, **self.environment()})

    def up(self, seconds: float = 120) -> None:
        """Brings it up and waits until all of it is as it should be."""
        with step(f"stack: bringing up {self.project}"):
            self.refresh_files()
            wait_for(f"docker compose up of {self.project}", self._try_up, seconds)
            self.wait_healthy(seconds)

    def _try_up(self) -> bool:
        """One `up`: it gives up at once while something it depends on is still unhealthy from before."""
        try:
            self.compose("up", "-d", "--remove-orphans")
        except LabError as error:
            if "is unhealthy" in str(error) or "dependency failed to start" in str(error):
                return False
            raise
        return True

    def down(self) -> None:
        """Takes it down, with its volumes and files; touches no other project."""
        with step(f"stack: taking down {self.project}"):
            self.compose("down", "--volumes", "--remove-orphans", "--timeout", "3")
            shutil.rmtree(self.state, ignore_errors=True)

    def refresh_files(self) -> None:
        """A fresh backup, and the data directories."""
        for service in ("postgres", "grafana", "loki", "tempo"):
            folder = self.state / "data" / service
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "README").write_text(f"data of {service}\n")
        backups = self.state / "backup"
        shutil.rmtree(backups, ignore_errors=True)
        backups.mkdir()
        name = time.strftime("monitoring_backup_%Y%m%d_%H%M%S.tar.gz")
        with tarfile.open(backups / name, "w:gz") as archive:
            archive.add(self.state / "data", arcname="data")

    def containers(self) -> dict[str, dict[str, Any]]:
        """State of each service's first container, as Docker inspects it."""
        ids = run(["docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={self.project}"], 20).split()
        inspected = json.loads(run(["docker", "inspect", *ids], 20)) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in reversed(inspected)}

    def wait_healthy(self, seconds: float = 90) -> None:
        """Waits until every container runs and is healthy, or has finished with 0. Raises LabError."""
        try:
            wait_for(f"stack {self.project} healthy", lambda: not self._missing(), seconds)
        except LabError as error:
            raise LabError(f"{error}; still missing: {', '.join(self._missing())}") from None

    def _missing(self) -> list[str]:
        found = self.containers()
        expected = self.compose("config", "--services").split()
        return [name for name in expected if name not in found or not _fine(found[name]["State"])]

    def stop(self, service: str) -> None:
        """Stops a service, as somebody would by hand."""
        self.compose("stop", service)

    def start(self, service: str) -> None:
        """Starts a service again."""
        self.compose("start", service)


def _fine(state: Mapping[str, Any]) -> bool:
    if state["Status"] == "exited":
        return bool(state["ExitCode"] == 0)
    health = (state.get("Health") or {}).get("Status", "healthy")
    return bool(state["Status"] == "running" and health == "healthy")


def make_stack(project: str, offset: int = 0, more: Mapping[str, str] | None = None) -> ReferenceStack:
    """A copy of the reference stack, with everything it needs on this machine. Raises LabError or NoEngineError."""
    ensure_engine()
    ensure_compose()
    kind, image = ensure_images()
    return ReferenceStack(project, offset, kind, image, more or {})
