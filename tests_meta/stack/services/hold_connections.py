"""Takes every connection that PostgreSQL gives, and keeps them."""

from __future__ import annotations

import threading
from typing import Any

import psycopg2

from .stores import connect


def main() -> None:
    """Takes and keeps, for ever."""
    kept: list[Any] = []
    while True:
        try:
            kept.append(connect())
        except psycopg2.Error:
            threading.Event().wait(0.2)


if __name__ == "__main__":
    main()
