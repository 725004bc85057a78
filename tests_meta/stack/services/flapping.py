"""Fails whoever asks first, and answers who asks again within two seconds, for the fault about flapping: PORT BODY."""

from __future__ import annotations

import sys
import time

from .web import Answer, serve

AGAIN = 2.0


class Flapping:
    """Remembers when it was asked last."""

    def __init__(self, body: str) -> None:
        """`body` is what it answers when it answers."""
        self._body = body
        self._asked = 0.0

    def __call__(self, request: object) -> Answer:
        """500 at first, 200 on a second look."""
        before, self._asked = self._asked, time.monotonic()
        return Answer(200, self._body) if self._asked - before < AGAIN else Answer(500, "not now")


def main() -> None:
    """Serves for ever."""
    port, body = sys.argv[1:]
    serve(int(port), {"GET /ready": Flapping(body)})


if __name__ == "__main__":
    main()
