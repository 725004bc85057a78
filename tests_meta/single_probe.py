"""A probe asked by itself: a point of view without a run, and a container without a Compose project."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service_down.fixtures.probes.context import ProbeContext
from service_down.fixtures.secrets.redact import Redactor
from service_down.fixtures.settings.schema import Settings
from service_down.tests_meta.lab.commands import run, wait_for, works


def context(settings: Settings | None = None, **environ: str) -> ProbeContext:
    """A point of view with these settings and this environment."""
    return ProbeContext(settings or Settings(), environ, Redactor(b"salt"), "lone", "triage", Path())


@dataclass(frozen=True)
class Engine:
    """Answers of an engine that knows one container: the service `store`, with these variables and this command."""

    variables: Mapping[str, str]
    command: Sequence[str] = ()

    def raw(self, probe: str) -> Any:
        """The engine's answer, as far as probes of stores read it."""
        config = {
            "Labels": {"com.docker.compose.service": "store"},
            "Env": [f"{name}={value}" for name, value in self.variables.items()],
            "Cmd": list(self.command),
        }
        return {"containers": [{"Name": "/store-1", "State": {"Running": True}, "Config": config}]}


@contextmanager
def container(image: str, name: str, script: str, ready: str) -> Iterator[str]:
    """The address of a container that runs the shell lines `script`, once the shell line `ready` works in it."""
    name = f"{name}-{os.getpid()}"
    run(["docker", "run", "-d", "--rm", "--init", "--name", name, image, "bash", "-c", f"set -e\n{script}"], 60)
    try:
        wait_for(name, lambda: works(["docker", "exec", name, "bash", "-c", ready], 10), 60)
        field = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        yield run(["docker", "inspect", "-f", field, name], 20).strip()
    finally:
        run(["docker", "rm", "-f", name], 60)
