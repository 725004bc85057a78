"""A stand-in for the external Airtable API: `GET /v0/meta/whoami`, and a lever for its rate limit."""

from __future__ import annotations

import os

from .web import Answer, Request, serve

LIMITED = False


def whoami(request: Request) -> Answer:
    """200 for the right token, 401 for a wrong one or none, 429 while the lever is pulled."""
    if LIMITED:
        return Answer(429, {"errors": [{"error": "RATE_LIMIT_REACHED"}]}, {"Retry-After": "30"})
    if request.headers.get("Authorization") != f"Bearer {os.environ['AIRTABLE_TOKEN']}":
        return Answer(401, {"error": {"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}})
    return Answer(200, {"id": "usrStandIn00000001"})


def limit(request: Request) -> Answer:
    """Pulls or frees the lever."""
    global LIMITED
    LIMITED = request.parts["on"] == "on"
    return Answer(200, {"limited": LIMITED})


def main() -> None:
    """Serves on 8090."""
    routes = {
        "GET /v0/meta/whoami": whoami,
        "GET /ready": lambda request: Answer(200, "ready\n"),
        "POST /lever/limit/{on}": limit,
    }
    serve(8090, routes, headers={"X-Stand-In": "airtable"})


if __name__ == "__main__":
    main()
