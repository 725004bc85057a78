"""A stand-in for Tempo: accepts OTLP/HTTP in JSON on port 4318, and returns traces by id on port 3200."""

from __future__ import annotations

import threading
from typing import Any

from .web import Answer, Request, serve

HEADERS = {"X-Stand-In": "tempo"}


class Store:
    """All traces by id."""

    def __init__(self) -> None:
        self._traces: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    def push(self, request: Request) -> Answer:
        """`POST /v1/traces`."""
        body = request.json()
        if not isinstance(body, dict) or "resourceSpans" not in body:
            return Answer(400, {"code": 3, "message": "expected OTLP in JSON"})
        with self._lock:
            for resource in body["resourceSpans"]:
                for trace_id in {span["traceId"] for scope in resource["scopeSpans"] for span in scope["spans"]}:
                    self._traces.setdefault(trace_id, []).append(resource)
        return Answer(200, {"partialSuccess": {}})

    def trace(self, request: Request) -> Answer:
        """`GET /api/traces/{id}`."""
        batches = self._traces.get(request.parts["id"])
        return Answer(200, {"batches": batches}) if batches else Answer(404, "trace not found\n")

    def trace_v2(self, request: Request) -> Answer:
        """`GET /api/v2/traces/{id}`."""
        batches = self._traces.get(request.parts["id"])
        return Answer(200, {"trace": {"resourceSpans": batches}}) if batches else Answer(404, "trace not found\n")


def main() -> None:
    """Serve on ports 3200 and 4318 until killed."""
    store = Store()
    threading.Thread(
        target=serve, args=(4318, {"POST /v1/traces": store.push}), kwargs={"headers": HEADERS}, daemon=True
    ).start()
    routes = {
        "GET /ready": lambda request: Answer(200, "ready\n"),
        "GET /api/traces/{id}": store.trace,
        "GET /api/v2/traces/{id}": store.trace_v2,
    }
    serve(3200, routes, headers=HEADERS)


if __name__ == "__main__":
    main()
