"""Every function that takes foreign texts apart takes linear time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from service_down.checks.framework.ids import safe_ids
from service_down.checks.judges.health_body import bad_components, states_in
from service_down.fixtures.catalog.log_signatures import signature_of
from service_down.fixtures.clients.http import json_of
from service_down.fixtures.clients.http_body import MAX_BODY_BYTES, read_body
from service_down.fixtures.clients.postgres_errors import classified
from service_down.fixtures.engines.docker.log_stream import HEADER, last_of, log_tail, messages
from service_down.fixtures.evidence.limits import limit_text
from service_down.fixtures.evidence.own_machine import trouble_in
from service_down.fixtures.settings.schema import Logs
from service_down.fixtures.text import harmless, harmless_json, single_line, without_last_word
from service_down.reports.delivery.markdown import code, escaped, prose
from service_down.reports.text import inert
from service_down.tests_meta.adversarial import KIB, MIB, PIECES, repeated

MAX_SECONDS = 2.0  # of processor time for 1 MiB


def body_of(text: str) -> tuple[str, bool]:
    response = httpx.Response(200, content=(text.encode() for _ in "1"), request=httpx.Request("GET", "http://test"))
    return read_body(response, time.monotonic() + 60)


def log_of(text: str) -> object:
    """What is kept of a log of this text, which arrives in messages of 16 KiB: the engine writes no longer ones."""
    raw = text.encode()
    parts = (raw[start : start + 16 * KIB] for start in range(0, len(raw), 16 * KIB))
    chunks = (HEADER.pack(1, len(part)) + part for part in parts)
    return log_tail(last_of(messages(chunks), 100_000), Logs(), lambda line: line)


FUNCTIONS: dict[str, Callable[[str], Any]] = {
    "body": body_of,
    "log": log_of,
    "limit": limit_text,
    "last word": without_last_word,
    "states": states_in,
    "components": bad_components,
    "json": json_of,
    "signature": signature_of,
    "postgres": lambda text: classified(RuntimeError(text), "db", {}),
    "program": trouble_in,
    "single line": single_line,
    "harmless": harmless,
    "harmless json": harmless_json,
    "ids": lambda text: list(safe_ids([text, text])),
    "markdown": escaped,
    "prose": prose,
    "code": code,
    "inert": inert,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_linear_time(name: str) -> None:
    pieces = list(PIECES)
    for size in (8 * KIB, 64 * KIB, MIB):
        spent = {piece: seconds_for(FUNCTIONS[name], repeated(piece, size)) for piece in pieces}
        pieces = sorted(spent, key=lambda piece: -spent[piece])[:1]
        assert spent[pieces[0]] < MAX_SECONDS, f"{size} characters of {pieces[0]!r} took {spent[pieces[0]]:.2f} s"


def seconds_for(function: Callable[[str], Any], text: str) -> float:
    began = time.process_time()
    function(text)
    return time.process_time() - began


def chunks_of(*parts: tuple[float, bytes]) -> Iterator[bytes]:
    for pause, part in parts:
        time.sleep(pause)
        yield part


def test_a_word_of_64_kib_is_cut_in_no_time_and_not_kept() -> None:
    began = time.process_time()
    text, cut = body_of("a" * MIB)
    assert time.process_time() - began < 0.5
    assert (cut, text) == (True, "")  # all of it may be one secret
    text, cut = body_of("one two " + "b" * 100 + " " + "c" * MAX_BODY_BYTES)
    assert text.startswith("one two bbb")
    assert without_last_word("one two") == "one "
    assert without_last_word("one two ") == "one two "
    assert without_last_word("") == ""


def test_an_answer_that_is_complete_is_an_answer_however_late_it_is_read() -> None:
    request = httpx.Request("GET", "http://test")
    response = httpx.Response(200, content=chunks_of((0, b'{"status": '), (0.3, b'"ok"}')), request=request)
    assert read_body(response, time.monotonic() + 0.1) == ('{"status": "ok"}', False)
