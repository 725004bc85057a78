"""The judge of Grafana's datasources: which are broken, and which Grafana cannot ask."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from service_down.checks.framework.check import CheckEvidence, Target
from service_down.checks.framework.runbook import all_tests
from service_down.checks.test_grafana import judge_datasources
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import Observation, RawObservation
from service_down.fixtures.evidence.recording import ReplayedObservations
from service_down.fixtures.probes.grafana import DATASOURCES, TABLE, Datasource, GrafanaSettings
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model, Service

UNAVAILABLE = '{"message":"Plugin unavailable","messageId":"plugin.unavailable","statusCode":500,"traceID":""}'
LOKI = Datasource("Loki", "loki", "loki", "http://loki:3100")
ALERTMANAGER = Datasource("Alertmanager", "alertmanager", "am", "http://alertmanager:9093")


def observation(*sources: Datasource) -> Observation[tuple[Datasource, ...]]:
    return Observation(DATASOURCES.id, "seen", sources, at="2026-11-23T21:00:00Z")


@pytest.mark.parametrize(
    ("status", "message"),
    [(500, UNAVAILABLE), (404, '{"message":"Plugin unavailable"}'), (500, '{"messageId":"plugin.unavailable"}')],
    ids=["grafana-10", "older", "id-only"],
)
def test_a_datasource_without_a_backend_is_not_judged(status: int, message: str) -> None:
    healthy = replace(LOKI, http_status=200, message="OK")
    without_backend = replace(ALERTMANAGER, http_status=status, message=message)
    assert judge_datasources("grafana", observation(healthy, without_backend), ["loki"]) == []


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
    broken = replace(LOKI, http_status=status, message=message)
    (found,) = judge_datasources("grafana", observation(broken), ["loki"])
    assert (found.code, found.blamed) == ("datasource-broken", ("loki",))


def test_datasources_that_are_not_judged_stand_in_the_note() -> None:
    check, test = next((check, test) for check, test in all_tests() if check.id == "datasources")
    grafana = GrafanaSettings(service="grafana", port=3000)
    settings = Settings().with_entries(TABLE, grafana=grafana)
    target = Target("grafana", "grafana", grafana, Model((Service("grafana"),), "compose"), settings)
    source = {"name": "Alertmanager", "type": "alertmanager", "uid": "am", "url": "http://alertmanager:9093"}
    raw = RawObservation(DATASOURCES.id, "seen", [{**source, "http": 500, "message": UNAVAILABLE}])
    reported: list[tuple[Sequence[Finding], str]] = []

    def report_findings(findings: Sequence[Finding], note: str = "") -> None:
        reported.append((findings, note))

    evidence = CheckEvidence(check, target, ReplayedObservations({DATASOURCES.id: raw}), "verify")
    test(target=target, evidence=evidence, report_findings=report_findings)
    assert reported == [([], "not judged, since Grafana itself cannot ask them: Alertmanager (alertmanager)")]
