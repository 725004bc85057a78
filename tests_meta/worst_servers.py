"""Servers that send without end: stores and web servers as bad as they can be."""

from __future__ import annotations

import contextlib
import struct
import threading

from service_down.tests_meta.fake_servers import Conversation, Talk, mysql_greeting, mysql_packet

PIECE = b"x" * 1_048_576
GIGABYTE = 2**30


def silent(client: Conversation) -> None:
    """Accepts, and says nothing."""
    threading.Event().wait(60)


def _for_ever(client: Conversation, piece: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            client.send(piece)


def _redis(beginning: bytes, piece: bytes) -> Talk:
    def talk(client: Conversation) -> None:
        client.receive_line()
        client.send(beginning)
        _for_ever(client, piece)

    return talk


REDIS = {
    "a bulk string of 3 GB": _redis(b"$%d\r\n" % (3 * GIGABYTE), PIECE),
    "a list of a billion numbers": _redis(b"*1000000000\r\n", b":1\r\n" * 10_000),
    "lists in lists": _redis(b"", b"*1\r\n" * 10_000),
    "a line without an end": _redis(b"+", PIECE),
    "a map of maps": _redis(b"%1000000000\r\n", b"+k\r\n*0\r\n" * 10_000),
}


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _postgres(endless: Talk, *, logs_in: bool = True) -> Talk:
    """A PostgreSQL that lets everybody in and begins every transaction, and answers the first SELECT so."""

    def talk(client: Conversation) -> None:
        while True:
            length, code = struct.unpack("!ii", client.receive(8))
            client.receive(length - 8)
            if code >> 16 == 3:
                break
            client.send(b"N")
        if not logs_in:
            endless(client)
            return
        encoding = _message(b"S", b"client_encoding\0UTF8\0")
        client.send(_message(b"R", struct.pack("!i", 0)) + encoding + _message(b"Z", b"I"))
        while kind := client.receive(1):
            (length,) = struct.unpack("!i", client.receive(4))
            text = client.receive(length - 4)
            if b"SELECT" in text and kind in b"QP":
                endless(client)
                return
            if kind == b"Q":
                client.send(_message(b"C", b"SET\0") + _message(b"Z", b"T"))

    return talk


def _row_of_a_gigabyte(client: Conversation) -> None:
    column = b"c\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
    client.send(_message(b"T", struct.pack("!h", 1) + column))
    client.send(b"D" + struct.pack("!ihi", GIGABYTE - 100, 1, GIGABYTE - 110))
    _for_ever(client, PIECE)


def _error_of_a_gigabyte(client: Conversation) -> None:
    client.send(b"E" + struct.pack("!i", GIGABYTE))
    _for_ever(client, PIECE)


def _rows_without_end(client: Conversation) -> None:
    column = b"c\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
    client.send(_message(b"T", struct.pack("!h", 1) + column))
    _for_ever(client, _message(b"D", struct.pack("!hi", 1, 4) + b"text") * 5_000)


POSTGRES = {
    "a row of 1 GB": _postgres(_row_of_a_gigabyte),
    "rows without end": _postgres(_rows_without_end),
    "notices without end": _postgres(
        lambda client: _for_ever(client, _message(b"N", b"SWARNING\0Mmuch\0\0") * 5_000), logs_in=False
    ),
    "an error of 1 GB": _postgres(_error_of_a_gigabyte, logs_in=False),
    "no PostgreSQL at all": lambda client: _for_ever(client, PIECE),
}


def _mysql(beginning: bytes, piece: bytes) -> Talk:
    """A MySQL that greets, lets everybody in, and answers the first statement so."""

    def talk(client: Conversation) -> None:
        client.send(mysql_packet(0, mysql_greeting()))
        client.receive(int.from_bytes(client.receive(4)[:3], "little"))
        client.send(mysql_packet(2, b"\0\0\0\2\0\0\0"))
        client.receive(int.from_bytes(client.receive(4)[:3], "little"))
        client.send(beginning)
        _for_ever(client, piece)

    return talk


def _version_without_end(client: Conversation) -> None:
    client.send(b"\xff\xff\xff\0\x0a")
    _for_ever(client, b"8" * 65_536)


MYSQL = {
    "a packet of 16 MB after the other": _mysql(b"\xff\xff\xff\1", PIECE),
    "a billion columns": _mysql(mysql_packet(1, b"\xfd\xff\xff\xff"), mysql_packet(2, b"x" * 10)),
    "an error without an end": _mysql(b"\xff\xff\xff\1\xff\x10\4", PIECE),
    "no MySQL at all": lambda client: _for_ever(client, PIECE),
    "a version without an end": _version_without_end,
}


def for_ever(piece: bytes) -> Talk:
    """A server that sends this again and again, whatever it is asked."""
    return lambda client: _for_ever(client, piece)


LINES = {
    "no line": for_ever(PIECE),
    "short lines": for_ever(b"STAT x 1\r\n" * 10_000),
    "frames": for_ever(b"\1\0\0\0\0\xff\xff" * 10_000),
    "zeros": for_ever(bytes(65_536)),
}


def http_for_ever(beginning: str, piece: bytes) -> Talk:
    """A web server whose answer begins so and never ends."""

    def talk(client: Conversation) -> None:
        while client.receive_line().strip():
            pass
        client.send(f"HTTP/1.1 200 OK\r\n{beginning}".encode())
        _for_ever(client, piece)

    return talk


HTTP = {
    "a body without end": http_for_ever("\r\n", PIECE),
    "headers without end": http_for_ever("", b"X-Header: value\r\n" * 1_000),
    "a header without end": http_for_ever("X-Header: ", PIECE),
    "chunks without end": http_for_ever("Transfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n" * 10_000),
    "nothing": silent,
}
