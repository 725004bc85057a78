"""A stand-in for Loki: keeps pushed lines in memory, and supports label matchers and line filters."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from .web import Answer, Request, serve

MAX_ENTRIES = 20_000
LogEntry = tuple[int, dict[str, str], str]  # time in nanoseconds, labels, line


class Store:
    """The newest lines of all streams."""

    def __init__(self) -> None:
        self._entries: list[LogEntry] = []
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
            self._entries = sorted(self._entries[-MAX_ENTRIES:], key=lambda entry: entry[0])
        return Answer(204)

    def query(self, request: Request) -> Answer:
        """`GET /loki/api/v1/query_range`."""
        query = request.query.get("query", "")
        selector = re.match(r"\s*\{([^}]*)\}", query)
        if not selector:
            return Answer(400, "parse error: expected a stream selector\n")
        matchers = re.findall(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"', selector.group(1))
        line_filters = re.findall(r'\|=\s*[`"]([^`"]*)[`"]', query)
        now = time.time_ns()
        start, end = int(request.query.get("start", now - 3600 * 10**9)), int(request.query.get("end", now))
        with self._lock:
            found = [
                entry
                for entry in self._entries
                if start <= entry[0] < end and _matches_query(entry, matchers, line_filters)
            ]
        if request.query.get("direction", "backward") == "backward":
            found.reverse()
        return Answer(200, _streams(found[: int(request.query.get("limit", 100))]))

    def labels(self, request: Request) -> Answer:
        """`GET /loki/api/v1/labels`."""
        with self._lock:
            names = sorted({name for _, labels, _ in self._entries for name in labels})
        return Answer(200, {"status": "success", "data": names})


def _matches_query(entry: LogEntry, matchers: list[tuple[str, str, str]], line_filters: list[str]) -> bool:
    _, labels, line = entry
    return all(text in line for text in line_filters) and all(_matches_label(labels, *matcher) for matcher in matchers)


def _matches_label(labels: Mapping[str, str], name: str, operator: str, value: str) -> bool:
    actual = labels.get(name, "")
    equal = actual == value if "~" not in operator else re.fullmatch(value, actual) is not None
    return not equal if operator.startswith("!") else equal


def _streams(entries: list[LogEntry]) -> dict[str, Any]:
    streams: dict[str, dict[str, Any]] = {}
    for at, labels, line in entries:
        stream = streams.setdefault(str(sorted(labels.items())), {"stream": labels, "values": []})
        stream["values"].append([str(at), line])
    return {"status": "success", "data": {"resultType": "streams", "result": list(streams.values())}}


def main() -> None:
    """Serve on port 3100 until killed."""
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
