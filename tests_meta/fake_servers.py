"""Servers that record every byte they receive, and answer as a server that wants the caller's credentials."""

from __future__ import annotations

import contextlib
import hashlib
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service_down.fixtures.secrets.encodings import encoded_forms

Talk = Callable[["Conversation"], None]
MD5_SALT = b"salt"
MYSQL_NONCE = b"nonce-of-20-bytes...."[:20]
ELSEWHERE = "127.0.0.2"  # where `redis_that_moves` sends its clients
IDLE_SECONDS = 2.0  # a client that sends nothing for so long has nothing more to say


class Conversation(socketserver.StreamRequestHandler):
    """One connection: what it receives is recorded by its server."""

    server: RecordingServer
    timeout = IDLE_SECONDS

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def handle(self) -> None:
        with contextlib.suppress(OSError, struct.error):
            self.server.talk(self)

    def receive(self, size: int) -> bytes:
        """Exactly `size` bytes; fewer at the end of the connection."""
        return self._recorded(self.rfile.read(size))

    def receive_line(self) -> bytes:
        """A line; empty at the end of the connection."""
        return self._recorded(self.rfile.readline())

    def receive_rest(self) -> None:
        """Everything until the client is done."""
        while self._recorded(self.rfile.read1(65_536)):
            pass

    def send(self, answer: bytes) -> None:
        """Sends an answer."""
        self.wfile.write(answer)

    def _recorded(self, received: bytes) -> bytes:
        self.server.received += received
        return received


class RecordingServer(socketserver.ThreadingTCPServer):
    """A server with everything that it received."""

    daemon_threads = True
    request_queue_size = 128  # with five, the kernel lets others wait for a second

    def __init__(self, talk: Talk, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), Conversation)
        self.talk, self.received, self.connections = talk, b"", 0

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def secrets_in(self, *secrets: str) -> list[str]:
        """The secrets that it received, in whatever spelling."""
        text = self.received.decode("latin-1")
        return [secret for secret in secrets if _is_in(secret, text)]


def _is_in(secret: str, text: str) -> bool:
    digests = [md5_password(user, secret) for user in ("app", "postgres", "settings-user")]
    digests.append(mysql_password(secret))
    spellings = (secret, secret[::-1], secret.encode().hex(), *digests)
    return any(spelling in text for spelling in spellings) or encoded_forms(secret).replace_in(text, "") != text


def md5_password(user: str, password: str) -> str:
    """PostgreSQL's MD5 of a password, as a client sends it with the salt of `postgres_md5`."""
    inner = hashlib.md5(f"{password}{user}".encode()).hexdigest()
    return hashlib.md5(inner.encode() + MD5_SALT).hexdigest()


def mysql_password(password: str) -> str:
    """The answer of `mysql_native_password` to the nonce of `mysql`, as Latin-1."""
    once = hashlib.sha1(password.encode()).digest()
    mask = hashlib.sha1(MYSQL_NONCE + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mask, strict=True)).decode("latin-1")


def postgres_cleartext(client: Conversation) -> None:
    """A PostgreSQL that asks for the password in clear."""
    _postgres(client, struct.pack("!i", 3))


def postgres_md5(client: Conversation) -> None:
    """A PostgreSQL that asks for the MD5 of the password."""
    _postgres(client, struct.pack("!i", 5) + MD5_SALT)


