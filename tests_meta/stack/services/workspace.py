"""The workspace service: another internal service that uses both stores."""

from __future__ import annotations

from .log import Log
from .stores import STORES, health, metrics
from .web import serve


def main() -> None:
    """Serve on port 8004 until killed."""
    log = Log("workspace-service")
    serve(8004, {"GET /health": health("workspace-service", log, STORES), "GET /metrics": metrics("workspace-service")})


if __name__ == "__main__":
    main()
