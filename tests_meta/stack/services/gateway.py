"""The API gateway: health, status, and the way to the auth service."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from .log import Log
from .stores import STORES, ask_service, health, metrics
from .web import Answer, Request, Route, serve

AUTH = "http://auth-service:8001"
LOG = Log("api-gateway")


def forward(method: str, path: str) -> Route:
    """A route that hands the request to the auth service and its answer back."""

    def answer(request: Request) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name in ("Content-Type", "Authorization")}
        onward = urllib.request.Request(AUTH + path, request.body or None, headers, method=method)
        try:
            with urllib.request.urlopen(onward, timeout=5) as response:
                return Answer(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.loads(error.read() or b"{}"))
        except OSError as error:
            LOG("ERROR", f"auth-service cannot be reached: {error}")
            return Answer(502, {"detail": "auth-service cannot be reached"})

    return answer


def status(request: Request) -> Answer:
    """`GET /api/v1/status`."""
    return Answer(200, {"status": "ok", "version": "1.0.0"})


def main() -> None:
    """Serves on 8080."""
    others = {
        "auth-service": ask_service(AUTH + "/health"),
        "workspace-service": ask_service("http://workspace-service:8004/health"),
    }
    serve(
        8080,
        {
            "GET /health": health("api-gateway", LOG, {**STORES, **others}),
            "GET /metrics": metrics("api-gateway"),
            "GET /api/v1/status": status,
            "POST /api/v1/auth/login": forward("POST", "/auth/login"),
            "GET /api/v1/me": forward("GET", "/auth/me"),
        },
    )


if __name__ == "__main__":
    main()
