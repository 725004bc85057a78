"""The judge of firing alerts: which count against this stack, which only warn, and which fire by design."""

from __future__ import annotations

import pytest

from service_down.checks.judges.alerts import judge_alerts, must_be_readable, unjudged_alerts
from service_down.fixtures.catalog.finding import Finding, finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation
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


def test_an_alert_that_cannot_be_read_is_never_fine() -> None:
    odd = Observation[ActiveAlerts]("alerts", "seen", ActiveAlerts("http://a", (), 2))
    for found in ([], [finding("alerts-firing", "web", severity="warning", url="", what="", blamed=[])]):
        with pytest.raises(CannotCheck, match="2 of the alerts in Alertmanager cannot be read"):
            must_be_readable("Alertmanager", odd, found)
    must_be_readable("Alertmanager", odd, [finding("alerts-firing", "web", url="", what="", blamed=[])])
    must_be_readable("Alertmanager", Observation[ActiveAlerts]("alerts", "error", kind="refused"), [])


def test_an_alert_is_proved_with_what_it_was_raised_for_and_since_when() -> None:
    (found,) = judge({"service": "redis"}, {"job": "redis"}, {"service": "redis", "alertname": "A"})
    assert [(proof.what, proof.value, proof.at) for proof in found.proof] == [
        ("alert HighErrorRate (redis)", "firing", SINCE),
        ("alert HighErrorRate (redis)", "firing", SINCE),
        ("alert A (redis)", "firing", SINCE),
    ]
    assert "A (redis), HighErrorRate (redis)" in found.summary
    assert "no label names" not in found.summary
    assert "http://prometheus:9090/api/v1/alerts" in str(found), "the next command asks there"
    (unnamed,) = judge({})
    assert [proof.what for proof in unnamed.proof] == ["alert HighErrorRate"]


def test_alerts_of_which_no_time_is_known_have_no_beginning() -> None:
    active = ActiveAlerts("http://p/api/v1/alerts", (ActiveAlert({"service": "redis"}),))
    observation = Observation("prometheus:alerts", "seen", active)
    (found,) = judge_alerts("prometheus", Settings(stack=STACK), observation, MODEL, ENGINE)
    assert (found.since, found.proof[0].what) == (None, "alert ? (redis)")


def test_a_tool_without_an_answer_is_a_finding() -> None:
    refused = Observation[ActiveAlerts]("prometheus:alerts", "error", None, "refused", "connection refused", SINCE)
    (found,) = judge_alerts("prometheus", Settings(stack=STACK), refused, MODEL, ENGINE)
    (proof,) = found.proof
    assert (found.code, found.service) == ("metrics-missing", "prometheus")
    assert "unknown, since connection refused" in found.summary
    assert (proof.what, proof.value, proof.at) == ("alerts", "refused: connection refused", SINCE)
    assert unjudged_alerts(Settings(stack=STACK), refused) == ""


def test_the_note_names_what_is_left_aside() -> None:
    def note(*names: str) -> str:
        alerts = tuple(ActiveAlert({"alertname": name}) for name in names)
        return unjudged_alerts(Settings(stack=STACK), Observation("alerts", "seen", ActiveAlerts("http://p/", alerts)))

    assert note("Watchdog", "A", "DeadMansSwitch") == "not judged: DeadMansSwitch, Watchdog"
    assert note("A") == ""
