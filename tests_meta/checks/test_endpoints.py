"""The judge of endpoints: the states in bodies of every format, errors, replicas, and the right program."""

from __future__ import annotations

import json

import msgspec
import pytest

from service_down.checks.test_endpoints import endpoint_says_nothing, judge_endpoint, judge_owner, judge_replicas
from service_down.fixtures.clients.http import HttpAnswer
from service_down.fixtures.evidence.observation import CannotCheck, Observation, RawObservation, typed
from service_down.fixtures.probes.endpoints import ENDPOINT, EndpointAnswer, EndpointSettings
from service_down.fixtures.stack.containers import ComposeLabels, Container, EngineState
from service_down.fixtures.stack.model import Model, Service

ENDPOINT_SETTINGS = EndpointSettings(service="web", port=80)
KEY = ENDPOINT.of("web")
DEEP = '{"status":"ok","a":' + "[" * 30_000


def http_answer(
    body: str,
    status: int = 200,
    seconds: float = 0.01,
    certificate_days: float | None = None,
    first_attempt: str | None = None,
) -> HttpAnswer:
    url = "http://web/health"
    return HttpAnswer(url, status, {}, body, False, seconds, certificate_days, first_attempt=first_attempt)


def answered(answer: HttpAnswer) -> Observation[HttpAnswer]:
    return Observation(KEY.id, "seen", answer, at="2026-11-23T21:00:00Z")


def failed(kind: str, text: str) -> Observation[HttpAnswer]:
    return Observation(KEY.id, "error", kind=kind, text=text)


def codes(observation: Observation[HttpAnswer]) -> list[str]:
    return [finding.code for finding in judge_endpoint("web", ENDPOINT_SETTINGS, observation)]


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
    expected = [] if body.startswith('{"status":"healthy"') else ["endpoint-unhealthy-body"]
    assert codes(answered(http_answer(body))) == expected


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
    assert codes(answered(http_answer(body))) == ["endpoint-degraded"]


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
    (found,) = judge_endpoint("web", ENDPOINT_SETTINGS, answered(http_answer(body)))
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
def test_a_healthy_body_or_a_body_without_a_state_is_no_finding(body: str) -> None:
    assert codes(answered(http_answer(body))) == []


@pytest.mark.parametrize(
    ("observation", "code"),
    [
        (answered(http_answer("no", 503)), "endpoint-error"),
        (failed("refused", "connection refused"), "endpoint-refused"),
        (failed("timeout", "no answer"), "endpoint-timeout"),
        (failed("dns", "no name"), "dns-failed"),
        (failed("tls", "expired"), "tls-invalid"),
        (answered(http_answer("ok", certificate_days=3.0)), "tls-expiring"),
        (answered(http_answer("ok", seconds=9.0)), "endpoint-degraded"),
        (answered(http_answer("ok", first_attempt="refused: connection refused")), "endpoint-degraded"),
    ],
    ids=["503", "refused", "timeout", "dns", "tls", "expiring", "slow", "flapped"],
)
def test_each_kind_of_problem_has_its_code(observation: Observation[HttpAnswer], code: str) -> None:
    assert codes(observation) == [code]


def test_the_body_of_an_error_blames_its_bad_components() -> None:
    body = json.dumps(
        {"status": "unhealthy", "components": {"db": {"status": "unreachable"}, "cache": {"status": "healthy"}}}
    )
    (found,) = judge_endpoint("web", ENDPOINT_SETTINGS, answered(http_answer(body, 503)))
    assert found.blamed == ("db",)


@pytest.mark.parametrize(("running", "expected"), [(False, ["endpoint-wrong-service"]), (True, [])])
def test_an_answer_without_a_running_container_comes_from_another_program(running: bool, expected: list[str]) -> None:
    model = Model((Service("web"),), "compose")
    container = Container("id", "web-1", compose=ComposeLabels(service="web"), running=running)
    engine = Observation("engine", "seen", EngineState(project="p", answered_at=0.0, containers=(container,)))
    found = judge_owner("web", ENDPOINT_SETTINGS, model, answered(http_answer("ok")), engine)
    assert [finding.code for finding in found] == expected


def replicas(*values: dict[str, object]) -> Observation[EndpointAnswer]:
    """The observation of a probe that asked several replicas."""
    return typed(KEY, RawObservation(KEY.id, "seen", {"url": "http://a/health", "replicas": list(values)}))


HEALTHY: dict[str, object] = {"outcome": "seen", "value": msgspec.to_builtins(http_answer('{"status":"ok"}'))}
HUNG: dict[str, object] = {
    "outcome": "error",
    "kind": "timeout",
    "text": "no answer within 3 s",
    "value": {"url": "http://b/health"},
}


@pytest.mark.parametrize(("healthy", "severity"), [(2, None), (1, "error"), (0, "critical")])
def test_a_hung_replica_impairs_while_another_answers_well(healthy: int, severity: str | None) -> None:
    observation = replicas(*[HEALTHY] * healthy, *[HUNG] * (2 - healthy))
    _, found = judge_replicas("web", ENDPOINT_SETTINGS, observation)
    assert [(finding.code, finding.severity, finding.impaired) for finding in found] == (
        [("endpoint-timeout", severity, severity == "error")] if severity else []
    )


def test_a_single_container_is_judged_without_replicas() -> None:
    answer = msgspec.to_builtins(http_answer('{"status":"down"}'))
    _, found = judge_replicas("web", ENDPOINT_SETTINGS, typed(KEY, RawObservation(KEY.id, "seen", answer)))
    assert [finding.code for finding in found] == ["endpoint-unhealthy-body"]


def test_a_replica_whose_answer_cannot_be_read_is_not_judged() -> None:
    with pytest.raises(CannotCheck, match="does not have the expected form"):
        judge_replicas("web", ENDPOINT_SETTINGS, replicas(HEALTHY, {"outcome": "seen", "value": "?"}))


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("protocol", "no proper HTTP answer: …", []),
        ("timeout", "no answer within 3 s", []),
        ("tls", "wrong version number", []),
        ("timeout", "no connection within 3 s", ["endpoint-timeout"]),
        ("refused", "connection refused", ["endpoint-refused"]),
        ("unreachable", "No route to host", ["endpoint-refused"]),
    ],
)
def test_a_port_of_another_protocol_is_not_judged_where_it_accepts_connections(
    kind: str, text: str, found: list[str]
) -> None:
    endpoint = EndpointSettings(service="web", port=9999, only_if_http=True)
    observation = failed(kind, text)
    assert endpoint_says_nothing(endpoint, observation) == (not found)
    assert [finding.code for finding in judge_endpoint("web", endpoint, observation)] == found
    assert codes(observation) != []


def test_every_status_below_a_limit_may_be_good() -> None:
    endpoint = EndpointSettings(service="web", port=80, path="/", status_below=500)
    statuses = {
        status: judge_endpoint("web", endpoint, answered(http_answer("{}", status))) for status in (200, 404, 500)
    }
    assert [status for status, found in statuses.items() if found] == [500]
    assert judge_endpoint("web", endpoint, answered(http_answer('{"status":"down"}'))) == []  # any page
