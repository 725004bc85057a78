"""Secrets that are told late, when other probes have quoted them already: no file and no line shows them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service_down.tests_meta.fake_docker import DockerContainer, FakeDocker, compose_labels
from service_down.tests_meta.fake_servers import Conversation, http, recording_server
from service_down.tests_meta.suite_run import run_suite

SECRET = "7Gq-tok3n-2Fw9x"
LABELS = compose_labels("shop", "web")
ENGINES = {  # whether the container's environment holds the secret
    tells: FakeDocker([DockerContainer("shop-web-1", LABELS, environment={"IMG_API_TOKEN": SECRET} if tells else {})])
    for tells in (True, False)
}


class SlowEngine(BaseHTTPRequestHandler):
    """Docker's API, which answers the questions of a snapshot after a pause."""

    server: SlowServer

    def do_GET(self) -> None:
        """Answers as Docker does."""
        parts = [part for part in urlsplit(self.path).path.split("/") if part and not part.startswith("v1.")]
        time.sleep(self.server.pause if parts == ["containers", "json"] else 0)
        body = json.dumps(_answer(ENGINES[self.server.tells], parts)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Writes nothing to the output of the test."""


class SlowServer(ThreadingHTTPServer):
    """An engine that takes `pause` seconds to list its containers."""

    daemon_threads = True
    pause, tells = 1.0, True


def _answer(engine: FakeDocker, parts: list[str]) -> Any:
    if parts[0] == "containers":
        return engine.containers(all=True) if parts[1] == "json" else engine.inspect_container(parts[1])
    if parts[0] == "images":
        return engine.inspect_image("sha256:shop-web-1")
    info = {**engine.info(), "DockerRootDir": "/", "NCPU": 2, "MemTotal": 2**33}
    return {"version": {"Version": "29.0.0", "ApiVersion": "1.44"}, "info": info, "networks": []}.get(parts[0], {})


@pytest.fixture
def engine() -> Iterator[SlowServer]:
    with SlowServer(("127.0.0.1", 0), SlowEngine) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def slow_login(client: Conversation) -> None:
    """A login that gives its token when other checks are judged."""
    time.sleep(1.5)
    http("200 OK", body=json.dumps({"access_token": SECRET}))(client)


def run_and_read(folder: Path, engine: SlowServer, *options: str, **env: str) -> dict[str, str]:
    """Run the suite on a stack whose external API and backup show the secret; return all that it shows and writes."""
    backups = folder / "backups"
    backups.mkdir()
    (backups / f"db-{SECRET}.tar.gz").write_bytes(b"no archive")
    (folder / "compose.yaml").write_text("services: {web: {image: shop}}")
    with ExitStack() as running:
        api = running.enter_context(recording_server(http("500 Error", body=f"denied to {SECRET}")))
        login = running.enter_context(recording_server(slow_login))
        (folder / "stack.toml").write_text(
            f"""
            [stack]
            project = "shop"
            compose_files = ["compose.yaml"]
            [external.payments]
            url = "http://127.0.0.1:{api.port}/"
            [login.main]
            service = "web"
            host = "127.0.0.1"
            port = {login.port}
            [backup.db]
            path = "{backups}"
            pattern = "db-*"
            """
        )
        more = ("-rA", "--tb=short", f"--stack={folder / 'stack.toml'}", f"--junitxml={folder}/junit.xml")
        address = f"tcp://127.0.0.1:{engine.server_address[1]}"
        env = {"DOCKER_HOST": address, "http_proxy": "", "HTTP_PROXY": "", **env}
        run = run_suite(*options, *more, reports=folder / "reports", env=env)
    assert run.folder.exists(), run.out
    written = {path.name: path.read_text(errors="replace") for path in run.folder.iterdir()}
    assert {"evidence.json", "verdict.json", "report.html", "junit.xml"} <= written.keys()
    return {"terminal": run.out, **written}


@pytest.mark.parametrize("options", [(), ("-k", "external")], ids=["all", "one"])
def test_a_secret_that_a_slow_engine_tells_is_not_shown(tmp_path: Path, engine: SlowServer, options: Any) -> None:
    shown = run_and_read(tmp_path, engine, "-m", "triage", *options)
    assert "denied to" in shown["evidence.json"]
    assert not [name for name, text in shown.items() if SECRET in text]


def test_a_secret_that_is_told_after_a_check_was_judged_is_not_shown(tmp_path: Path, engine: SlowServer) -> None:
    engine.pause, engine.tells = 0.0, False
    login = {"HEALTH_LOGIN_EMAIL": "demo@example.com", "HEALTH_LOGIN_PASSWORD": "d3mo-login-word"}
    shown = run_and_read(tmp_path, engine, "-m", "verify", **login)
    for name in ("terminal", "evidence.json", "verdict.json", "report.html", "junit.xml"):
        assert "db-" in shown[name]
    assert not [name for name, text in shown.items() if SECRET in text]
