"""An engine behind a socket, of which single questions hang, are refused, or are answered with nonsense."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from service_down.tests_meta.recorded_engine import Answers

Odd = Callable[["Request"], None]
PIECE = b"[[],[]," * 10_000


class Request(BaseHTTPRequestHandler):
    """One request to the engine."""

    protocol_version = "HTTP/1.1"
    server: EngineServer

    @property
    def asked_path(self) -> str:
        """The path that was asked for, without the version."""
        return re.sub(r"^/v1\.\d+", "", self.path.partition("?")[0])

    def do_GET(self) -> None:
        """Answer as the engine does, or oddly."""
        path = self.asked_path
        self.server.asked.append(path)
        odd = next((odd for pattern, odd in self.server.odd.items() if re.fullmatch(pattern, path)), None)
        with suppress(OSError):
            if odd is not None:
                odd(self)
            else:
                self.reply(path)

    def reply(self, path: str) -> None:
        """Answer as the engine does."""
        if path == "/_ping":
            self.answer(b"OK")
        elif path == "/events":
            self.answer(b"".join(json.dumps(event).encode() + b"\n" for event in self.server.answers[path]))
        elif path.endswith("/logs"):
            self.answer(b"")
        elif path in self.server.answers:
            self.answer(json.dumps(self.server.answers[path]).encode())
        else:
            self.answer(b'{"message": "page not found"}', 404)

    def reply_late(self, seconds: float) -> None:
        """Answer as the engine does, after a pause."""
        self.server.over.wait(seconds)
        self.reply(self.asked_path)

    def answer(self, body: bytes, status: int = 200, length: int | None = None) -> None:
        """Send an answer; `length`: what it says of its length."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def hang(self) -> None:
        """Answer nothing."""
        self.server.over.wait(60)

    def for_ever(self, piece: bytes, pause_seconds: float = 0.0) -> None:
        """Send pieces of a body that never ends."""
        self.answer(b"", length=10**12)
        while not self.server.over.wait(pause_seconds):
            self.wfile.write(piece)

    def log_message(self, *words: object) -> None:
        """Write nothing."""


class EngineServer(ThreadingHTTPServer):
    """The engine. `odd`: for paths that match an expression, what happens instead of an answer."""

    daemon_threads = True
    request_queue_size = 200

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that left."""

    def __init__(self, answers: Answers, odd: Mapping[str, Odd]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answers, self.odd = answers, odd
        self.asked: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Its DOCKER_HOST."""
        return f"tcp://127.0.0.1:{self.server_address[1]}"


ODD: Mapping[str, Odd] = {
    "hangs": lambda request: request.hang(),
    "is forbidden": lambda request: request.answer(b'{"message": "forbidden by policy"}', 403),
    "fails": lambda request: request.answer(b'{"message": "server error"}', 500),
    "is junk": lambda request: request.answer(b"<html>no JSON</html>"),
    "is of another type": lambda request: request.answer(b"7"),
    "never ends": lambda request: request.for_ever(PIECE),
    "comes byte by byte": lambda request: request.for_ever(b" ", 0.1),
    "is nested": lambda request: request.answer(b"[" * 100_000),
    "is a bomb": lambda request: request.answer(b"[" + b"[]," * 2_000_000 + b"[]]"),
    "breaks off": lambda request: request.answer(b"[", length=100),
}


@contextmanager
def engine_server(answers: Answers, odd: Mapping[str, Odd] | None = None) -> Iterator[EngineServer]:
    """A running engine."""
    with EngineServer(answers, odd or {}) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()
