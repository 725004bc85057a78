"""The workspace service: one more internal service on both stores."""

from __future__ import annotations

from .log import Log
from .stores import STORES, health, metrics
from .web import serve


def main() -> None:
    """Serves on 8004."""
    log = Log("workspace-service")
    serve(8004, {"GET /health": health("workspace-service", log, STORES), "GET /metrics": metrics("workspace-service")})


if __name__ == "__main__":
    main()
