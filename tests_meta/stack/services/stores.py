"""PostgreSQL and Redis as the services use them, and the health that follows from both."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg2
import redis

from .log import Log
from .web import Answer, Request, Route

SECONDS = 2


def connect() -> Any:
    """A connection to PostgreSQL. Raises psycopg2.Error."""
    return psycopg2.connect(
        host=os.environ.get("POSTGRES_HOST", "postgres"),
        user=os.environ["POSTGRES_USER"],
        password=os.environ["POSTGRES_PASSWORD"],
        dbname=os.environ["POSTGRES_DB"],
        connect_timeout=SECONDS,
    )


@contextmanager
def database() -> Iterator[Any]:
    """A cursor in a transaction. Raises psycopg2.Error."""
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def cache() -> redis.Redis:
    """A Redis client."""
    return redis.Redis(
        host=os.environ.get("REDIS_HOST", "redis"),
        password=os.environ.get("REDIS_PASSWORD"),
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
    )


def ask_postgres() -> None:
    """Raises when the database does not answer."""
    with database() as cursor:
        cursor.execute("SELECT 1")


def ask_redis() -> None:
    """Raises when Redis does not answer."""
    cache().ping()


def ask_service(url: str) -> Callable[[], None]:
    """A question to another service's health; raises when it is not healthy."""

    def ask() -> None:
        urllib.request.urlopen(url, timeout=2 * SECONDS).close()

    return ask


Questions = Mapping[str, Callable[[], None]]
STORES: Questions = {"postgres": ask_postgres, "redis": ask_redis}


def health(service: str, log: Log, questions: Questions) -> Route:
    """`GET /health`: 200 when every question is answered, else 503 with the broken parts named."""

    def answer(request: Request) -> Answer:
        parts = {name: {"status": _status(name, ask, log)} for name, ask in questions.items()}
        fine = all(part["status"] == "healthy" for part in parts.values())
        body = {"status": "healthy" if fine else "unhealthy", "service": service, "components": parts}
        return Answer(200 if fine else 503, body)

    return answer


def _status(name: str, ask: Callable[[], None], log: Log) -> str:
    try:
        ask()
    except urllib.error.HTTPError as error:
        log("ERROR", f"{name} is not healthy: it answered {error.code}")
        return "unhealthy"
    except (OSError, psycopg2.Error, redis.RedisError) as error:
        log("ERROR", f"{name} cannot be reached: {error}")
        return "unreachable"
    return "healthy"


def metrics(service: str) -> Route:
    """`GET /metrics`: a few figures in Prometheus' text format."""
    began, count = time.time(), 0

    def answer(request: Request) -> Answer:
        nonlocal count
        if os.environ.get("LAB_NO_METRICS"):  # a lever for the faults
            return Answer(404, {"detail": "Not Found"})
        count += 1
        lines = [
            "# TYPE lab_requests_total counter",
            f'lab_requests_total{{service="{service}"}} {count}',
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {began:.0f}",
        ]
        return Answer(200, "\n".join(lines) + "\n")

    return answer
