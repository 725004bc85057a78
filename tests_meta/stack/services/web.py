"""A small web server on the standard library. A route is a function from a request to an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """A request: the path and its named parts, the query, the headers and the body."""

    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """Return the body as JSON, or None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Answer:
    """Status, body and headers. A `str` body is sent as text, any other as JSON."""

    status: int
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[Request], Answer]
Routes = Mapping[str, Route]  # "GET /path/{name}" -> function


def serve(port: int, routes: Routes, *, headers: Mapping[str, str] | None = None) -> None:
    """Serve `routes` until killed; `headers` are added to every answer."""
    ThreadingHTTPServer(("", port), handler(routes, headers or {})).serve_forever()


def handler(routes: Routes, extra_headers: Mapping[str, str]) -> type[BaseHTTPRequestHandler]:
    """Return a request handler class for these routes."""
    compiled = [
        (key.split()[0], re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", key.split()[1]) + "$"), route)
        for key, route in routes.items()
    ]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = Answer(404, {"detail": "Not Found"})
            for method, pattern, route in compiled:
                match = pattern.match(url.path)
                if match and method == self.command:
                    query = {name: values[-1] for name, values in parse_qs(url.query).items()}
                    answer = route(Request(url.path, match.groupdict(), query, dict(self.headers.items()), body))
                    break
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            is_text = isinstance(answer.body, str)
            payload = (answer.body if is_text else json.dumps(answer.body)).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "text/plain; charset=utf-8" if is_text else "application/json")
            self.send_header("Content-Length", str(len(payload)))
            for name, value in {**extra_headers, **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = _answer  # noqa: N815  # the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
            """Log nothing: the services write their own log."""

    return Handler
