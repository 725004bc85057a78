"""A stand-in for Tempo: takes OTLP/HTTP in JSON on 4318, gives traces back by their id on 3200."""

from __future__ import annotations

import threading
from typing import Any

from .web import Answer, Request, serve

HEADERS = {"X-Stand-In": "tempo"}


class Store:
    """All traces, by their id."""

    def __init__(self) -> None:
        self._traces: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    def take(self, request: Request) -> Answer:
        """`POST /v1/traces`."""
        body = request.json()
        if not isinstance(body, dict) or "resourceSpans" not in body:
            return Answer(400, {"code": 3, "message": "expected OTLP in JSON"})
        with self._lock:
            for resource in body["resourceSpans"]:
                for trace in {span["traceId"] for scope in resource["scopeSpans"] for span in scope["spans"]}:
                    self._traces.setdefault(trace, []).append(resource)
        return Answer(200, {"partialSuccess": {}})

    def give(self, request: Request) -> Answer:
        """`GET /api/traces/{id}`."""
        batches = self._traces.get(request.parts["id"])
        return Answer(200, {"batches": batches}) if batches else Answer(404, "trace not found\n")

    def give_v2(self, request: Request) -> Answer:
        """`GET /api/v2/traces/{id}`."""
        batches = self._traces.get(request.parts["id"])
        return Answer(200, {"trace": {"resourceSpans": batches}}) if batches else Answer(404, "trace not found\n")


def main() -> None:
    """Serves on 3200 and 4318."""
    store = Store()
    threading.Thread(
        target=serve, args=(4318, {"POST /v1/traces": store.take}), kwargs={"headers": HEADERS}, daemon=True
    ).start()
    routes = {
        "GET /ready": lambda request: Answer(200, "ready\n"),
        "GET /api/traces/{id}": store.give,
        "GET /api/v2/traces/{id}": store.give_v2,
    }
    serve(3200, routes, headers=HEADERS)


if __name__ == "__main__":
    main()
