"""What Redis and PostgreSQL send, from a server of this machine, and odd answers of the engine."""

from __future__ import annotations

import json
import struct
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from service_down.fixtures.evidence.observation import CannotCheck, ProbeError
from service_down.fixtures.probes import postgres, redis
from service_down.fixtures.settings.schema import Settings, Timeouts
from service_down.fixtures.stack.model import Model
from service_down.tests_meta.fake_servers import Conversation, recording_server
from service_down.tests_meta.fuzz.target import SECRET, Target, must_hide, values
from service_down.tests_meta.odd_answers import OddAnswers, Place
from service_down.tests_meta.single_probe import FakeEngine, probe_context

SECONDS = 0.3  # many inputs leave the client waiting for the rest of an answer
MODEL = Model((), "settings")


def _redis(data: bytes) -> None:
    """Each command is answered with the next part of the input; parts are parted by a NUL and a line's end."""
    parts = iter(data.split(b"\0\n"))

    def talk(client: Conversation) -> None:
        while line := client.receive_line():
            if line.startswith(b"*"):
                part = next(parts, None)
                if part is None:
                    return
                client.send(part)

    context = probe_context(Settings(timeouts=Timeouts(redis=SECONDS)), REDIS_PASSWORD=SECRET)
    with recording_server(talk) as server:
        settings = redis.RedisSettings(service="store", host="127.0.0.1", port=server.port)
        try:
            answer = redis.ask_redis(context, MODEL, settings, FakeEngine({}))
        except (ProbeError, CannotCheck) as error:
            must_hide(context.redactor.redact_text(str(error)))
            return
    redis.REDIS.read(context.redactor.redact_json(answer))


def _postgres(data: bytes) -> None:
    """Everybody is let in; each question is answered with the next part of the input, then `ready`."""
    parts = iter(data.split(b"\0\n"))

    def talk(client: Conversation) -> None:
        while True:
            length, code = struct.unpack("!ii", client.receive(8))
            client.receive(length - 8)
            if code >> 16 == 3:
                break
            client.send(b"N")
        client.send(_message(b"R", struct.pack("!i", 0)) + _message(b"S", b"client_encoding\0UTF8\0") + _READY)
        while kind := client.receive(1):
            (length,) = struct.unpack("!i", client.receive(4))
            text = client.receive(length - 4)
            if kind in b"QS":
                known = text[:5] in (b"BEGIN", b"SET L", b"ROLLB", b"COMMI") if kind == b"Q" else False
                part = _message(b"C", b"SET\0") if known else next(parts, None)
                if part is None:
                    return
                client.send(part + _message(b"Z", b"T"))

    context = probe_context(Settings(timeouts=Timeouts(sql=SECONDS)), POSTGRES_PASSWORD=SECRET)
    with recording_server(talk) as server:
        settings = postgres.PostgresSettings(service="store", host="127.0.0.1", port=server.port)
        try:
            answer = postgres.ask_state(context, MODEL, settings, FakeEngine({}))
        except (ProbeError, CannotCheck) as error:
            must_hide(context.redactor.redact_text(str(error)))
            return
    postgres.POSTGRES.read(context.redactor.redact_json(msgspec.to_builtins(answer)))


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


_READY = _message(b"Z", b"I")


@cache
def _recorded() -> OddAnswers:
    return OddAnswers("postgres-stopped")


def _engine(data: bytes) -> None:
    """A JSON list: the number of a place in the engine's answers, and the value there. It costs nothing beside it."""
    try:
        number, wrong = json.loads(data)
        number = int(number)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return
    odd, places = _recorded(), _places()
    place = places[number % len(places)]
    usual: Any = odd.engine.answers[place.question]
    for key in place.path:
        usual = usual[key]
    if _kind(wrong) != _kind(usual):  # another value of the same type is no odd answer
        assert odd.complaints(Place(place.question, place.path, wrong, place.services)) == []


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


@cache
def _places() -> list[Place]:
    """One for each place whose value may be a wrong type."""
    return list({(place.question, place.path): place for place in _recorded().places()}.values())


def _bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


