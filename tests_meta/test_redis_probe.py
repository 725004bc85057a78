"""The Redis probe: what a refusal proves of Redis, and what only of us."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import NoPermissionError

from fixtures.evidence import CannotLook, ProbeError
from fixtures.model import Model
from fixtures.probes.redis import ask_redis, refusal
from fixtures.settings import Redis, Settings, Timeouts
from tests_meta.lone import Engine, look

TOLD = Redis(service="store")
WHERE = {"address": "127.0.0.1:6379", "via": "settings"}
DOUBT = "the password is a guess; export REDIS_PASSWORD"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (redis.AuthenticationError("invalid username-password pair or user is disabled."), "auth"),
        (redis.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "write-refused"),
        (redis.BusyLoadingError("Redis is loading the dataset in memory", status_code="LOADING"), "loading"),
        (redis.ConnectionError("Error 111 connecting to 127.0.0.1:6379. Connection refused."), "refused"),
        (redis.TimeoutError("Timeout reading from socket"), "timeout"),
        (redis.ConnectionError("Connection closed by server."), "protocol"),
        (redis.ResponseError("max number of clients reached"), "protocol"),
    ],
    ids=["password", "misconf", "loading", "refused", "timeout", "closed", "clients"],
)
def test_what_the_server_says_of_itself_is_a_finding(error: Exception, kind: str) -> None:
    said = refusal(error, TOLD, WHERE)
    assert isinstance(said, ProbeError)
    assert said.kind == kind


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (redis.AuthenticationError("Authentication required."), DOUBT),
        (redis.AuthenticationError("invalid username-password pair"), DOUBT),
        (NoPermissionError("this user has no permissions to run 'info'", status_code="NOPERM"), "may not ask"),
        (redis.ResponseError("DENIED Redis is running in protected mode because …"), "protected mode"),
        (redis.ConnectionError("(1, '[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] …')"), "no client certificate"),
    ],
    ids=["none-given", "only-a-guess", "no-permission", "protected-mode", "client-certificate"],
)
def test_what_only_keeps_us_out_is_could_not_look(error: Exception, words: str) -> None:
    said = refusal(error, TOLD, WHERE, DOUBT)
    assert isinstance(said, CannotLook)
    assert words in str(said)


class Closing(socketserver.BaseRequestHandler):
    """Accepts and resets, as a Redis with TLS does to a plain client, and docker-proxy when nothing listens behind."""

    def handle(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class Tls(socketserver.BaseRequestHandler):
    """A stand-in for a Redis with TLS: shakes hands, and resets whoever does not."""

    context: ssl.SSLContext

    def handle(self) -> None:
        with contextlib.suppress(OSError), self.context.wrap_socket(self.request, server_side=True) as tls:
            tls.recv(1)
            return
        Closing.handle(self)  # type: ignore[arg-type]  # it needs the request only


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Any]:
    """Starts a server with a handler; gives its port."""
    servers: list[socketserver.ThreadingTCPServer] = []

    def start(handler: type[socketserver.BaseRequestHandler]) -> int:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port: int = server.server_address[1]
        return port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def tls(tmp_path: Path, serve: Any) -> int:
    """The port of a stand-in with TLS."""
    if shutil.which("openssl") is None:
        pytest.skip("NO OPENSSL, so TLS was not tried")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=redis"]
    subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    Tls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    Tls.context.load_cert_chain(certificate, key)
    port: int = serve(Tls)
    return port


def ask(port: int, *, tls: bool = False) -> Any:
    told = Redis(service="store", host="127.0.0.1", port=port, tls=tls)
    settings = Settings(redis={"main": told}, timeouts=Timeouts(redis=4))
    return ask_redis(look(settings), Model((), "settings"), told, Engine({}))


def test_a_plain_client_at_a_redis_with_tls_is_told_to_set_it(tls: int) -> None:
    with pytest.raises(CannotLook, match="`tls = true`"):
        ask(tls)


def test_a_port_that_accepts_and_closes_is_unreachable(serve: Any) -> None:
    with pytest.raises(ProbeError, match="closes it without a word"):
        ask(serve(Closing))


def test_a_handshake_that_never_comes_about_names_the_setting(serve: Any) -> None:
    class Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            threading.Event().wait(3)

    told = Redis(service="store", host="127.0.0.1", port=serve(Silent), tls=True)
    settings = Settings(redis={"main": told}, timeouts=Timeouts(redis=0.5))
    with pytest.raises(ProbeError, match="tls = true") as caught:
        ask_redis(look(settings), Model((), "settings"), told, Engine({}))
    assert caught.value.kind == "timeout"
