"""The API gateway: health, status, and the routes to the auth service."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from .log import Log
from .stores import STORES, check_service, health, metrics
from .web import Answer, Request, Route, serve

AUTH_URL = "http://auth-service:8001"
LOG = Log("api-gateway")


def forward(method: str, path: str) -> Route:
    """Return a route that forwards requests to the auth service."""

    def answer(request: Request) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name in ("Content-Type", "Authorization")}
        forwarded = urllib.request.Request(AUTH_URL + path, request.body or None, headers, method=method)
        try:
            with urllib.request.urlopen(forwarded, timeout=5) as response:
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
    """Serve on port 8080 until killed."""
    services = {
        "auth-service": check_service(AUTH_URL + "/health"),
        "workspace-service": check_service("http://workspace-service:8004/health"),
    }
    serve(
        8080,
        {
            "GET /health": health("api-gateway", LOG, {**STORES, **services}),
            "GET /metrics": metrics("api-gateway"),
            "GET /api/v1/status": status,
            "POST /api/v1/auth/login": forward("POST", "/auth/login"),
            "GET /api/v1/me": forward("GET", "/auth/me"),
        },
    )


if __name__ == "__main__":
    main()
