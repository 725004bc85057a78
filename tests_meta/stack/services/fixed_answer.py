"""Answers everything with one status and one body, for the faults about endpoints: PORT STATUS BODY."""

from __future__ import annotations

import json
import sys

from .web import Answer, serve


def main() -> None:
    """Serves for ever."""
    port, status, body = sys.argv[1:]
    answer = Answer(int(status), json.loads(body))
    serve(int(port), {"GET /health": lambda request: answer, "GET /metrics": lambda request: Answer(200, "")})


if __name__ == "__main__":
    main()
