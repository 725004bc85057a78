"""The judge of firing alerts: what counts against this stack, what is worth knowing, and what fires by design."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service_down.checks.test_metrics import judge_alerts
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.settings.schema import Prometheus, Settings, Stack
from service_down.fixtures.stack.model import Model, Service
from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import run_suite

MODEL = Model((Service("gateway"), Service("api-gateway", aliases=("gateway-prod",)), Service("redis")), "compose")
ENGINE = Observation(
    "engine",
    "seen",
    {
        "containers": [
            {"Name": f"/shop-{name}-1", "Config": {"Labels": {"com.docker.compose.service": name}}}
            for name in ("redis", "api-gateway")
        ]
    },
)
STACK = Stack(name="our shop", project="shop")
SINCE = "2026-11-23T20:00:00Z"


def judged(*labels: dict[str, str], alerts: tuple[str, ...] = ()) -> list[Finding]:
    told = Prometheus(service="prometheus", port=9090, jobs={"scrape-redis": "redis"}, alerts=list(alerts))
    firing = [{"labels": {"alertname": "HighErrorRate", **one}, "since": SINCE} for one in labels]
    seen = Observation("prometheus:alerts", "seen", {"url": "http://prometheus:9090/api/v1/alerts", "alerts": firing})
    return judge_alerts("prometheus", Settings(stack=STACK, prometheus=told), seen, MODEL, ENGINE)


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
    ids=["service", "told-job", "job", "host", "url", "container", "longest", "compose", "alias", "project", "stack"],
)
def test_an_alert_about_the_stack_fails(labels: dict[str, str], service: str | None) -> None:
    (found,) = judged(labels)
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
def test_what_fires_by_design_is_no_finding(labels: dict[str, str]) -> None:
    assert judged(labels) == []


@pytest.mark.parametrize(
    "labels",
    [{}, {"severity": "critical"}, {"service": "billing"}, {"instance": "10.0.0.9:9100", "container": "other-redis-1"}],
    ids=["nothing", "severity", "another-service", "another-project"],
)
def test_an_alert_that_names_nothing_of_the_stack_warns(labels: dict[str, str]) -> None:
    (found,) = judged(labels)
    assert (found.code, found.severity, found.blamed) == ("alerts-firing", "warning", ())
    assert "no label names a service of this stack" in found.summary


def test_ours_fail_and_others_warn_side_by_side() -> None:
    failing, warning = judged({"service": "redis"}, {"service": "billing"}, {"alertname": "Watchdog"})
    assert (failing.severity, failing.blamed) == ("error", ("redis",))
    assert "billing" not in failing.summary
    assert "Watchdog" not in failing.summary + warning.summary


def test_the_alerts_that_the_settings_name_count_whatever_they_say() -> None:
    labels = ({"alertname": "Watchdog", "severity": "none"}, {"service": "redis"})
    (found,) = judged(*labels, alerts=("Watchdog",))
    assert found.severity == "error"
    assert "Watchdog" in found.summary
    assert "HighErrorRate" not in found.summary


def test_what_was_left_aside_stands_in_the_checks_message(tmp_path: Path) -> None:
    folder = write_recording("healthy-verify", tmp_path / "recorded", datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
    table = json.loads((folder / "evidence.json").read_text())
    rules = next(one for one in table["observations"] if one["probe"] == "prometheus:alerts")
    rules["value"]["alerts"] = [{"labels": {"alertname": "Watchdog", "severity": "none"}, "since": SINCE}]
    (folder / "evidence.json").write_text(json.dumps(table))
    ran = run_suite(f"--replay={folder}", "-k", "test_alerts", reports=tmp_path / "reports")
    assert ran.code == 0, ran.out
    said = {one["id"]: (one["outcome"], one["message"]) for one in ran.verdict["checks"]}
    assert said == {"alerts:prometheus": ("passed", "not judged: Watchdog")}
