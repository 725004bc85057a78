"""What a probe needs to be tested alone: a context without a run, and containers outside any Compose project."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from service_down.fixtures.evidence.observation import ProbeKey
from service_down.fixtures.probes.context import ProbeContext
from service_down.fixtures.secrets.redact import Redactor
from service_down.fixtures.settings.schema import Settings
from service_down.tests_meta.lab.commands import command_succeeds, run_command, wait_until

T = TypeVar("T")


def probe_context(settings: Settings | None = None, **environ: str) -> ProbeContext:
    """Return a context with these settings and this environment."""
    return ProbeContext(settings or Settings(), environ, Redactor(b"salt"), "single-probe", "triage", Path())


@dataclass(frozen=True)
class FakeEngine:
    """Engine observations with one container: the service `store`, with these variables and this command.

    `address` is its address on the engine's own bridge network.
    """

    variables: Mapping[str, str]
    command: Sequence[str] = ()
    address: str = ""

    def value(self, key: ProbeKey[T]) -> T:
        """Return the engine's answer, with the keys that the probes of stores read."""
        config = {
            "Labels": {"com.docker.compose.service": "store"},
            "Env": [f"{name}={value}" for name, value in self.variables.items()],
            "Cmd": list(self.command),
        }
        endpoint = {"NetworkID": "bridge", "EndpointID": "e1", "IPAddress": self.address}
        networks = {"Networks": {"bridge": endpoint} if self.address else {}}
        container = {"Name": "/store-1", "State": {"Running": True}, "Config": config, "NetworkSettings": networks}
        return key.read({"asked": 0, "containers": [container], "bridges": {"bridge": "docker0"}})


@contextmanager
def running_container(image: str, name: str, script: str, ready: str) -> Iterator[str]:
    """Start a container that runs the shell lines `script`; yield its address once the shell line `ready` succeeds."""
    name = f"{name}-{os.getpid()}"
    run_command(["docker", "run", "-d", "--rm", "--init", "--name", name, image, "bash", "-c", f"set -e\n{script}"], 60)
    try:
        wait_until(name, lambda: command_succeeds(["docker", "exec", name, "bash", "-c", ready], 10), 60)
        address_format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        yield run_command(["docker", "inspect", "-f", address_format, name], 20).strip()
    finally:
        run_command(["docker", "rm", "-f", name], 60)
