"""Starts, breaks, repairs and removes copies of the reference stack; several copies can run side by side."""

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

from service_down.tests_meta.lab.commands import LabError, run_command, step, wait_until
from service_down.tests_meta.lab.compose import ensure_compose
from service_down.tests_meta.lab.engine import ensure_engine
from service_down.tests_meta.lab.images import ImageKind, ensure_images

STACK_FOLDER = Path(__file__).resolve().parent.parent / "stack"
PUBLISHED_PORTS = {
    "GATEWAY_PORT": 8080,
    "GRAFANA_PORT": 3000,
    "LOKI_PORT": 3100,
    "TEMPO_PORT": 3200,
    "AIRTABLE_PORT": 8090,
}
SECRETS = {
    "POSTGRES_PASSWORD": "lab-postgres-password",
    "REDIS_PASSWORD": "lab-redis-password",
    "DEMO_LOGIN_PASSWORD": "lab-login-password",
    "AIRTABLE_TOKEN": "lab-airtable-token",
    "GRAFANA_PASSWORD": "lab-grafana-password",
}


@dataclass(frozen=True)
class ReferenceStack:
    """One copy of the reference stack, with its own Compose project and its own ports."""

    project: str
    port_offset: int
    image_kind: ImageKind
    image: str
    extra_environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def state_folder(self) -> Path:
        """The folder of this copy's backups and data directories."""
        return STACK_FOLDER / ".state" / self.project

    @property
    def settings_file(self) -> Path:
        """The suite's settings for the reference stack."""
        return STACK_FOLDER / "stack.toml"

    def environment(self) -> dict[str, str]:
        """Return the variables that Compose and the suite need for this copy."""
        return {
            "LAB_PROJECT": self.project,
            "LAB_KIND": self.image_kind,
            "LAB_IMAGE": self.image,
            "LAB_STATE": str(self.state_folder),
            "POSTGRES_USER": "pyairtable",
            "POSTGRES_DB": "pyairtable",
            "DEMO_LOGIN_EMAIL": "demo@example.com",
            **SECRETS,
            **{name: self._published_port(name, port) for name, port in PUBLISHED_PORTS.items()},
            **self.extra_environment,
        }

    def _published_port(self, name: str, default: int) -> str:
        """Return a published port: moved by the offset, or as the environment sets it, or the default."""
        return str(default + self.port_offset) if self.port_offset else os.environ.get(name) or str(default)

    def compose(self, *arguments: str, timeout_seconds: float = 120) -> str:
        """Return the output of a `docker compose` command on this copy. Raises LabError."""
        files = ["-f", str(STACK_FOLDER / "compose.yaml"), "-f", str(STACK_FOLDER / f"compose.{self.image_kind}.yaml")]
        command = ["docker", "compose", "--progress", "quiet", *files, "-p", self.project, *arguments]
        return run_command(command, timeout_seconds, env={**os.environ, **self.environment()})

    def up(self, timeout_seconds: float = 120) -> None:
        """Start this copy and wait until every service is ready. Raises LabError."""
        with step(f"stack: bringing up {self.project}"):
            self.refresh_files()
            wait_until(f"docker compose up of {self.project}", self._try_up, timeout_seconds)
            self.wait_until_ready(timeout_seconds)

    def _try_up(self) -> bool:
        """Run `docker compose up` once. Return False where it stopped at a dependency that is still unhealthy."""
        try:
            self.compose("up", "-d", "--remove-orphans")
        except LabError as error:
            if "is unhealthy" in str(error) or "dependency failed to start" in str(error):
                return False
            raise
        return True

    def down(self) -> None:
        """Remove this copy's containers, volumes and files; no other project is changed."""
        with step(f"stack: taking down {self.project}"):
            self.compose("down", "--volumes", "--remove-orphans", "--timeout", "3")
            shutil.rmtree(self.state_folder, ignore_errors=True)

    def refresh_files(self) -> None:
        """Create the data directories and a new backup."""
        for service in ("postgres", "grafana", "loki", "tempo"):
            folder = self.state_folder / "data" / service
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "README").write_text(f"data of {service}\n")
        backups = self.state_folder / "backup"
        shutil.rmtree(backups, ignore_errors=True)
        backups.mkdir()
        name = time.strftime("monitoring_backup_%Y%m%d_%H%M%S.tar.gz")
        with tarfile.open(backups / name, "w:gz") as archive:
            archive.add(self.state_folder / "data", arcname="data")

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return `docker inspect` of the first container of each service, by service name."""
        ids = run_command(
            ["docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={self.project}"], 20
        ).split()
        inspected = json.loads(run_command(["docker", "inspect", *ids], 20)) if ids else []
        return {
            container["Config"]["Labels"]["com.docker.compose.service"]: container for container in reversed(inspected)
        }

    def wait_until_ready(self, timeout_seconds: float = 90) -> None:
        """Wait until every container is running and healthy, or has exited with 0. Raises LabError."""
        try:
            wait_until(f"stack {self.project} healthy", lambda: not self._services_not_ready(), timeout_seconds)
        except LabError as error:
            raise LabError(f"{error}; not ready: {', '.join(self._services_not_ready())}") from None

    def _services_not_ready(self) -> list[str]:
        containers = self.containers()
        expected = self.compose("config", "--services").split()
        return [name for name in expected if name not in containers or not _is_ready(containers[name]["State"])]

    def stop(self, service: str) -> None:
        """Stop a service."""
        self.compose("stop", service)

    def start(self, service: str) -> None:
        """Start a stopped service."""
        self.compose("start", service)


def _is_ready(state: Mapping[str, Any]) -> bool:
    if state["Status"] == "exited":
        return bool(state["ExitCode"] == 0)
    health = (state.get("Health") or {}).get("Status", "healthy")
    return bool(state["Status"] == "running" and health == "healthy")


def make_stack(
    project: str, port_offset: int = 0, extra_environment: Mapping[str, str] | None = None
) -> ReferenceStack:
    """Provide engine, Compose and images, and return a copy of the reference stack. Raises LabError, NoEngineError."""
    ensure_engine()
    ensure_compose()
    image_kind, image = ensure_images()
    return ReferenceStack(project, port_offset, image_kind, image, extra_environment or {})
