"""Files of the user and of the stack, and texts of programs: settings, recordings, payloads, logs, bodies."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import httpx
from hypothesis import strategies as st

from service_down.fixtures.clients import http
from service_down.fixtures.clients.bounds import AnswerTooLarge
from service_down.fixtures.clients.http_body import MAX_BODY_BYTES, read_body
from service_down.fixtures.clients.postgres_errors import classified
from service_down.fixtures.clients.process import Ended
from service_down.fixtures.engines.docker.log_stream import last_of, log_tail, messages
from service_down.fixtures.evidence.observation import CannotCheck, ProbeError
from service_down.fixtures.evidence.recording import RecordingError, encode, load
from service_down.fixtures.probes import compose
from service_down.fixtures.settings.load import SettingsError, load_settings
from service_down.fixtures.settings.schema import Logs
from service_down.fixtures.stack.alert import AlertError, load_alert
from service_down.fixtures.stack.compose_file import kept_of
from service_down.tests_meta import offline
from service_down.tests_meta.faults.recording import evidence_file
from service_down.tests_meta.fuzz.target import SECRET, Target, json_near, must_hide, redactor, texts
from service_down.tests_meta.single_probe import probe_context
from service_down.tests_meta.suite_run import ROOT

MAX_SECONDS = 5.0  # of processor time for one input of a few KiB; they take milliseconds
ENCODINGS = ("", "gzip", "deflate", "x-gzip", "br", "gzip, gzip")
CHARSETS = ("", "; charset=utf-16", "; charset=iso-8859-1", "; charset=nonsense", "; charset=utf-32-le")


def _as_file(check: Callable[[Path], None]) -> Callable[[bytes], None]:
    def with_file(data: bytes) -> None:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            file = Path(folder) / "input"
            file.write_bytes(data)
            check(file)

    return with_file


def _settings(file: Path) -> None:
    try:
        load_settings(file, {"PLANTED": SECRET})
    except SettingsError as error:
        must_hide(error)


def _recording(file: Path) -> None:
    try:
        recording = load(file)
    except RecordingError:
        return
    assert offline.judge(recording).word in ("healthy", "degraded", "down", "unknown")


def _payload(file: Path) -> None:
    try:
        load_alert(str(file), Path())
    except AlertError:
        return


def _variables(file: Path) -> None:
    redactor().learn_secrets_in(compose.variables_in(file))


def _compose_config(data: bytes) -> None:
    context = replace(probe_context(), compose_files=(Path(__file__),))
    with (
        mock.patch.object(compose, "_run", return_value=Ended(0, data, b"")),
        mock.patch.object(compose, "_command", return_value=["docker", "compose"]),
    ):
        try:
            config = compose.ask_compose(context)
        except (ProbeError, CannotCheck) as error:
            must_hide(redactor().redact_text(str(error)))
            return
    compose.COMPOSE.read(redactor().redact_json(kept_of(config)))


def _compose_error(data: bytes) -> None:
    try:
        text = compose._error_about_the_file(Ended(1, b"", data))
    except CannotCheck as error:
        text = str(error)
    assert isinstance(text, str)


def _log(data: bytes) -> None:
    """The first byte is the size of the chunks, the second whether the container has a terminal."""
    size, terminal, stream = (data[0] or 1) if data else 1, data[1:2] > b"\x7f", data[2:]
    limits = Logs(lines=5, bytes=1024)
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    try:
        kept = last_of([(0, chunk) for chunk in chunks] if terminal else messages(chunks), limits.bytes + 8192)
    except AnswerTooLarge:
        return
    tail = log_tail(kept, limits, redactor().redact_text)
    assert len(tail.lines) <= limits.lines
    must_hide(tail.lines)


def _body(data: bytes) -> None:
    """The first two bytes choose the encodings, the third the size of the chunks."""
    encoding, charset = ENCODINGS[(data[0] if data else 0) % len(ENCODINGS)], CHARSETS[sum(data[1:2]) % len(CHARSETS)]
    size, body = sum(data[2:3]) + 1, data[3:]
    headers = {"content-type": f"text/plain{charset}", **({"content-encoding": encoding} if encoding else {})}
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    response = httpx.Response(200, headers=headers, content=chunks, request=httpx.Request("GET", "http://h/"))
    try:
        text, cut = read_body(response, time.monotonic() + 60)
    except ProbeError:
        return
    assert len(text) <= MAX_BODY_BYTES
    assert not cut or len(body) > 0


def _redaction(data: bytes) -> None:
    """A text with the planted secret, which is known, keeps nothing of it. So does JSON; lines are kept."""
    text = data.decode(errors="replace")
    known = redactor()
    redacted = known.redact_text(text)
    must_hide(redacted)
    must_hide(redactor().redact_json({"value": [text]}))
    if "\n" in text:
        assert known.redact_text(redacted) == redacted, "redacting twice changes nothing"


def _certificate(data: bytes) -> None:
    tls = SimpleNamespace(getpeercert=lambda: {"notAfter": data.decode(errors="replace")})
    stream = SimpleNamespace(get_extra_info=lambda name: tls)
    days = http._certificate_days(SimpleNamespace(extensions={"network_stream": stream}))  # type: ignore[arg-type]
    assert days is None or isinstance(days, float)


def _postgres_error(data: bytes) -> None:
    found = classified(Exception(data.decode(errors="replace")), "store", {"address": "h:1"})
    assert isinstance(found, ProbeError | CannotCheck)


def bounded(check: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The check, which must end in a bounded time of the processor."""

    def within(data: bytes) -> None:
        began = time.process_time()
        check(data)
        seconds = time.process_time() - began
        assert seconds < MAX_SECONDS, f"{len(data)} bytes took {seconds:.1f} s"

    return within


