"""Whether the alert that started the incident is true, by the verdict; pure."""

from __future__ import annotations

from collections.abc import Sequence

from service_down.fixtures.stack.alert import Alert
from service_down.reports.verdict import AlertAssessment, AlertState, ServiceState, VerdictWord


def judge_alert(
    alert: Alert | None, service: str | None, services: Sequence[ServiceState], word: VerdictWord, recovering: bool
) -> AlertAssessment | None:
    """Whether the alert is true, false (a phantom target, or the service is fine), over, or unknown.

    `word` is the verdict on the stack. `recovering`: the run verifies a recovery, so an alert whose service is fine now
    is over, not false.
    """
    if alert is None:
        return None
    assessment, why = _assess(alert, next((state for state in services if state.name == service), None), word)
    if assessment == "false" and recovering and service:
        assessment, why = "over", f"{service} is fine now, as far as could be seen"
    return AlertAssessment(alert.name, service, alert.starts, assessment, why)


def _assess(alert: Alert, state: ServiceState | None, word: VerdictWord) -> tuple[AlertState, str]:
    raised_for = alert.raised_for or "nothing in particular"
    if not alert.firing:
        return "false", f"it has resolved; it was about {raised_for}"
    if state is None and word == "healthy":
        return "false", f"it names {raised_for}, which the stack does not have: a phantom target"
    if state is None:
        return "unknown", f"it names {raised_for}, which is no name of the stack's; the stack is {word}"
    if state.state == "ok":
        return "false", f"{state.name} is fine as far as could be seen"
    if state.state == "unknown":
        return "unknown", f"{state.name} could not be looked at as a whole"
    return "true", f"{state.name} is {state.state}: {state.why}"
