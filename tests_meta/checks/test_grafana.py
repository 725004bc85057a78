"""The judge of Grafana's datasources: what is broken, and what Grafana cannot ask."""

from __future__ import annotations

from typing import Any

import pytest

from service_down.checks.framework.check import CheckEvidence, Target
from service_down.checks.framework.runbook import all_tests
from service_down.checks.test_monitoring import judge_datasources
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.evidence.recording import ReplayedObservations
from service_down.fixtures.settings.schema import Grafana, Settings
from service_down.fixtures.stack.model import Model, Service

UNAVAILABLE = '{"message":"Plugin unavailable","messageId":"plugin.unavailable","statusCode":500,"traceID":""}'
LOKI = {"name": "Loki", "type": "loki", "uid": "loki", "url": "http://loki:3100"}
MANAGER = {"name": "Alertmanager", "type": "alertmanager", "uid": "am", "url": "http://alertmanager:9093"}


def seen(*sources: dict[str, Any]) -> Observation:
    return Observation("grafana:datasources", "seen", list(sources), at="2026-11-23T21:00:00Z")


@pytest.mark.parametrize(
    ("status", "message"),
    [(500, UNAVAILABLE), (404, '{"message":"Plugin unavailable"}'), (500, '{"messageId":"plugin.unavailable"}')],
    ids=["grafana-10", "older", "id-only"],
)
def test_a_datasource_without_a_backend_is_not_judged(status: int, message: str) -> None:
    sources = ({**LOKI, "http": 200, "message": "OK"}, {**MANAGER, "http": status, "message": message})
    assert judge_datasources("grafana", seen(*sources), ["loki"]) == []


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, '{"status":"ERROR","message":"Loki cannot be reached"}'),
        (503, '{"message":"Plugin unavailable"}'),
        (404, '{"message":"Data source not found"}'),
        (500, '{"message":"Internal error"}'),
    ],
    ids=["unreachable", "crashed-plugin", "unknown", "error"],
)
def test_a_broken_datasource_is_named_with_the_service_it_needs(status: int, message: str) -> None:
    (found,) = judge_datasources("grafana", seen({**LOKI, "http": status, "message": message}), ["loki"])
    assert (found.code, found.blamed) == ("datasource-broken", ("loki",))


def test_what_was_not_judged_is_said() -> None:
    described, test = next((one, test) for one, test in all_tests() if one.id == "datasources")
    model = Model((Service("grafana"),), "compose")
    told = Grafana(service="grafana", port=3000)
    target = Target("grafana", "grafana", told, model, Settings(grafana=told))
    answers = {"grafana:datasources": seen({**MANAGER, "http": 500, "message": UNAVAILABLE})}
    said: list[tuple[list[Finding], str]] = []
    test(
        target=target,
        seen=CheckEvidence(described, target, ReplayedObservations(answers), "verify"),
        report_findings=lambda findings, note="": said.append((findings, note)),
    )
    assert said == [([], "not judged, since Grafana itself cannot ask them: Alertmanager (alertmanager)")]
