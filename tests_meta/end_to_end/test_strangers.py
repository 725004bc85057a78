"""Containers that pretend to be services of the running stack: nothing reaches them, and they are named."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from service_down.tests_meta.lab.commands import run_command, wait_until
from service_down.tests_meta.lab.stack import ReferenceStack
from service_down.tests_meta.suite_run import LiveSuite

PORTS = {"postgres": 5432, "redis": 6379, "grafana": 3000, "api-gateway": 8080}
# Prints everything that it receives, and answers as a PostgreSQL that asks for the password in clear, else by HTTP.
SERVER = r"""
import socketserver, struct, sys
class Stranger(socketserver.BaseRequestHandler):
    def receive(self):
        received = self.request.recv(65536)
        print(self.server.server_address[1], received, flush=True)
        return received
    def handle(self):
        print("connected", flush=True)
        if len(self.receive()) == 8:
            self.request.sendall(b"N")
            self.receive()
            self.request.sendall(b"R" + struct.pack("!ii", 8, 3))
        else:
            self.request.sendall(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
        while self.receive():
            pass
socketserver.ThreadingTCPServer(("0.0.0.0", int(sys.argv[1])), Stranger).serve_forever()
"""


@pytest.fixture
def strangers(reference_stack: ReferenceStack) -> Iterator[dict[str, str]]:
    """For each service of PORTS the name of a running container whose image has all labels of the service's."""
    names = {service: f"stranger-{service}-{os.getpid()}" for service in PORTS}
    try:
        for service, name in names.items():
            _make_image(reference_stack, service, name)
            network = f"{reference_stack.project}_default"
            command = ["python3", "-c", SERVER, str(PORTS[service])]
            run_command(["docker", "run", "-d", "--init", "--name", name, "--network", network, name, *command], 60)
        yield names
    finally:
        run_command(["docker", "rm", "-f", *names.values()], 60)
        run_command(["docker", "rmi", "-f", *names.values()], 60)


def _make_image(stack: ReferenceStack, service: str, name: str) -> None:
    """An image with the labels of the service's container."""
    labels = stack.containers()[service]["Config"]["Labels"]
    changes = [word for label, value in labels.items() for word in ("-c", f'LABEL "{label}"="{value}"')]
    run_command(["docker", "create", "--name", name, stack.image, "true"], 60)
    try:
        run_command(["docker", "commit", *changes, name, name], 60)
    finally:
        run_command(["docker", "rm", name], 60)


def _received(name: str) -> str:
    return run_command(["docker", "logs", name], 20)


def test_strangers_receive_nothing_are_named_and_change_no_verdict(
    live_suite: LiveSuite, strangers: dict[str, str]
) -> None:
    run = live_suite.triage()
    assert (run.verdict["verdict"], run.causes) == ("healthy", []), run.out
    assert "stranger-container: api-gateway, grafana, postgres, redis" in run.out
    warnings = [warning for warning in run.verdict["warnings"] if warning["code"] == "stranger-container"]
    named = {warning["service"]: warning["summary"].split(" claims")[0] for warning in warnings}
    assert named == strangers
    run = live_suite.verify("-k", "login or grafana or dashboard or datasources or database or redis or rows")
    assert (run.verdict["verdict"], run.causes) == ("healthy", []), run.out
    assert {service: _received(name) for service, name in strangers.items()} == dict.fromkeys(PORTS, "")


def test_a_stranger_would_have_shown_what_it_receives(strangers: dict[str, str]) -> None:
    address_format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    for service, name in strangers.items():
        address = run_command(["docker", "inspect", "-f", address_format, name], 20).strip()
        with socket.create_connection((address, PORTS[service]), 5) as connection:
            connection.sendall(b"a secret")
        wait_until(name, lambda name=name: "a secret" in _received(name), 10)  # type: ignore[misc]  # bound to this name
