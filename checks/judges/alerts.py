"""Alerts that fire, in Prometheus or in Alertmanager: which of them count against this stack; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from service_down.fixtures.catalog.finding import Finding, Proof, finding
from service_down.fixtures.evidence.observation import CannotCheck, Observation
from service_down.fixtures.probes.prometheus import TABLE, ActiveAlerts
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.alert import Alert, service_names
from service_down.fixtures.stack.containers import EngineState
from service_down.fixtures.stack.model import Model

HEARTBEATS = ("Watchdog", "DeadMansSwitch")  # fire always, to prove that alerting works
HARMLESS_SEVERITIES = ("none", "info")
MAX_PROOFS = 10


def judge_alerts(
    service: str,
    settings: Settings,
    observation: Observation[ActiveAlerts],
    model: Model,
    engine: Observation[EngineState],
) -> list[Finding]:
    """One `alerts-firing` for all alerts that count, which blames the services that they name; a warning for the rest.

    Where the settings name the alerts that count, those count. Else an alert counts when it names a service of the
    stack, or the stack: a Prometheus that watches other things too would never let this stack be healthy.
    """
    active = observation.value
    if active is None:
        proof = Proof("alerts", observation.error_text, observation.at)
        what = f"unknown, since {observation.text}"
        return [finding("metrics-missing", service, proof=[proof], url=service, what=what)]
    names = service_names(engine.value, model)
    counting: list[Alert] = []
    others: list[Alert] = []
    blamed: set[str] = set()
    for alert in _judged(settings, active):
        named = alert.service(settings, model, names)
        counts = _configured(settings) or named or alert.names_stack(settings)
        (counting if counts else others).append(alert)
        blamed |= {named} if named else set()
    found = [_firing(service, counting, active.url, blamed)] if counting else []
    return found + ([_firing(service, others, active.url, None)] if others else [])


def must_be_readable(tool: str, observation: Observation[ActiveAlerts], found: Sequence[Finding]) -> None:
    """Raises CannotCheck when alerts cannot be read, one of which may count, and none of the others does."""
    odd = observation.value.odd if observation.value else 0
    if odd and all(finding.severity == "warning" for finding in found):
        raise CannotCheck(f"{odd} of the alerts in {tool} cannot be read")


def unjudged_alerts(settings: Settings, observation: Observation[ActiveAlerts]) -> str:
    """The note that names the alerts that fire and are not judged; empty where there are none."""
    active = observation.value
    if active is None:
        return ""
    names = {alert.name for alert in _alerts(active)} - {alert.name for alert in _judged(settings, active)}
    return f"not judged: {', '.join(sorted(names))}" if names else ""


def _firing(service: str, alerts: Sequence[Alert], url: str, blamed: Set[str] | None) -> Finding:
    """The finding; a warning where `blamed` is None, since no label names a service of the stack."""
    what = ", ".join(sorted({_title(alert) for alert in alerts}))
    return finding(
        "alerts-firing",
        service,
        proof=[Proof(f"alert {_title(alert)}", "firing", alert.starts) for alert in alerts[:MAX_PROOFS]],
        since=min((alert.starts for alert in alerts if alert.starts), default=None),
        severity="warning" if blamed is None else None,
        url=url,
        what=what if blamed is not None else f"{what}; no label names a service of this stack",
        blamed=sorted(blamed or ()),
    )


def _configured(settings: Settings) -> Sequence[str]:
    """The names of the alerts that count by the settings."""
    prometheus = settings.only(TABLE)
    return prometheus.alerts if prometheus else ()


def _judged(settings: Settings, active: ActiveAlerts) -> list[Alert]:
    """The alerts that are judged: those that the settings name, else all but the ones that fire by design."""
    configured = _configured(settings)
    return [
        alert for alert in _alerts(active) if (alert.name in configured if configured else not _fires_by_design(alert))
    ]


def _alerts(active: ActiveAlerts) -> Iterator[Alert]:
    for alert in active.alerts:
        yield Alert(alert.labels.get("alertname", "?"), alert.since, True, alert.labels)


def _fires_by_design(alert: Alert) -> bool:
    """Whether it fires although nothing is wrong: to prove that alerting works, or to inform."""
    return alert.name in HEARTBEATS or alert.labels.get("severity", "").lower() in HARMLESS_SEVERITIES


def _title(alert: Alert) -> str:
    """The alert's name, and what it was raised for."""
    return alert.name + (f" ({alert.raised_for})" if alert.raised_for else "")
