"""A stack of which no service is known is never fine."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service_down.checks import test_compose as compose_checks
from service_down.checks.framework.check import BOTH_MODES, Check, CheckEvidence, Target, engine_key
from service_down.checks.framework.targets import stack
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.evidence.observation import CannotCheck
from service_down.fixtures.evidence.recording import ReplayedObservations
from service_down.fixtures.run.modes import TRIAGE
from service_down.fixtures.settings.schema import ServiceSettings, Settings
from service_down.fixtures.stack.containers import ComposeLabels, Container, EngineState
from service_down.fixtures.stack.model import Model, Service


def reported(model: Model) -> list[Sequence[Finding]]:
    """What the check of this stack's services reports. Raises CannotCheck."""
    target = Target("stack", "stack", None, model, Settings())
    check = Check("services", runbook=(), modes=BOTH_MODES, targets=stack, uses=engine_key)
    reports: list[Sequence[Finding]] = []

    def report_findings(findings: Sequence[Finding], note: str = "") -> None:
        reports.append(findings)

    evidence = CheckEvidence(check, target, ReplayedObservations({}), TRIAGE)
    compose_checks.test_services(target, evidence, report_findings)
    return reports


def test_a_stack_without_services_could_not_be_checked() -> None:
    with pytest.raises(CannotCheck, match=r"no service of this stack is known \(no compose file is named\)"):
        reported(Model((), "labels", "no compose file is named"))


def test_a_stack_with_services_passes() -> None:
    assert reported(Model((Service("web"),), "labels")) == [[]]


def test_a_running_service_that_was_told_of_too_late_is_missed() -> None:
    def container(service: str, status: str = "running") -> Container:
        labels = ComposeLabels(service=service)
        return Container(service, service, status=status, running=status == "running", compose=labels)

    containers = (container("web"), container("extra"), container("left-over", "exited"), container("unwanted"))
    settings = Settings(services={"unwanted": ServiceSettings(expected=False)})
    state = EngineState("shop", 0.0, containers=containers)
    assert compose_checks.missed_services(Model((Service("web"),), "compose"), settings, state) == ["extra"]
    assert compose_checks.missed_services(Model((Service("web"),), "compose"), settings, None) == []
