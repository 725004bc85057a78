"""`--wait`: asks again what is missing until every check would pass, or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from service_down.checks.framework.check import AnyTarget, ObservationSource, Check, CheckFailed, CheckEvidence
from service_down.fixtures.catalog.finding import Finding
from service_down.fixtures.clients.pause import pause
from service_down.fixtures.evidence.observation import CannotCheck

PAUSES = (1.0, 1.0, 2.0, 3.0, 5.0)  # seconds between rounds; the last one for all that follow
SHOWN = 4

Test = tuple[Check, AnyTarget, Callable[..., None]]


def wait_until_fine(
    tests: Sequence[Test], source: ObservationSource, mode: str, seconds: float, tell: Callable[[str], None]
) -> None:
    """Begins new rounds until nothing is missing or `seconds` are over; the checks then judge the last answers.

    Only what is missing is asked again: a login once a second would lock an account. When nothing is missing any
    more after a wait, everything is asked once more, since what was fine at first may not be so now.
    """
    began = time.monotonic()
    number, whole = 0, True
    while True:
        missing = {test[0].id + test[1].id: (test, found) for test in tests if (found := _missing(test, source, mode))}
        waited = time.monotonic() - began
        if not missing and whole:
            tell(f"waited {waited:.0f} s: nothing is missing")
            return
        if missing:
            said = [found for _, found in missing.values()]
            more = f" and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
            tell(f"waited {waited:.0f} of {seconds:g} s, still missing: {'; '.join(said[:SHOWN])}{more}")
            wait = PAUSES[min(number, len(PAUSES) - 1)]
            if waited + wait > seconds:
                return
            pause(wait)
        whole = not missing
        number += 1
        _ask_again(source, tests if whole else [test for test, _ in missing.values()], whole)


def _ask_again(source: ObservationSource, tests: Sequence[Test], whole: bool) -> None:
    probes = sorted({probe for described, target, _ in tests for probe in described.probes(target)})
    source.refresh(None if whole else probes)
    source.start(probes)


def _missing(test: Test, source: ObservationSource, mode: str) -> str | None:
    """What keeps this check from passing, in a few words; None when it passes or only warns."""
    described, target, function = test
    try:
        function(target=target, seen=CheckEvidence(described, target, source, mode), report_findings=_settle)
    except CheckFailed as error:
        return f"{error.findings[0].service} {error.findings[0].code}"
    except pytest.skip.Exception:
        return None  # not judged: what it needs is another check's finding
    except CannotCheck:
        return f"{described.id}:{target.id} could not be looked at"
    except Exception as error:  # the check's own bug; the run will show it, waiting cannot mend it
        return f"{described.id}:{target.id} crashed: {type(error).__name__}"
    return None


def _settle(findings: Sequence[Finding], note: str = "") -> None:
    failing: list[Any] = [one for one in findings if one.severity != "warning"]
    if failing:
        raise CheckFailed(failing)