_TOML = (ROOT / "tests_meta" / "stack" / "stack.toml").read_bytes()
_LINES = _TOML.splitlines(keepends=True)
_WORDS = [
    b'x = "${PLANTED}"\n', b"[stack]\n", b"[services.a]\n", b"port = -1\n", b'host = "\\u0000"\n', b"x = 1e400\n",
    b"x = " + b"[" * 2000 + b"\n", b"a.b.c = {}\n", b"[[services]]\n", b"x = 2026-13-45\n", b'project = "${NONE}"\n',
]  # fmt: skip
_SERVICE = {
    "image": "shop/web:1",
    "depends_on": {"db": {"condition": "service_healthy", "required": True}},
    "ports": [{"published": "8080", "target": 80, "protocol": "tcp", "host_ip": "127.0.0.1"}],
    "scale": 1,
    "networks": {"back": None},
    "environment": {"DB_PASSWORD": SECRET},
    "healthcheck": {"test": ["CMD"], "disable": False},
    "deploy": {"replicas": 2, "restart_policy": {"condition": "any"}},
    "restart": "always",
    "container_name": "web-1",
}
_CONFIG = {
    "name": "shop",
    "services": {"web": _SERVICE},
    "networks": {"back": {"name": "shop_back"}},
    "volumes": {"v": None},
}
_PAYLOAD = {
    "version": "4",
    "alerts": [{"status": "firing", "labels": {"alertname": "A"}, "startsAt": "2026-11-25T14:00:00Z"}],
}


def _small_recording() -> Any:
    recorded = offline.read(evidence_file("postgres-stopped"))
    return json.loads(encode(recorded, redactor()))


def _settings_texts() -> st.SearchStrategy[bytes]:
    lines = st.lists(st.one_of(st.sampled_from(_LINES), st.sampled_from(_WORDS), st.binary(max_size=12)), max_size=15)
    whole = st.tuples(st.integers(0, len(_LINES)), lines).map(
        lambda found: b"".join([*_LINES[: found[0]], *found[1], *_LINES[found[0] :]])
    )
    return st.one_of(lines.map(b"".join), whole)


def _log_streams() -> st.SearchStrategy[bytes]:
    stamp = b"2026-11-23T21:04:17.1Z "
    known = st.sampled_from([stamp, b"\n", SECRET.encode(), b"password=", b"x" * 9000, b"\x1b[0m"])
    text = st.one_of(known, st.binary(max_size=20))
    line = st.lists(text, max_size=5).map(b"".join)
    message = st.tuples(st.integers(0, 255), line).map(
        lambda found: bytes([found[0], 0, 0, 0]) + len(found[1]).to_bytes(4, "big") + found[1]
    )
    return st.tuples(st.binary(min_size=2, max_size=2), st.lists(st.one_of(message, line), max_size=6)).map(
        lambda found: found[0] + b"".join(found[1])
    )


_PIECES = [
    SECRET, f"password: {SECRET}", f'{{"token": "{SECRET}"', "-----BEGIN RSA PRIVATE KEY-----", "://a:", "@", "%00",
    "\\u0000", "\u200b", "--requirepass ", "Bearer ", "\n  ", "'", "eyJ", "://a:b@h/", "\x1b[0m", "&token=",
]  # fmt: skip
_ANY_TEXT = st.lists(st.one_of(texts(), st.sampled_from(_PIECES)), max_size=8).map(
    lambda pieces: "".join(pieces).encode(errors="replace")
)
_PG = st.sampled_from(
    ["FATAL: ", "password authentication failed", "too many clients", 'could not open file "base/', "\n", "SSL"]
)
_PG_TEXT = st.lists(st.one_of(_PG, texts()), max_size=5).map(lambda found: "".join(found).encode(errors="replace"))
_NOT_AFTER = st.sampled_from([b"Nov 25 14:00:00 2026 GMT", b"Bad time value", b"Feb 30 24:61:00 0000 GMT"])

TARGETS = (
    Target("settings", bounded(_as_file(_settings)), _settings_texts()),
    Target("recording", bounded(_as_file(_recording)), json_near(_small_recording()), examples=8),
    Target("alert-payload", bounded(_as_file(_payload)), json_near(_PAYLOAD)),
    Target("env-file", bounded(_as_file(_variables)), st.one_of(_ANY_TEXT, st.binary(max_size=80))),
    Target("compose-config", bounded(_compose_config), json_near(_CONFIG)),
    Target("compose-error", bounded(_compose_error), _ANY_TEXT),
    Target("log-stream", bounded(_log), _log_streams()),
    Target("http-body", bounded(_body), st.one_of(st.binary(max_size=300), _log_streams())),
    Target("redaction", bounded(_redaction), _ANY_TEXT, examples=100),
    Target("certificate", bounded(_certificate), st.one_of(_NOT_AFTER, _ANY_TEXT, st.binary(max_size=30))),
    Target("postgres-error", bounded(_postgres_error), _PG_TEXT),
)
