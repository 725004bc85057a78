"""The end of a container's log: lines longer than the engine's parts and than what is kept, on a terminal or not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
import pytest

from fixtures.look import Look
from fixtures.model import Service
from fixtures.probes import containers
from fixtures.probes.containers import ask_logs
from fixtures.probes.tail import HEAD
from fixtures.redact import Redactor
from fixtures.settings import Settings
from tests_meta.test_remote_engine import look as a_look

SECRET = "LEAK17Vt8kPw"
PART = 16_384  # bytes of a line that the engine's log drivers write at once
OUT, ERR = 1, 2
Part = tuple[int, str]


def stamped(*parts: Part) -> list[tuple[int, bytes]]:
    """The parts as the engine gives them: each with its time, also where it goes on with a line."""
    return [(stream, f"2026-11-24T06:35:51.{at:09}Z {text}".encode()) for at, (stream, text) in enumerate(parts)]


def split(line: str, end: str = "\n") -> list[Part]:
    return [(OUT, (line + end)[at : at + PART]) for at in range(0, len(line) + len(end), PART)]


class Log:
    """An engine that has one container, and gives its log in the parts that it is told."""

    def __init__(self) -> None:
        self.parts: list[tuple[int, bytes]] = []
        self.terminal = False
        self.redactor = Redactor(b"salt")
        own = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for stream, text in own.parts:
                    chunk = text if own.terminal else HEAD.pack(stream, len(text)) + text
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *words: object) -> None:
                """Not on the test's output."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def raw(self, probe: str) -> Any:
        """The engine's answer to what is asked first."""
        labels = {"com.docker.compose.service": "api"}
        one = {"Id": "abc", "Name": "/p-api-1", "State": {}, "Config": {"Tty": self.terminal, "Labels": labels}}
        return {"asked": time.time(), "containers": [one]}

    def read(self, parts: list[tuple[int, bytes]], terminal: bool) -> dict[str, Any]:
        """What the probe says of this log."""
        self.parts, self.terminal = parts, terminal
        plain = a_look(None)
        look = Look(Settings(), {}, self.redactor, "run", "triage", plain.base, "p")
        found: dict[str, Any] = ask_logs(look, Service("api"), self)["p-api-1"]
        return found


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    one = Log()
    client: Callable[..., Any] = docker.APIClient
    engine = client(base_url=f"tcp://127.0.0.1:{one.server.server_port}", version="1.41", timeout=5)
    monkeypatch.setattr(containers, "client", lambda look: engine)
    yield one
    engine.close()
    one.server.shutdown()
    one.server.server_close()


either = pytest.mark.parametrize("terminal", [False, True], ids=["plain", "terminal"])


@either
def test_a_secret_across_the_engines_parts_is_still_one(log: Log, terminal: bool) -> None:
    log.redactor.learn(SECRET)
    line = "x " * (PART // 2 - 3) + SECRET + " y" * 2_000
    end = "\r\n" if terminal else "\n"
    found = log.read(stamped((OUT, f"first{end}"), *split(line, end), (OUT, f"last{end}")), terminal)
    assert [len(found["lines"]), found["cut"]] == [3, False]
    assert "<secret:" in found["lines"][1]
    assert "LEAK" not in str(found)
    assert str(found).count("2026-11-24T06:35:51") == 3
    assert found["lines"][2].endswith("Z last")


def test_a_line_of_the_other_output_does_not_come_between(log: Log) -> None:
    log.redactor.learn(SECRET)
    first, second = split("x " * (PART // 2 - 3) + SECRET)
    found = log.read(stamped(first, (ERR, "trouble\n"), second), terminal=False)
    assert found["lines"][0].endswith("Z trouble")
    assert found["lines"][1].endswith(log.redactor.token(SECRET))


@either
def test_the_end_of_a_line_longer_than_what_is_kept_stays(log: Log, terminal: bool) -> None:
    line = f"key={SECRET * 9_000} then it went down"
    found = log.read(stamped((OUT, "first\n"), *split(line)), terminal)
    assert found["cut"] is True
    (last,) = found["lines"]
    assert last.endswith(" then it went down")
    assert 0 < len(last) <= 32_768


@either
def test_long_lines_cost_no_time(log: Log, terminal: bool) -> None:
    parts = stamped(*[(OUT, "z" * 15_000 + "\n")] * 100)
    began = time.process_time()
    found = log.read(parts, terminal)
    assert time.process_time() - began < 1
    assert [len(one) > 15_000 for one in found["lines"]] == [True, True]


def test_what_was_written_without_an_end_is_kept(log: Log) -> None:
    found = log.read(stamped((OUT, "ready\n"), (ERR, "panic: "), (OUT, "> ")), terminal=False)
    assert [line.partition("Z ")[2] for line in found["lines"]] == ["ready", "panic: ", "> "]
