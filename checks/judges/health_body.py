"""The states that a health body reports for a service and for its components, in the formats that are in use; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

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
STATE_KEYS = ("status", "state", "health", "code")  # keys that hold the state of their own table; the first counts
FLAG_KEYS = ("healthy", "ok", "success", "ready")  # keys whose value `false` is a bad state
GROUP_KEYS = ("components", "services", "dependencies", "checks", "details", "data")  # keys that hold components
SETTING_KEY = re.compile(r"(?:level|severity|colou?r|theme|mode|name|type|event)$", re.IGNORECASE)  # `log_level: error`
REQUEST_STATES = {"success"}  # JSend: beside `data`, it is the state of the request
MAX_DEPTH = 8
MAX_STATE_CHARACTERS = 40

Table = Mapping[str, object]
State = tuple[str, str]  # component and state; the service itself has the name ''


def _states(value: object) -> Iterator[State]:
    """Every state in a health body."""
    if isinstance(value, str):
        yield "", _normal(value)
    elif isinstance(value, list):
        yield from _component_states("?", value, 0)
    elif isinstance(value, dict):
        own = list(_own_states(value, 0))
        yield from (("", state) for state in own)
        yield from _flat_states(value)
        for key in GROUP_KEYS:
            inner = value.get(key)
            is_envelope = not own or (key == "data" and set(own) <= REQUEST_STATES)
            if is_envelope and isinstance(inner, dict) and isinstance(inner.get("status"), str):
                yield from _states(inner)  # the service's own table; beside a state of its own it would be a component
            else:
                yield from _component_states(key, inner, 1)


def _own_states(table: Table, depth: int) -> Iterator[str]:
    """The states of what the table describes, not those of its components."""
    state = _own_state(table)
    if isinstance(state, str):
        yield _normal(state)
    elif isinstance(state, dict) and depth < MAX_DEPTH:
        yield from _own_states(state, depth + 1)
    for key in FLAG_KEYS:
        if table.get(key) is False:
            yield _normal(f"{key}: false")


def _own_state(table: Table) -> object:
    """The value of the table's first state key: a text, or a table that holds the state."""
    return next((table[key] for key in STATE_KEYS if isinstance(table.get(key), str | dict)), None)


def _flat_states(table: Table, depth: int = 0) -> Iterator[State]:
    """The bad states of components that are single words beside the own state: `"database": "disconnected"`."""
    own = _own_state(table)
    if isinstance(own, dict) and depth < MAX_DEPTH:
        yield from _flat_states(own, depth + 1)
    for key, value in table.items():
        if isinstance(value, str) and value is not own and _normal(value) in BAD and not SETTING_KEY.search(key):
            yield key, _normal(value)


def _normal(state: str) -> str:
    return state.strip().lower().replace("-", "_").replace(" ", "_")


def _component_states(group: str, members: object, depth: int) -> Iterator[State]:
    """The states of a group's members. A bare `status` among them is the state of the group's owner."""
    if depth > MAX_DEPTH:
        return
    if isinstance(members, dict):
        for name, member in members.items():
            for value in member if isinstance(member, list) else [member]:
                yield from _member_states(group if name == "status" else name, value, depth)
    elif isinstance(members, list):
        for member in members:
            if isinstance(member, dict):
                yield from _member_states(str(member.get("name", member.get("service", "?"))), member, depth)


def _member_states(name: str, value: object, depth: int) -> Iterator[State]:
    if isinstance(value, str):
        yield name, _normal(value)
    elif isinstance(value, dict):
        yield from ((name, state) for state in _own_states(value, depth))
        for key in GROUP_KEYS:
            yield from _component_states(name, value.get(key), depth + 1)


def states_in(body: str) -> list[State]:
    """The states in a body: in its JSON, at the beginning of JSON that was cut, or in a text of one word."""
    value = json_of(body)
    if value is not None:
        return list(_states(value))
    text = body.lstrip("\ufeff").strip()
    cut = re.match(rf'\s*\{{\s*"(?:status|state)"\s*:\s*"([^"]{{1,{MAX_STATE_CHARACTERS}}})"', text)
    if cut:
        return [("", _normal(cut.group(1)))]
    return [("", _normal(text))] if len(text) < MAX_STATE_CHARACTERS else []


def bad_components(body: str) -> Sequence[str]:
    """The components that the body of an error names as broken."""
    return [name for name, state in _states(json_of(body)) if name and state in BAD]
