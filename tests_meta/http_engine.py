"""A Docker engine over HTTP without containers: it answers with what a FakeDocker holds, and only to GET and HEAD."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from service_down.tests_meta.fake_docker import LABEL, DockerContainer, FakeDocker


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Answers as Docker's API does."""
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/") if part]
        answer = self.server.answer(parts[1:] if parts[0].startswith("v1.") else parts)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the base class's own word
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, engine: FakeDocker, logs: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.engine, self.logs = engine, logs

    def answer(self, path: list[str]) -> Any:
        """The answer to a path without the API's version; None: there is no such thing."""
        engine = self.engine
        if path[0] == "containers" and len(path) == 3:
            container = next((found for found in engine.containers_there if found.name == path[1]), None)
            if container is None:
                return None
            return {"json": _inspected(container), "logs": self.logs.get(container.name, b""), "stats": {}}[path[2]]
        if path[0] == "images":
            return engine.inspect_image(path[1].replace("image-of-", "sha256:").removesuffix(":1"))
        whole: dict[str, Callable[[], Any]] = {
            "version": lambda: {"Version": "29.0.0", "ApiVersion": "1.44"},
            "containers": lambda: engine.containers(all=True),
            "info": lambda: {**engine.info(), "DockerRootDir": "/", "NCPU": 2, "MemTotal": 2**33},
            "networks": engine.networks,
            "events": lambda: b"".join(json.dumps(event).encode() + b"\n" for event in engine.events_there),
            "volumes": lambda: {"Volumes": []},
            "system": dict,
        }
        return whole[path[0]]()


def _inspected(container: DockerContainer) -> dict[str, Any]:
    """The container, which its peers can reach by the name of its service."""
    inspected = container.inspected()
    for network in inspected["NetworkSettings"]["Networks"].values():
        network["Aliases"] = [container.labels.get(f"{LABEL}service")]
    return inspected


@contextmanager
def engine_server(engine: FakeDocker, logs: Mapping[str, bytes] | None = None) -> Iterator[str]:
    """A running engine; `logs` are the streams of its containers' logs, by their names. Yields its DOCKER_HOST."""
    with _Server(engine, logs or {}) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
