"""Answers `GET /health` with a fixed status and body, for the faults of endpoints. Arguments: PORT STATUS BODY."""

from __future__ import annotations

import json
import sys

from .web import Answer, serve


def main() -> None:
    """Serve until killed."""
    port, status, body = sys.argv[1:]
    answer = Answer(int(status), json.loads(body))
    serve(int(port), {"GET /health": lambda request: answer, "GET /metrics": lambda request: Answer(200, "")})


if __name__ == "__main__":
    main()
