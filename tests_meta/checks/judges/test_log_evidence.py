"""What a log adds to a finding: whom its lines blame, a reason of its own, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service_down.checks.judges.log_evidence import with_log
from service_down.checks.test_logs import judge_log
from service_down.fixtures.catalog.finding import Finding, finding
from service_down.fixtures.stack.model import Model, Service

MODEL = Model(tuple(Service(name) for name in ("api", "redis", "cache", "postgres", "auth")), "compose")
API = Service("api")
MISSING = "ModuleNotFoundError: No module named 'uvicorn'"


def read(*lines: str) -> Finding:
    log = {"p-api-1": {"lines": [f"2026-11-24T02:50:0{at}.1Z {line}" for at, line in enumerate(lines)]}}
    return with_log(finding("crash-loop", "api", restarts=3, exit=1), log, API, MODEL, ["postgres"])


@pytest.mark.parametrize(
    ("line", "blamed"),
    [
        ("redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. Connection refused.", ["cache"]),
        ("redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused.", ["redis"]),
        ('connection to server at "postgres" (172.18.0.3), port 5432 failed: Connection refused', ["postgres"]),
        ('could not translate host name "postgres" to address: Name or service not known', ["postgres"]),
        ("dial tcp: lookup postgres on 127.0.0.11:53: no such host", ["postgres"]),
        ("Error: getaddrinfo ENOTFOUND redis", ["redis"]),
        ("java.net.UnknownHostException: postgres", ["postgres"]),
        ("org.postgresql.util.PSQLException: Connection to postgres:5432 refused", ["postgres"]),
        ("could not connect to postgres://app@postgres/shop: connection refused", ["postgres"]),
        ("auth failed: password authentication failed for user x", []),
        ("redis: connection refused", []),
        ("dial tcp 172.18.0.4:5432: i/o timeout", []),
    ],
)
def test_the_other_end_is_blamed_and_no_mere_word(line: str, blamed: list[str]) -> None:
    assert list(read(line).blamed) == blamed


@pytest.mark.parametrize(
    ("lines", "own"),
    [
        ([MISSING], True),
        (["Traceback (most recent call last):", MISSING], True),
        (["PermissionError: [Errno 13] Permission denied: '/data'"], True),
        (["OSError: [Errno 98] Address already in use"], True),
        ([MISSING, "Error 111 connecting to redis:6379. Connection refused."], False),
        (["dial tcp 172.18.0.4:5432: connection refused", MISSING], False),
        (["Traceback (most recent call last):"], False),
        (["starting"], False),
        (["could not write to file: No space left on device"], False),
    ],
)
def test_a_reason_of_its_own_is_told_from_the_others_fault(lines: list[str], own: bool) -> None:
    assert read(*lines).own_reason is own


def test_a_full_disk_is_the_hosts() -> None:
    assert read("could not write to file: No space left on device").blamed == ("host",)


@pytest.mark.parametrize(("ago", "blamed"), [(30.0, ("cache",)), (90.0, None)])
def test_a_fresh_complaint_about_a_peer_is_a_warning(ago: float, blamed: tuple[str, ...] | None) -> None:
    now = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    stamp = (now - timedelta(seconds=ago)).isoformat().replace("+00:00", ".5Z")
    lines = [f"{stamp} Error 111 connecting to cache:6379. Connection refused.", f"{stamp} tick"]
    found = judge_log(API, MODEL, {"p-api-1": {"lines": lines}}, now)
    assert [(one.code, one.severity, one.blamed) for one in found] == (
        [("peer-errors", "warning", blamed)] if blamed else []
    )
