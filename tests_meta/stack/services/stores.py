"""Clients of PostgreSQL and Redis, and the health and metrics routes of the services."""

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

TIMEOUT_SECONDS = 2


def connect() -> Any:
    """Return a connection to PostgreSQL. Raises psycopg2.Error."""
    return psycopg2.connect(
        host=os.environ.get("POSTGRES_HOST", "postgres"),
        user=os.environ["POSTGRES_USER"],
        password=os.environ["POSTGRES_PASSWORD"],
        dbname=os.environ["POSTGRES_DB"],
        connect_timeout=TIMEOUT_SECONDS,
    )


@contextmanager
def database() -> Iterator[Any]:
    """Yield a cursor in a transaction. Raises psycopg2.Error."""
    connection = connect()
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def cache() -> redis.Redis:
    """Return a Redis client."""
    return redis.Redis(
        host=os.environ.get("REDIS_HOST", "redis"),
        password=os.environ.get("REDIS_PASSWORD"),
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
    )


def check_postgres() -> None:
    """Raise psycopg2.Error when PostgreSQL does not answer."""
    with database() as cursor:
        cursor.execute("SELECT 1")


def check_redis() -> None:
    """Raise redis.RedisError when Redis does not answer."""
    cache().ping()


def check_service(url: str) -> Callable[[], None]:
    """Return a function that raises OSError when another service is not healthy."""

    def check() -> None:
        urllib.request.urlopen(url, timeout=2 * TIMEOUT_SECONDS).close()

    return check


HealthChecks = Mapping[str, Callable[[], None]]
STORES: HealthChecks = {"postgres": check_postgres, "redis": check_redis}


def health(service: str, log: Log, checks: HealthChecks) -> Route:
    """`GET /health`: 200 when every check succeeds, otherwise 503; the body has the status of each component."""

    def answer(request: Request) -> Answer:
        components = {name: {"status": _status(name, check, log)} for name, check in checks.items()}
        healthy = all(component["status"] == "healthy" for component in components.values())
        body = {"status": "healthy" if healthy else "unhealthy", "service": service, "components": components}
        return Answer(200 if healthy else 503, body)

    return answer


def _status(name: str, check: Callable[[], None], log: Log) -> str:
    try:
        check()
    except urllib.error.HTTPError as error:
        log("ERROR", f"{name} is not healthy: it answered {error.code}")
        return "unhealthy"
    except (OSError, psycopg2.Error, redis.RedisError) as error:
        log("ERROR", f"{name} cannot be reached: {error}")
        return "unreachable"
    return "healthy"


def metrics(service: str) -> Route:
    """`GET /metrics`: some metrics in Prometheus' text format."""
    began, count = time.time(), 0

    def answer(request: Request) -> Answer:
        nonlocal count
        if os.environ.get("LAB_NO_METRICS"):  # set by the fault `target-down`
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
