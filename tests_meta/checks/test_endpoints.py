"""The endpoint judge: what bodies say, however they say it."""

from __future__ import annotations

import json

import pytest

from service_down.checks.test_endpoints import judge_endpoint, judge_replicas, judge_stranger
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.settings.schema import Endpoint
from service_down.fixtures.stack.model import Model, Service

TOLD = Endpoint(service="web", port=80)
DEEP = '{"status":"ok","a":' + "[" * 30_000


def seen(body: str, status: int = 200, **more: object) -> Observation:
    answer = {"url": "http://web/health", "status": status, "headers": {}, "body": body, "cut": False, "seconds": 0.01}
    return Observation("http:web", "seen", answer | more, at="2026-11-23T21:00:00Z")


def codes(observation: Observation) -> list[str]:
    return [one.code for one in judge_endpoint("web", TOLD, observation)]


@pytest.mark.parametrize(
    "body",
    [
        '{"status":"unhealthy"}',
        '{"status":"healthy","state":"x"} ',
        "unhealthy",
        '"unhealthy"',
        '{"healthy": false}',
        '{"ok": false,"error":"db down"}',
        '{"status":"OUT_OF_SERVICE"}',
        '{"data":{"status":"down"}}',
        '{"status":"success","data":{"status":"down"}}',
        '{"status":{"code":"DOWN"}}',
        '\ufeff{"status":"unhealthy"}',
        '{"status":"unhealthy","n":' + "9" * 5000 + "}",
        '{"status":"unhealthy", "pad": "' + "x" * 70_000,
    ],
    ids=range(13),
)
def test_200_with_an_unhealthy_body(body: str) -> None:
    wanted = [] if body.startswith('{"status":"healthy"') else ["endpoint-unhealthy-body"]
    assert codes(seen(body)) == wanted


@pytest.mark.parametrize(
    "body",
    [
        '{"status":"degraded"}',
        '{"status":"healthy","components":{"db":{"status":"unreachable"}}}',
        '{"status":"ok","services":[{"name":"db","status":"down"}]}',
        '{"status":"pass","checks":{"db:conn":[{"status":"fail"}]}}',
        '[{"name":"db","status":"down"}]',
    ],
    ids=range(5),
)
def test_an_impaired_body_warns(body: str) -> None:
    assert codes(seen(body)) == ["endpoint-degraded"]


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        ('{"status":"UP","components":{"mail":{"status":"UP","details":{"status":"unavailable"}}}}', "mail"),
        ('{"status":"ok","data":{"status":"failed"}}', "data"),
        ('{"status":"ok","checks":[{"name":"db","details":{"status":"down"}}]}', "db"),
        ('{"status":"ok","database":"disconnected"}', "database"),
        ('{"data":{"status":"ok","redis":"Disconnected"}}', "redis"),
        ('{"database":"unreachable"}', "database"),
        ('{"status":"success","health":"down"}', "health"),
        ('{"status":{"database":"down","redis":"up"}}', "database"),
    ],
    ids=["details", "data", "in-a-list", "flat", "flat-in-envelope", "flat-alone", "second-status", "table-of-status"],
)
def test_a_part_that_is_bad_is_a_part_however_deep(body: str, blamed: str) -> None:
    (found,) = judge_endpoint("web", TOLD, seen(body))
    assert (found.code, found.severity, found.blamed) == ("endpoint-degraded", "warning", (blamed,))
    assert f"{blamed}: " in found.summary


@pytest.mark.parametrize(
    "body",
    [
        "",
        "ok",
        "ready\n",
        '{"status":"ok","components":{"mail":{"status":"not_configured"}}}',
        "<html></html>",
        DEEP,
        '{"status":"ok","database":"connected","version":"1.2","message":"all is down the hill"}',
        '{"status":"ok","log_level":"error","mode":"offline","colour":"red","logLevel":"critical"}',
        '{"status":' * 900 + '"ok"' + "}" * 900,
    ],
    ids=range(9),
)
def test_a_fine_or_silent_body_is_no_finding(body: str) -> None:
    assert codes(seen(body)) == []


@pytest.mark.parametrize(
    ("observation", "code"),
    [
        (seen("no", 503), "endpoint-error"),
        (Observation("x", "error", kind="refused", text="connection refused"), "endpoint-refused"),
        (Observation("x", "error", kind="timeout", text="no answer"), "endpoint-timeout"),
        (Observation("x", "error", kind="dns", text="no name"), "dns-failed"),
        (Observation("x", "error", kind="tls", text="expired"), "tls-invalid"),
        (seen("ok", certificate_days=3.0), "tls-expiring"),
        (seen("ok", seconds=9.0), "endpoint-degraded"),
        (seen("ok", first="refused: connection refused"), "endpoint-degraded"),
    ],
    ids=["503", "refused", "timeout", "dns", "tls", "expiring", "slow", "flapped"],
)
def test_each_kind_of_trouble_has_its_code(observation: Observation, code: str) -> None:
    assert codes(observation) == [code]


def test_an_error_body_names_who_is_to_blame() -> None:
    body = json.dumps(
        {"status": "unhealthy", "components": {"db": {"status": "unreachable"}, "cache": {"status": "healthy"}}}
    )
    assert judge_endpoint("web", TOLD, seen(body, 503))[0].blamed == ("db",)


def test_an_answer_without_a_running_container_is_somebody_elses() -> None:
    model = Model((Service("web"),), "compose")
    container = {
        "Name": "/web-1",
        "State": {"Running": False},
        "Config": {"Labels": {"com.docker.compose.service": "web"}},
    }
    engine = Observation("engine", "seen", {"containers": [container]})
    assert [one.code for one in judge_stranger("web", TOLD, model, seen("ok"), engine)] == ["endpoint-wrong-service"]
    container["State"] = {"Running": True}
    assert judge_stranger("web", TOLD, model, seen("ok"), engine) == []


@pytest.mark.parametrize(("well", "severity"), [(2, None), (1, "error"), (0, "critical")])
def test_one_hung_replica_impairs_and_does_not_hide(well: int, severity: str | None) -> None:
    fine = {"outcome": "seen", "value": seen('{"status":"ok"}').value}
    hung = {"outcome": "error", "kind": "timeout", "text": "no answer within 3 s", "value": {"url": "http://b/health"}}
    both = Observation(
        "http:web", "seen", {"url": "http://a/health", "replicas": [*[fine] * well, *[hung] * (2 - well)]}
    )
    _, found = judge_replicas("web", TOLD, both)
    assert [(one.code, one.severity, one.impaired) for one in found] == (
        [("endpoint-timeout", severity, severity == "error")] if severity else []
    )
    assert judge_replicas("web", TOLD, seen('{"status":"down"}'))[1][0].code == "endpoint-unhealthy-body"