_RESP = st.sampled_from([
    b"+PONG\r\n", b"+OK\r\n", b"-NOAUTH Authentication required.\r\n", b"-ERR unknown command\r\n", b"$-1\r\n",
    b"*-1\r\n", b"$11\r\nloading:0\r\n\r\n", b"$22\r\nused_memory:x\r\nrole:1\r\n\r\n", b"*0\r\n", b"*1\r\n+x\r\n",
    b"*2\r\n+a\r\n:1\r\n", b":1\r\n", b":x\r\n", b"$x\r\n", b"*x\r\n", b"%1\r\n+a\r\n+b\r\n", b"_\r\n", b"#t\r\n",
    b",inf\r\n", b"(9\r\n", b">2\r\n+a\r\n+b\r\n", b"$5\r\nab\r\n", b"$22\r\nredis_version:\xff\xfe\x00a=1\r\n",
    b"~1\r\n:1\r\n", b"=5\r\ntxt:a\r\n", b"!3\r\nERR\r\n", b"|1\r\n+a\r\n+b\r\n+PONG\r\n",
])  # fmt: skip
_FIELDS = [
    b"used_memory:1", b"used_memory:-", b"maxmemory:9" + b"9" * 30, b"role:master", b"loading:nan", b"role", b"a:\xff",
    b"maxmemory:keys=1,expires=2", b"connected_slaves:1,2", b"loading_eta_seconds:1e999", b"#x", b":", b"role:a=b", b"",
]  # fmt: skip
_INFO = st.lists(st.sampled_from(_FIELDS), max_size=6).map(lambda lines: _bulk(b"\r\n".join(lines)))
_PART = st.one_of(_RESP, _INFO, st.binary(max_size=20), st.lists(_RESP, max_size=3).map(b"".join))


def _redis_inputs() -> st.SearchStrategy[bytes]:
    greeting = st.integers(0, 4).map(lambda count: [b"+OK\r\n"] * count)
    return st.tuples(greeting, st.lists(_PART, max_size=5)).map(
        lambda found: b"\0\n".join([*found[0], b"+PONG\r\n", *found[1]])
    )


def _row(values: list[bytes | None]) -> bytes:
    """A row of these texts, with its description."""
    oids = (25, 16, 25, 20, 23, 23, 1184)
    columns = b"".join(b"c\0" + struct.pack("!ihihih", 0, 0, oids[i % 7], -1, -1, 0) for i in range(len(values)))
    cells = b"".join(struct.pack("!i", -1) if text is None else struct.pack("!i", len(text)) + text for text in values)
    count = struct.pack("!h", len(values))
    return _message(b"T", count + columns) + _message(b"D", count + cells) + _message(b"C", b"SELECT 1\0")


_TEXTS = [b"16.1", b"f", b"t", b"on", b"1", b"x", b"\xff", b"2026-11-25 14:00:00+00", b"infinity", b"{1,2}", b"9" * 40]
_CELL = st.one_of(st.none(), st.sampled_from(_TEXTS), st.binary(max_size=6))
_GOOD = [b"16.1", b"f", b"off", b"7", b"100", b"3", b"2026-11-25 14:00:00+00"]
_MESSAGES = [
    _message(b"E", b"SERROR\0C42501\0Mpermission denied for x\0\0"), _message(b"E", b"\0"), _message(b"I", b""),
    _message(b"C", b"SELECT 0\0"), _message(b"N", b"SWARNING\0Mx\0\0"), _message(b"A", b"\0\0\0\1c\0p\0"),
    _message(b"G", b"\0\0\0"),
]  # fmt: skip
_ROWS = st.one_of(
    st.lists(_CELL, min_size=7, max_size=7).map(_row),
    st.lists(_CELL, max_size=9).map(_row),
    st.tuples(st.integers(0, 6), _CELL).map(lambda found: _row([*_GOOD[: found[0]], found[1], *_GOOD[found[0] + 1 :]])),
    st.sampled_from(_MESSAGES),
    st.binary(max_size=20),
)  # fmt: skip
_LOCKS = st.one_of(st.just(_row([b"0", None, None])), _ROWS)


def _postgres_inputs() -> st.SearchStrategy[bytes]:
    one = st.one_of(st.just(_row([b"1"])), st.just(_row([b"1"])), _ROWS)
    return st.tuples(one, _ROWS, _LOCKS).map(b"\0\n".join)


_ENGINE = st.tuples(st.integers(0, 5000), values()).map(lambda found: json.dumps(found).encode())
TARGETS = (
    Target("redis", _redis, _redis_inputs(), examples=25),
    Target("postgres", _postgres, _postgres_inputs(), examples=25),
    Target("engine", _engine, _ENGINE, examples=10),
)