def postgres_scram(client: Conversation) -> None:
    """A PostgreSQL that asks for SCRAM."""
    _postgres(client, struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0")


def postgres_endless_scram(client: Conversation) -> None:
    """A PostgreSQL that asks for SCRAM with so many rounds that a client hashes for half an hour."""
    _postgres(client, struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0", rest=False)
    _, length = struct.unpack("!ci", client.receive(5))
    nonce = client.receive(length - 4).rpartition(b",r=")[2]
    answer = b"r=" + nonce + b"x,s=c2FsdHNhbHRzYWx0,i=2000000000"
    client.send(b"R" + struct.pack("!ii", len(answer) + 8, 11) + answer)
    client.receive_rest()


# Logins that the suite does not have: the beginning of the server's question.
OTHER_LOGINS = {
    "Kerberos 5": struct.pack("!i", 2),
    "GSSAPI": struct.pack("!i", 7),
    "SSPI": struct.pack("!i", 9),
    "OAuth": struct.pack("!i", 10) + b"OAUTHBEARER\0\0",
    "an unknown one of SASL": struct.pack("!i", 10) + b"SOMETHING-NEW\0\0",
    "SCRAM bound to TLS, without TLS": struct.pack("!i", 10) + b"SCRAM-SHA-256-PLUS\0\0",
    "SCRAM bound to TLS, and another": struct.pack("!i", 10) + b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0",
}


def postgres_asking(wanted: bytes) -> Talk:
    """A PostgreSQL whose question for a login is this."""
    return lambda client: _postgres(client, wanted)


def _postgres(client: Conversation, wanted: bytes, rest: bool = True) -> None:
    """Declines encryption, reads the startup parameters, asks for a password and never accepts it."""
    while True:
        length, code = struct.unpack("!ii", client.receive(8))
        client.receive(length - 8)
        if code >> 16 == 3:
            break
        client.send(b"N")
    client.send(b"R" + struct.pack("!i", len(wanted) + 4) + wanted)
    if rest:
        client.receive_rest()


def mysql(client: Conversation) -> None:
    """A MySQL that asks for a login as `mysql_native_password`, and never accepts it."""
    mysql_login(client, b"mysql_native_password")


def mysql_login(client: Conversation, plugin: bytes) -> None:
    """Greets as MySQL does, asks for a login by this plugin, and refuses it."""
    client.send(mysql_packet(0, mysql_greeting()))
    client.receive(int.from_bytes(client.receive(4)[:3], "little"))
    client.send(mysql_packet(2, b"\xfe" + plugin + b"\0" + MYSQL_NONCE + b"\0"))
    client.receive(int.from_bytes(client.receive(4)[:3], "little"))
    client.send(mysql_packet(4, b"\xff" + struct.pack("<H", 1045) + b"#28000Access denied for user 'x'@'y'"))


def mysql_packet(number: int, body: bytes) -> bytes:
    """A packet of MySQL's protocol."""
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def mysql_greeting(version: bytes = b"8.0.36") -> bytes:
    """The first packet of a MySQL server without TLS."""
    capabilities = 0x1 | 0x200 | 0x8000 | 0x80000  # long passwords, protocol 4.1, its logins, plugins of logins
    return (
        b"\x0a" + version + b"\0" + struct.pack("<I", 7) + MYSQL_NONCE[:8] + b"\0"
        + struct.pack("<HBHHB", capabilities & 0xFFFF, 45, 2, capabilities >> 16, 21) + bytes(10)
        + MYSQL_NONCE[8:] + b"\0" + b"caching_sha2_password\0"
    )  # fmt: skip


def redis(client: Conversation) -> None:
    """A Redis that wants a password, and accepts every one."""
    known = False
    while line := client.receive_line():
        words = []
        for _ in range(int(line[1:])):
            size = int(client.receive_line()[1:])
            words.append(client.receive(size + 2)[:-2].upper())
        known = known or words[0] == b"AUTH"
        client.send(_redis_answer(words[0]) if known else b"-NOAUTH Authentication required.\r\n")


def _redis_answer(command: bytes) -> bytes:
    return {b"PING": b"+PONG\r\n", b"INFO": b"$11\r\nloading:0\r\n\r\n", b"CONFIG": b"*0\r\n"}.get(command, b"+OK\r\n")


def redis_that_moves(client: Conversation) -> None:
    """A Redis that knows RESP3, and tells its clients in the middle to go on at ELSEWHERE, on the same port."""
    address = f"{ELSEWHERE}:{client.server.port}".encode()
    moving = b">4\r\n$6\r\nMOVING\r\n:1\r\n:1\r\n$%d\r\n%s\r\n" % (len(address), address)
    resp3 = False
    while line := client.receive_line():
        words = [client.receive(int(client.receive_line()[1:]) + 2)[:-2].upper() for _ in range(int(line[1:]))]
        resp3 = resp3 or words[0] == b"HELLO"
        answers = {b"HELLO": b"%1\r\n$5\r\nproto\r\n:3\r\n", b"CONFIG": b"%0\r\n"} if resp3 else {}
        answer = answers.get(words[0]) or _redis_answer(words[0])
        client.send(moving + answer if words[0] in (b"PING", b"INFO") else answer)


def redis_of_resp2(client: Conversation) -> None:
    """A fake of a Redis before 6: it knows neither HELLO nor what CLIENT says of a library, and wants a password."""
    known = False
    while line := client.receive_line():
        words = [client.receive(int(client.receive_line()[1:]) + 2)[:-2].upper() for _ in range(int(line[1:]))]
        if words[0] == b"HELLO":
            client.send(b"-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n")
        elif words[:2] == [b"CLIENT", b"SETINFO"]:
            client.send(b"-ERR Unknown subcommand or wrong number of arguments for 'SETINFO'\r\n")
        elif words[0] == b"AUTH" and len(words) > 2:
            client.send(b"-ERR wrong number of arguments for 'auth' command\r\n")
        else:
            known = known or words[0] == b"AUTH"
            client.send(_redis_answer(words[0]) if known else b"-NOAUTH Authentication required.\r\n")


def http(status: str, headers: str = "", body: str = "{}") -> Talk:
    """An HTTP server with one answer to every request."""

    def talk(client: Conversation) -> None:
        size = 0
        while (line := client.receive_line()).strip():
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        client.receive(size)
        client.send(
            f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )

    return talk


def breaks_at_first(talk: Talk) -> Talk:
    """A server that closes its first connection without a word."""

    def talk_later(client: Conversation) -> None:
        if client.server.connections > 1:
            talk(client)

    return talk_later


@contextmanager
def recording_server(talk: Talk, host: str = "127.0.0.1", port: int = 0) -> Iterator[RecordingServer]:
    """A running server; its port is free unless one is given."""
    with RecordingServer(talk, host, port) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
