"""Whether the alert that started it is true, seen from what was looked at; pure."""

from __future__ import annotations

from collections.abc import Sequence

from service_down.fixtures.stack.alert import Alert
from service_down.reports.verdict import AlertAssessment, AlertState, ServiceState, VerdictWord


def judge_alert(
    alert: Alert | None, service: str | None, services: Sequence[ServiceState], word: VerdictWord, recovering: bool
) -> AlertAssessment | None:
    """True, false (a phantom target, or the service is fine), over, or not to be said.

    `word` is the verdict on the stack; `recovering`: this looks whether it is over, so that an alert whose service is
    fine need not have been false.
    """
    if alert is None:
        return None
    looks, why = _looks(alert, next((one for one in services if one.name == service), None), word)
    if looks == "false" and recovering and service:
        looks, why = "over", f"{service} is fine now, as far as could be seen"
    return AlertAssessment(alert.name, service, alert.starts, looks, why)


def _looks(alert: Alert, state: ServiceState | None, word: VerdictWord) -> tuple[AlertState, str]:
    if not alert.firing:
        return "false", f"it has resolved; it was about {alert.about()}"
    if state is None and word == "healthy":
        return "false", f"it names {alert.about()}, which the stack does not have: a phantom target"
    if state is None:
        return "unknown", f"it names {alert.about()}, which is no name of the stack's; the stack is {word}"
    if state.state == "ok":
        return "false", f"{state.name} is fine as far as could be seen"
    if state.state == "unknown":
        return "unknown", f"{state.name} could not be looked at as a whole"
    return "true", f"{state.name} is {state.state}: {state.why}"
