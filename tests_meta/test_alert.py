"""`--alert`: what an Alertmanager payload says, and what is wrong with one that says nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures.alert import AlertError, load_alert
from fixtures.model import Model, Service
from fixtures.settings import Prometheus, Settings
from tests_meta.conftest import Bench

MODEL = Model((Service("auth-service"), Service("redis")), "compose")
SETTINGS = Settings(prometheus=Prometheus(service="prometheus", port=9090, jobs={"pyairtable-auth": "auth-service"}))
KNOWN = {"p-redis-1": "redis", "172.18.0.5": "redis", "redis-prod": "redis"}


def payload(**labels: str) -> dict[str, Any]:
    alert = {"status": "firing", "labels": {"alertname": "ServiceDown", **labels}, "startsAt": "2026-11-23T20:00:00Z"}
    return {"version": "4", "status": "firing", "alerts": [alert]}


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"service": "redis"}, "redis"),
        ({"job": "pyairtable-auth"}, "auth-service"),
        ({"instance": "auth-service:8001"}, "auth-service"),
        ({"instance": "http://redis:6379/health"}, "redis"),
        ({"instance": "172.18.0.5:6379"}, "redis"),
        ({"name": "p-redis-1"}, "redis"),
        ({"container": "redis-prod"}, "redis"),
        ({"container_label_com_docker_compose_service": "auth-service"}, "auth-service"),
        ({"instance": "[fd00::1"}, None),
        ({"service": "ghost", "instance": "ghost:1"}, None),
        ({}, None),
    ],
    ids=range(11),
)
def test_the_service_that_an_alert_names(tmp_path: Path, labels: dict[str, str], service: str | None) -> None:
    (tmp_path / "alert.json").write_text(json.dumps(payload(**labels)))
    assert load_alert("alert.json", tmp_path).service(SETTINGS, MODEL, KNOWN) == service


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"alerts": []}', '{"alerts": [3]}'], ids=range(5))
def test_what_is_no_payload_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "alert.json").write_text(text)
    with pytest.raises(AlertError, match=r"--alert alert.json: is no"):
        load_alert("alert.json", tmp_path)
    with pytest.raises(AlertError, match="cannot be read"):
        load_alert("no-such.json", tmp_path)


def test_a_false_alarm_is_called_one(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "alert.json"
    file.write_text(json.dumps(payload(service="redis")))
    ran = bench.triage(f"--alert={file}")
    assert ran.code == 0, ran.out
    assert ran.verdict["alert"]["looks"] == "false"
    assert "ServiceDown looks false: redis is fine" in " ".join(ran.out.split())


def test_the_alerts_start_counts_for_escalation(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "alert.json"
    file.write_text(json.dumps(payload(service="redis")))
    bench.stack.stop("redis")
    try:
        ran = bench.triage(f"--alert={file}")
    finally:
        bench.stack.start("redis")
    assert ran.verdict["alert"]["looks"] == "true"
    assert "down-over-30-min" in ran.verdict["escalate"]["reasons"]
