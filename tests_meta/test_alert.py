"""`--alert`: what an Alertmanager payload says, and what is wrong with one that says nothing."""

from __future__ import annotations

import json
import os
import sys
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is not whole JSON"),
        (b"{}", "is no Alertmanager"),
        (b"[]", "is no Alertmanager"),
        (b'{"alerts": []}', "is no Alertmanager"),
        (b'{"alerts": [3]}', "is no Alertmanager"),
        (b'{"alerts": [{}, {"labels": 5}]}', r"alerts\[1\]\.labels is no table"),
        (b'{"alerts": ["\xff"]}', "is not UTF-8 text"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * (2**22 + 1), "is larger than 4 MiB"),
    ],
    ids=range(9),
)
def test_what_is_no_payload_is_named(tmp_path: Path, text: bytes, words: str) -> None:
    (tmp_path / "alert.json").write_bytes(text)
    with pytest.raises(AlertError, match=rf"^--alert alert\.json: .*{words}"):
        load_alert("alert.json", tmp_path)
    with pytest.raises(AlertError, match="cannot be read"):
        load_alert("no-such.json", tmp_path)


def test_a_pipe_that_nobody_writes_to_does_not_hold_up_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "alert.json")
    with pytest.raises(AlertError, match="is no regular file"):
        load_alert("alert.json", tmp_path)
    reading, writing = os.pipe()
    with os.fdopen(reading) as empty, os.fdopen(writing, "wb", buffering=0) as pipe:
        monkeypatch.setattr(sys, "stdin", empty)
        pipe.write(b'{"alerts": ')
        with pytest.raises(AlertError, match=r"did not end within 0\.2 s"):
            load_alert("-", tmp_path, seconds=0.2)


def test_an_alert_comes_through_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        with os.fdopen(writing, "w") as source:
            source.write(json.dumps(payload(service="redis")))
        assert load_alert("-", tmp_path).labels["service"] == "redis"


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
