"""A stand-in for the external Airtable API: `GET /v0/meta/whoami`, and a switch that turns its rate limit on."""

from __future__ import annotations

import os

from .web import Answer, Request, serve

RATE_LIMITED = False


def whoami(request: Request) -> Answer:
    """Return 429 while the rate limit is on, 200 for the right token, otherwise 401."""
    if RATE_LIMITED:
        return Answer(429, {"errors": [{"error": "RATE_LIMIT_REACHED"}]}, {"Retry-After": "30"})
    if request.headers.get("Authorization") != f"Bearer {os.environ['AIRTABLE_TOKEN']}":
        return Answer(401, {"error": {"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}})
    return Answer(200, {"id": "usrStandIn00000001"})


def switch_rate_limit(request: Request) -> Answer:
    """Turn the rate limit on or off."""
    global RATE_LIMITED
    RATE_LIMITED = request.parts["on"] == "on"
    return Answer(200, {"limited": RATE_LIMITED})


def main() -> None:
    """Serve on port 8090 until killed."""
    routes = {
        "GET /v0/meta/whoami": whoami,
        "GET /ready": lambda request: Answer(200, "ready\n"),
        "POST /lever/limit/{on}": switch_rate_limit,
    }
    serve(8090, routes, headers={"X-Stand-In": "airtable"})


if __name__ == "__main__":
    main()
