"""The PostgreSQL probe: what a refusal proves of the database, and what only of us."""

from __future__ import annotations

import socketserver
import struct
import threading

import psycopg
import pytest
from psycopg import errors

from fixtures.evidence import CannotLook, ProbeError
from fixtures.model import Model
from fixtures.probes.postgres import ask_state, refusal
from fixtures.settings import Postgres, Settings
from tests_meta.lone import Engine, look

WHERE = {"address": "172.18.0.4:5432", "via": "container", "user": "app", "database": "app"}
DOUBT = "the password is a guess; export POSTGRES_PASSWORD"
FAILED = 'connection failed: connection to server at "172.18.0.4", port 5432 failed: '


def failed(text: str) -> Exception:
    """What psycopg raises when one cannot connect: a text without SQLSTATE."""
    return psycopg.OperationalError(FAILED + text)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (failed('FATAL:  password authentication failed for user "app"'), "auth"),
        (failed('FATAL:  role "app" is not permitted to log in'), "auth"),
        (failed("FATAL:  sorry, too many clients already"), "exhausted"),
        (failed("FATAL:  no more connections allowed (max_client_conn)"), "exhausted"),
        (failed("FATAL:  the database system is starting up"), "starting"),
        (failed('FATAL:  database "app" does not exist'), "missing"),
        (failed("FATAL:  no such database: app"), "missing"),
        (failed("Connection refused\n\tIs the server running on that host?"), "refused"),
        (psycopg.OperationalError("connection timeout expired"), "timeout"),
        (failed("Connection timed out"), "timeout"),
        (failed("FATAL:  query_wait_timeout"), "timeout"),
        (errors.QueryCanceled("canceling statement due to statement timeout"), "timeout"),
        (errors.LockNotAvailable("canceling statement due to lock timeout"), "timeout"),
        (failed('FATAL:  unrecognized configuration parameter "my_timeout"'), "other"),
    ],
    ids=range(14),
)
def test_what_the_server_says_of_itself_is_a_finding(error: Exception, kind: str) -> None:
    said = refusal(error, "store", WHERE)
    assert isinstance(said, ProbeError)
    assert said.kind == kind


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (failed('FATAL:  no pg_hba.conf entry for host "172.18.0.1", user "app"'), "does not let this machine in"),
        (failed('FATAL:  pg_hba.conf rejects connection for host "172.18.0.1"'), "does not let this machine in"),
        (failed("FATAL:  unsupported startup parameter: options"), "does not let this machine in"),
        (failed("FATAL:  unsupported startup parameter in options: statement_timeout"), "does not let this machine in"),
        (failed('FATAL:  permission denied for database "app"'), "may not ask store"),
        (errors.InsufficientPrivilege("permission denied for table users"), "may not ask store"),
        (failed('FATAL:  password authentication failed for user "app"'), DOUBT),
        (failed("fe_sendauth: no password supplied"), DOUBT),
    ],
    ids=["no-entry", "rejected", "pooler", "newer-pooler", "database", "table", "guess", "none"],
)
def test_what_only_keeps_us_out_is_could_not_look(error: Exception, words: str) -> None:
    said = refusal(error, "store", WHERE, DOUBT)
    assert isinstance(said, CannotLook)
    assert words in str(said)


class Pooler(socketserver.StreamRequestHandler):
    """A stand-in for PgBouncer: refuses what it does not know at once, and says so as PgBouncer does."""

    known = (b"user", b"database", b"client_encoding", b"application_name")

    def handle(self) -> None:
        names = self.startup()[::2]
        wrong = b", ".join(name for name in names if name not in self.known)
        text = b"unsupported startup parameter: " + wrong if wrong else b"no more connections allowed"
        fields = b"SFATAL\0C08P01\0M" + text + b"\0\0"
        self.wfile.write(b"E" + struct.pack("!i", len(fields) + 4) + fields)

    def startup(self) -> list[bytes]:
        """Names and values of what the client asks for; encryption, which it asks for first, is declined."""
        while True:
            length, code = struct.unpack("!ii", self.rfile.read(8))
            rest = self.rfile.read(length - 8)
            if code >> 16 == 3:
                return rest.rstrip(b"\0").split(b"\0")
            self.wfile.write(b"N")


def test_a_pooler_that_refuses_options_is_asked_without() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Pooler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = Postgres(service="store", host="127.0.0.1", port=server.server_address[1])
        with pytest.raises(ProbeError, match="no more connections allowed"):
            ask_state(look(Settings(postgres={"main": told})), Model((), "settings"), told, Engine({}))
        server.shutdown()
