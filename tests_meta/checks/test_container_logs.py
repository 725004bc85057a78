"""The log check: recent errors about another service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service_down.checks.test_container_logs import judge_log
from service_down.fixtures.stack.containers import LogTail
from service_down.fixtures.stack.model import Model, Service

API = Service("api")
MODEL = Model((API, Service("cache")), "compose")


@pytest.mark.parametrize(("seconds_ago", "blamed"), [(30.0, ("cache",)), (90.0, None)])
def test_only_recent_errors_about_another_service_warn(seconds_ago: float, blamed: tuple[str, ...] | None) -> None:
    now = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    stamp = (now - timedelta(seconds=seconds_ago)).isoformat().replace("+00:00", ".5Z")
    tail = LogTail((f"{stamp} Error 111 connecting to cache:6379. Connection refused.", f"{stamp} tick"))
    findings = judge_log(API, MODEL, {"p-api-1": tail}, now)
    assert [(found.code, found.severity, found.blamed) for found in findings] == (
        [("peer-errors", "warning", blamed)] if blamed else []
    )
