"""`--wait`: what keeps a run waiting."""

from __future__ import annotations

import pytest

from service_down.checks.framework.check import AnyTarget, Check, CheckEvidence, ReportFindings, Target
from service_down.checks.framework.wait import wait_until_passing
from service_down.fixtures.evidence.collector import Collector
from service_down.fixtures.evidence.observation import CannotCheck
from service_down.fixtures.settings.schema import Settings
from service_down.fixtures.stack.model import Model


def cannot_check(target: AnyTarget, evidence: CheckEvidence, report_findings: ReportFindings) -> None:
    raise CannotCheck("no answer")


@pytest.mark.parametrize(("only_warns", "line"), [(True, "nothing is missing"), (False, "c:t could not be looked at")])
def test_a_check_that_only_warns_keeps_nothing_waiting(only_warns: bool, line: str) -> None:
    lines: list[str] = []
    check = Check("c", ("2",), ("verify",), lambda settings, model: (), only_warns=only_warns)
    target: AnyTarget = Target("t", "web", None, Model((), "compose"), Settings())
    source = Collector([], lambda value: value, 5)
    wait_until_passing([(check, target, cannot_check)], source, "verify", 0.1, lines.append)
    assert len(lines) == 1
    assert lines[0].endswith(line)
