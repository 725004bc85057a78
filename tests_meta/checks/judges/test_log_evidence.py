"""What a log adds to a finding: the services that its lines blame, a reason of its own, or a more exact code."""

from __future__ import annotations

import pytest

from service_down.checks.judges.log_evidence import MAX_REASON_CHARACTERS, _dated, log_codes_of, with_log, with_words
from service_down.fixtures.catalog.finding import Finding, finding
from service_down.fixtures.probes.postgres import TABLE, PostgresSettings
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.containers import LogTail
from service_down.fixtures.stack.model import Model, Service

MODEL = Model(tuple(Service(name) for name in ("api", "redis", "cache", "postgres", "auth")), "compose")
SETTINGS = Settings().with_entries(TABLE, main=PostgresSettings(service="postgres"))
CRASH = finding("crash-loop", "api", restarts=3, exit=1)
KILL = finding("container-killed", "api", how="")
MISSING_MODULE = "ModuleNotFoundError: No module named 'uvicorn'"


def with_lines(*lines: str, found: Finding = CRASH, service: str = "api") -> Finding:
    """The finding with what these last log lines of the service add."""
    tail = LogTail(tuple(f"2026-11-24T02:50:0{second}.1Z {line}" for second, line in enumerate(lines)))
    return with_log(found, {f"p-{service}-1": tail}, Service(service), MODEL, log_codes_of(service, SETTINGS))


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
def test_only_connection_targets_are_blamed(line: str, blamed: list[str]) -> None:
    assert list(with_lines(line).blamed) == blamed


@pytest.mark.parametrize(
    ("lines", "own"),
    [
        ([MISSING_MODULE], True),
        (["Traceback (most recent call last):", MISSING_MODULE], True),
        (["PermissionError: [Errno 13] Permission denied: '/data'"], True),
        (["OSError: [Errno 98] Address already in use"], True),
        (["OSError(30, 'Read-only file system')"], True),
        ([MISSING_MODULE, "Error 111 connecting to redis:6379. Connection refused."], False),
        (["dial tcp 172.18.0.4:5432: connection refused", MISSING_MODULE], False),
        (["Traceback (most recent call last):"], False),
        (["starting"], False),
        (["could not write to file: No space left on device"], False),
    ],
)
def test_own_reason_is_set_only_without_connection_errors(lines: list[str], own: bool) -> None:
    assert with_lines(*lines).own_reason is own


def test_a_full_disk_blames_the_host() -> None:
    assert with_lines("could not write to file: No space left on device").blamed == ("host",)


@pytest.mark.parametrize(
    ("service", "found", "line", "code"),
    [
        ("postgres", CRASH, "ERROR:  invalid page in block 7 of relation base/1/2", "db-corrupt"),
        ("postgres", KILL, "ERROR:  invalid page in block 7 of relation base/1/2", "db-corrupt"),
        ("api", CRASH, "ERROR:  invalid page in block 7 of relation base/1/2", "crash-loop"),
        ("api", CRASH, "exec /app: exec format error", "wrong-architecture"),
        ("api", KILL, "exec /app: exec format error", "container-killed"),  # it had started
    ],
)
def test_a_log_line_may_give_a_more_exact_code(service: str, found: Finding, line: str, code: str) -> None:
    assert with_lines(line, found=found, service=service).code == code


ENDED = finding("container-exited", "api", since="2026-11-24T03:00:00Z", exit=1, how="")


@pytest.mark.parametrize(("time", "counts"), [("02:40:00", False), ("02:54:59", False), ("02:59:58", True)])
def test_lines_of_an_earlier_fault_are_no_proof(time: str, counts: bool) -> None:
    tail = LogTail((f"2026-11-24T{time}.1Z Error 111 connecting to redis:6379. Connection refused.",))
    found = with_log(ENDED, {"p-api-1": tail}, Service("api"), MODEL, {})
    assert (list(found.blamed), len(found.proof)) == ((["redis"], 1) if counts else ([], 0))


def test_a_fault_is_dated_by_the_last_series_of_its_lines() -> None:
    refused = finding("db-corrupt", "postgres", error="?")
    times = ("02:10:00", "02:11:00", "02:40:00", "02:41:00")
    lines = [f"2026-11-24T{time}.1Z ERROR:  invalid page in block 7 of relation base/1/2" for time in times]
    assert _dated(refused, lines, "postgres").since == "2026-11-24T02:40:00.1Z"
    assert _dated(refused, lines[:2], "postgres").since == "2026-11-24T02:10:00.1Z"


def test_a_summary_says_the_same_words_once_and_cuts_none() -> None:
    line = "AUTH failed: WRONGPASS invalid username-password pair"
    summary = f"web is unhealthy: 3 failed healthchecks in a row: {line}"
    assert with_words(summary, line) == summary
    long = "Connection refused by the server at " + "redis " * 60
    told = with_words("web is unhealthy", long)
    assert told.startswith("web is unhealthy; it says: Connection refused")
    assert told.endswith(" redis …")
    assert len(told) <= len("web is unhealthy; it says: ") + MAX_REASON_CHARACTERS
