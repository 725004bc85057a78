"""A target of fuzzing: what reads bytes from outside, and how inputs are made."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from service_down.fixtures.secrets.redact import Redactor

SECRET = "hV3kQ9xW7zLm2TbY8nRc"  # planted in inputs; no output may hold it
EXAMPLES = 40  # of a cheap target, in `make test`

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, 1e308, float("nan"), float("inf"), "", "x", "NaN", "\0", "\ud800", "é" * 300,
    [], {}, [None], [[]], {"": {}}, [{"": None}], {"status": "x", "body": None}, "9" * 5000,
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """`check` takes an input, and raises for everything that the documentation does not promise."""

    name: str
    check: Callable[[bytes], None]
    inputs: st.SearchStrategy[bytes]
    examples: int = EXAMPLES


def redactor() -> Redactor:
    """A redactor that knows the planted secret."""
    made = Redactor(b"salt")
    made.learn_secret(SECRET)
    return made


def must_hide(text: object) -> None:
    """Raises AssertionError when a text shows the planted secret."""
    assert SECRET not in str(text), f"the planted secret is shown: {text!s:.300}"


def texts() -> st.SearchStrategy[str]:
    """Texts, some of which hold the planted secret."""
    pieces = st.one_of(st.just(SECRET), st.text(max_size=30), st.sampled_from(["password=", "\n", '"', "{", " ", "\0"]))
    return st.lists(pieces, max_size=6).map("".join)


def values() -> st.SearchStrategy[Any]:
    """Any JSON, odd values among it."""
    leaves = st.one_of(st.sampled_from(ODD), st.integers(), st.floats(), texts())
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts(), inner, max_size=3)), max_leaves=6
    )  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, sample: Any) -> Any:
    """A sample of JSON with other values in up to three of its places, which may also be missing or doubled."""
    value = json.loads(json.dumps(sample))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(list(_places(value))))
        if not path:
            return copy.deepcopy(draw(values()))
        table = value
        for key in path[:-1]:
            table = table[key]
        match draw(st.sampled_from(["value", "value", "missing", "doubled"])):
            case "missing":
                del table[path[-1]]
            case "doubled":
                table[path[-1]] = [table[path[-1]]] * 2
            case _:
                table[path[-1]] = copy.deepcopy(draw(values()))  # which may be changed in turn
        if not value:
            return value
    return value


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, found in inner:
        yield from _places(found, (*path, key))


def as_json(value: Any) -> bytes:
    """The value as the bytes of a JSON text."""
    return json.dumps(value).encode()


def json_near(sample: Any) -> st.SearchStrategy[bytes]:
    """Bytes like those of a sample of JSON: with other values, cut off, or anything."""
    whole = changed(sample).map(as_json)
    cut = st.tuples(whole, st.integers(0, 400)).map(lambda pair: pair[0][: pair[1]])
    return st.one_of(whole, whole, whole, cut, st.binary(max_size=60))
