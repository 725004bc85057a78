"""The judge of firing alerts: which count against this stack, which only warn, and which fire by design."""

from __future__ import annotations

import pytest

from service_down.checks.judges.alerts import judge_alerts
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.prometheus import TABLE, ActiveAlert, ActiveAlerts, PrometheusSettings
from service_down.fixtures.settings.schema import Settings, Stack
from service_down.fixtures.stack.containers import ComposeLabels, Container, EngineState
from service_down.fixtures.stack.model import Model, Service

MODEL = Model((Service("gateway"), Service("api-gateway", aliases=("gateway-prod",)), Service("redis")), "compose")
CONTAINERS = tuple(
    Container(f"id-{name}", f"shop-{name}-1", compose=ComposeLabels(service=name)) for name in ("redis", "api-gateway")
)
ENGINE = Observation("engine", "seen", EngineState(project="shop", answered_at=0.0, containers=CONTAINERS))
STACK = Stack(name="our shop", project="shop")
SINCE = "2026-11-23T20:00:00Z"


def judge(*labels: dict[str, str], configured: tuple[str, ...] = ()) -> list[Finding]:
    """The findings on alerts with these labels. `configured` are the names of the alerts that the settings name."""
    jobs = {"scrape-redis": "redis"}
    prometheus = PrometheusSettings(service="prometheus", port=9090, jobs=jobs, alerts=list(configured))
    alerts = tuple(ActiveAlert({"alertname": "HighErrorRate", **entry}, SINCE) for entry in labels)
    active = ActiveAlerts("http://prometheus:9090/api/v1/alerts", alerts)
    observation = Observation("prometheus:alerts", "seen", active)
    settings = Settings(stack=STACK).with_entries(TABLE, prometheus=prometheus)
    return judge_alerts("prometheus", settings, observation, MODEL, ENGINE)


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"service": "redis", "severity": "critical"}, "redis"),
        ({"job": "scrape-redis", "instance": "10.0.0.7:9121"}, "redis"),
        ({"job": "redis"}, "redis"),
        ({"instance": "redis:6379"}, "redis"),
        ({"instance": "http://api-gateway:8080/health", "job": "blackbox"}, "api-gateway"),
        ({"container": "shop-redis-1"}, "redis"),
        ({"name": "shop-api-gateway-1"}, "api-gateway"),
        ({"container_label_com_docker_compose_service": "redis"}, "redis"),
        ({"service": "gateway-prod"}, "api-gateway"),
        ({"project": "shop"}, None),
        ({"stack": "our shop"}, None),
    ],
    ids=[
        "service",
        "configured-job",
        "job",
        "host",
        "url",
        "container",
        "longest",
        "compose",
        "alias",
        "project",
        "stack",
    ],
)
def test_an_alert_that_names_the_stack_or_a_service_fails(labels: dict[str, str], service: str | None) -> None:
    (found,) = judge(labels)
    assert (found.code, found.severity, found.since) == ("alerts-firing", "error", SINCE)
    assert found.blamed == ((service,) if service else ())


@pytest.mark.parametrize(
    "labels",
    [
        {"alertname": "Watchdog", "severity": "critical"},
        {"alertname": "DeadMansSwitch"},
        {"severity": "none", "service": "redis"},
        {"severity": "Info", "service": "redis"},
    ],
    ids=["watchdog", "dead-mans-switch", "none", "info"],
)
def test_an_alert_that_fires_by_design_is_no_finding(labels: dict[str, str]) -> None:
    assert judge(labels) == []


@pytest.mark.parametrize(
    "labels",
    [{}, {"severity": "critical"}, {"service": "billing"}, {"instance": "10.0.0.9:9100", "container": "other-redis-1"}],
    ids=["nothing", "severity", "another-service", "another-project"],
)
def test_an_alert_that_names_nothing_of_the_stack_warns(labels: dict[str, str]) -> None:
    (found,) = judge(labels)
    assert (found.code, found.severity, found.blamed) == ("alerts-firing", "warning", ())
    assert "no label names a service of this stack" in found.summary


def test_ours_fail_and_others_warn_side_by_side() -> None:
    failing, warning = judge({"service": "redis"}, {"service": "billing"}, {"alertname": "Watchdog"})
    assert (failing.severity, failing.blamed) == ("error", ("redis",))
    assert "billing" not in failing.summary
    assert "Watchdog" not in failing.summary + warning.summary


def test_the_alerts_that_the_settings_name_count_whatever_their_labels() -> None:
    labels = ({"alertname": "Watchdog", "severity": "none"}, {"service": "redis"})
    (found,) = judge(*labels, configured=("Watchdog",))
    assert found.severity == "error"
    assert "Watchdog" in found.summary
    assert "HighErrorRate" not in found.summary
