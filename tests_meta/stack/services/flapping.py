"""Fails the first request, and answers another one within two seconds, for the fault of a flapping endpoint.

Arguments: PORT BODY.
"""

from __future__ import annotations

import sys
import time

from .web import Answer, serve

RETRY_SECONDS = 2.0


class Flapping:
    """A route that remembers the time of the last request."""

    def __init__(self, body: str) -> None:
        """`body` is the body of a successful answer."""
        self._body = body
        self._last_request = 0.0

    def __call__(self, request: object) -> Answer:
        """Return 200 when the last request was less than two seconds ago, otherwise 500."""
        before, self._last_request = self._last_request, time.monotonic()
        return Answer(200, self._body) if self._last_request - before < RETRY_SECONDS else Answer(500, "not now")


def main() -> None:
    """Serve until killed."""
    port, body = sys.argv[1:]
    serve(int(port), {"GET /ready": Flapping(body)})


if __name__ == "__main__":
    main()
