"""What the suite sends to the engine, read by a relay between the two: GET and HEAD."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service_down.tests_meta.suite_run import LiveSuite

ENGINE_SOCKET = "/var/run/docker.sock"
READING = {b"GET", b"HEAD"}


@contextmanager
def relay(path: Path) -> Iterator[list[bytes]]:
    """A socket that hands everything to the engine's own. Yields the first lines of the requests.

    A GET or HEAD has no body, so an empty line ends it. What follows anything else is recorded as it comes.
    """
    requests: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as engine, contextlib.suppress(OSError):
                engine.connect(ENGINE_SOCKET)
                threading.Thread(target=_copy, args=(engine, self.request), daemon=True).start()
                unread = b""
                while data := self.request.recv(65_536):
                    *heads, unread = (unread + data).split(b"\r\n\r\n")
                    requests.extend(head.split(b"\r\n")[0] for head in heads)
                    engine.sendall(data)

    class Server(socketserver.ThreadingUnixStreamServer):
        request_queue_size = 128  # as many as the engine's own; a full queue refuses with EAGAIN

    with Server(str(path), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield requests
        server.shutdown()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("mode", ["triage", "verify"])
def test_every_request_to_the_engine_reads(live_suite: LiveSuite, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "engine.sock"
    with relay(path) as requests:
        run = getattr(live_suite, mode)(DOCKER_HOST=f"unix://{path}")
    assert run.verdict["verdict"] == "healthy", run.out
    words = [request.split() for request in requests]
    assert {word[0] for word in words} <= READING
    for asked in (b"/containers/json", b"/logs", b"/events", b"/version"):
        assert any(asked in word[1] for word in words), f"{asked.decode()} was not asked, so the relay missed it"
