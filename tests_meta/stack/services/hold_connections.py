"""Opens connections to PostgreSQL until it refuses more, and holds them."""

from __future__ import annotations

import time
from typing import Any

import psycopg2

from .stores import connect


def main() -> None:
    """Open and hold connections until killed."""
    connections: list[Any] = []
    while True:
        try:
            connections.append(connect())
        except psycopg2.Error:
            time.sleep(0.2)


if __name__ == "__main__":
    main()
