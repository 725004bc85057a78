"""`--wait`: lets probes run again until every check would pass, or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from service_down.checks.framework.check import (
    AnyTarget,
    Check,
    CheckEvidence,
    CheckFailed,
    CheckFunction,
    ObservationSource,
)
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.clients.pause import seconds_until
from service_down.fixtures.evidence.observation import CannotCheck
from service_down.fixtures.run.run_process import go_on

PAUSES_SECONDS = (1.0, 1.0, 2.0, 3.0, 5.0)  # between rounds; the last one for all that follow
MAX_SHOWN_CHECKS = 4

Test = tuple[Check, AnyTarget, CheckFunction[object]]


def wait_until_passing(
    tests: Sequence[Test], source: ObservationSource, mode: str, seconds: float, write_line: Callable[[str], None]
) -> None:
    """Starts new rounds until no check is failing or `seconds` are over; the checks then judge the last answers.

    Only the probes of failing checks run again: a login once a second would lock an account. When nothing fails any
    more after a wait, everything runs once more, since what passed at first may fail now.
    """
    began = time.monotonic()
    round_number, was_full_round = 0, True
    while True:
        failing = {
            test[0].id + test[1].id: (test, reason) for test in tests if (reason := _failure(test, source, mode))
        }
        waited = time.monotonic() - began
        if not failing and was_full_round:
            write_line(f"waited {waited:.0f} s: nothing is missing")
            return
        if failing:
            reasons = [reason for _, reason in failing.values()]
            more = f" and {len(reasons) - MAX_SHOWN_CHECKS} more" if len(reasons) > MAX_SHOWN_CHECKS else ""
            shown = "; ".join(reasons[:MAX_SHOWN_CHECKS])
            write_line(f"waited {waited:.0f} of {seconds:g} s, still missing: {shown}{more}")
            wait = PAUSES_SECONDS[min(round_number, len(PAUSES_SECONDS) - 1)]
            if waited + wait > seconds:
                return
            seconds_until(source.is_interrupted, wait)
        if source.is_interrupted():
            return
        was_full_round = not failing
        round_number += 1
        _start_round(source, tests if was_full_round else [test for test, _ in failing.values()], was_full_round)


def _start_round(source: ObservationSource, tests: Sequence[Test], everything: bool) -> None:
    probes = sorted({probe for check, target, _ in tests for probe in check.probes(target)})
    go_on()
    source.refresh(None if everything else probes)
    source.start(probes)


def _failure(test: Test, source: ObservationSource, mode: str) -> str | None:
    """What keeps this check from passing, in a few words; None when it passes or only warns."""
    check, target, function = test
    try:
        evidence = CheckEvidence(check, target, source, mode)
        function(target=target, evidence=evidence, report_findings=_raise_failing)
    except CheckFailed as error:
        return f"{error.findings[0].service} {error.findings[0].code}"
    except pytest.skip.Exception:
        return None  # not judged: what it needs is another check's finding
    except CannotCheck:
        return None if check.only_warns else f"{check.id}:{target.id} could not be looked at"
    except Exception as error:  # the check's own bug: the run shows it, waiting does not change it
        return f"{check.id}:{target.id} crashed: {type(error).__name__}"
    return None


def _raise_failing(findings: Sequence[Finding], note: str = "") -> None:
    failing = [finding for finding in findings if finding.severity != "warning"]
    if failing:
        raise CheckFailed(failing)
