"""What a health body says of the whole and of its parts, however it says it; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from service_down.fixtures.clients.http import json_of

BAD = {
    "unhealthy",
    "unreachable",
    "not_ready",
    "not_healthy",
    "down",
    "error",
    "fail",
    "failed",
    "failing",
    "dead",
    "critical",
    "unavailable",
    "out_of_service",
    "offline",
    "disconnected",
    "red",
    "broken",
    "not_ok",
    "healthy:_false",
    "ok:_false",
    "success:_false",
    "ready:_false",
}  # fmt: skip
IMPAIRED = {"degraded", "warning", "warn", "partial", "starting", "yellow"}
OWN = ("status", "state", "health", "code")  # keys of a table that say how it is itself, the first of them first
GROUPS = ("components", "services", "dependencies", "checks", "details", "data")  # keys that others stand behind
SETTING = re.compile(r"(?:level|severity|colou?r|theme|mode|name|type|event)$", re.IGNORECASE)  # `log_level: error`
ASKED_WELL = {"success"}  # JSend: beside `data` it speaks of the request
DEPTH = 8


def _states(value: Any) -> Iterator[tuple[str, str]]:
    """Every status in a health body by the component it is about; the whole's own has the name ''."""
    if isinstance(value, str):
        yield "", _word(value)
    elif isinstance(value, list):
        yield from _parts("?", value, 0)
    elif isinstance(value, dict):
        own = list(_own(value, 0))
        yield from (("", state) for state in own)
        yield from _flat(value)
        for key in GROUPS:
            inner = value.get(key)
            wraps = not own or (key == "data" and set(own) <= ASKED_WELL)
            if wraps and isinstance(inner, dict) and isinstance(inner.get("status"), str):
                yield from _states(inner)  # an envelope around the whole; beside a status of its own it is a part
            else:
                yield from _parts(key, inner, 1)


def _own(table: dict[str, Any], depth: int) -> Iterator[str]:
    """What a table says of itself."""
    said = _said_in(table)
    if isinstance(said, str):
        yield _word(said)
    elif isinstance(said, dict) and depth < DEPTH:
        yield from _own(said, depth + 1)
    for key in ("healthy", "ok", "success", "ready"):
        if table.get(key) is False:
            yield _word(f"{key}: false")


def _said_in(table: dict[str, Any]) -> Any:
    return next((table[key] for key in OWN if isinstance(table.get(key), str | dict)), None)


def _flat(table: dict[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    """The parts that stand beside the whole's own status as mere words: `"database": "disconnected"`."""
    said = _said_in(table)
    if isinstance(said, dict) and depth < DEPTH:
        yield from _flat(said, depth + 1)
    for key, value in table.items():
        if isinstance(value, str) and value is not said and _word(value) in BAD and not SETTING.search(key):
            yield key, _word(value)


def _word(state: str) -> str:
    return state.strip().lower().replace("-", "_").replace(" ", "_")


def _parts(owner: str, parts: Any, depth: int) -> Iterator[tuple[str, str]]:
    """The states of a group's members; a bare `status` among them is that of whom the group belongs to."""
    if depth > DEPTH:
        return
    if isinstance(parts, dict):
        for name, one in parts.items():
            for inner in one if isinstance(one, list) else [one]:
                yield from _part(owner if name == "status" else name, inner, depth)
    elif isinstance(parts, list):
        for one in parts:
            if isinstance(one, dict):
                yield from _part(str(one.get("name", one.get("service", "?"))), one, depth)


def _part(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, _word(value)
    elif isinstance(value, dict):
        yield from ((name, state) for state in _own(value, depth))
        for key in GROUPS:
            yield from _parts(name, value.get(key), depth + 1)


def states_of(answer: Any) -> list[tuple[str, str]]:
    """The statuses of an answer: of its JSON, of the beginning of one that was cut, of a text that is one word."""
    found = json_of(answer["body"])
    if found is not None:
        return list(_states(found))
    text = answer["body"].lstrip("\ufeff").strip()
    cut = re.match(r'\s*\{\s*"(?:status|state)"\s*:\s*"([^"]{1,40})"', text)
    if cut:
        return [("", _word(cut.group(1)))]
    return [("", _word(text))] if len(text) < 40 else []


def blamed_in(body: str) -> Iterable[str]:
    """The components that the body of an error names as broken."""
    return [name for name, state in _states(json_of(body)) if name and state in BAD]
