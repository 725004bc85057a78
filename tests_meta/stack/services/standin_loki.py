"""A stand-in for Loki: keeps in memory what is pushed, and answers label matchers and line filters."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from .web import Answer, Request, serve

MOST = 20_000
TimelineEntry = tuple[int, dict[str, str], str]


class Store:
    """The newest lines of all streams."""

    def __init__(self) -> None:
        self._entries: list[TimelineEntry] = []
        self._lock = threading.Lock()

    def push(self, request: Request) -> Answer:
        """`POST /loki/api/v1/push` with JSON."""
        body = request.json()
        if not isinstance(body, dict) or "streams" not in body:
            return Answer(400, "expected JSON with streams\n")
        with self._lock:
            for stream in body["streams"]:
                for value in stream["values"]:
                    self._entries.append((int(value[0]), dict(stream["stream"]), str(value[1])))
            self._entries = sorted(self._entries[-MOST:], key=lambda entry: entry[0])
        return Answer(204)

    def query(self, request: Request) -> Answer:
        """`GET /loki/api/v1/query_range`."""
        query = request.query.get("query", "")
        selector = re.match(r"\s*\{([^}]*)\}", query)
        if not selector:
            return Answer(400, "parse error: expected a stream selector\n")
        matchers = re.findall(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"', selector.group(1))
        needles = re.findall(r'\|=\s*[`"]([^`"]*)[`"]', query)
        now = time.time_ns()
        start, end = int(request.query.get("start", now - 3600 * 10**9)), int(request.query.get("end", now))
        with self._lock:
            found = [entry for entry in self._entries if start <= entry[0] < end and _fits(entry, matchers, needles)]
        if request.query.get("direction", "backward") == "backward":
            found.reverse()
        return Answer(200, _streams(found[: int(request.query.get("limit", 100))]))

    def labels(self, request: Request) -> Answer:
        """`GET /loki/api/v1/labels`."""
        with self._lock:
            names = sorted({name for _, labels, _ in self._entries for name in labels})
        return Answer(200, {"status": "success", "data": names})


def _fits(entry: TimelineEntry, matchers: list[tuple[str, str, str]], needles: list[str]) -> bool:
    _, labels, line = entry
    return all(needle in line for needle in needles) and all(_matches(labels, *matcher) for matcher in matchers)


def _matches(labels: Mapping[str, str], name: str, sign: str, value: str) -> bool:
    own = labels.get(name, "")
    same = own == value if "~" not in sign else re.fullmatch(value, own) is not None
    return same if not sign.startswith("!") else not same


def _streams(entries: list[TimelineEntry]) -> dict[str, Any]:
    streams: dict[str, dict[str, Any]] = {}
    for at, labels, line in entries:
        stream = streams.setdefault(str(sorted(labels.items())), {"stream": labels, "values": []})
        stream["values"].append([str(at), line])
    return {"status": "success", "data": {"resultType": "streams", "result": list(streams.values())}}


def main() -> None:
    """Serves on 3100."""
    store = Store()
    routes = {
        "GET /ready": lambda request: Answer(200, "ready\n"),
        "POST /loki/api/v1/push": store.push,
        "GET /loki/api/v1/query_range": store.query,
        "GET /loki/api/v1/labels": store.labels,
    }
    serve(3100, routes, headers={"X-Stand-In": "loki"})


if __name__ == "__main__":
    main()
