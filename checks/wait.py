"""`--wait`: asks all questions in rounds until every check would pass, or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from checks.check import AnyTarget, Asked, Check, NotFine, Seen
from fixtures.evidence import CannotLook
from fixtures.finding import Finding
from fixtures.wait import pause

PAUSE = 1.0  # seconds between rounds
SHOWN = 4

Test = tuple[Check, AnyTarget, Callable[..., None]]


def wait_until_fine(
    tests: Sequence[Test], asked: Asked, mode: str, seconds: float, tell: Callable[[str], None]
) -> None:
    """Begins new rounds until nothing is missing or `seconds` are over; the checks then judge the last round."""
    began = time.monotonic()
    while True:
        missing = [found for test in tests if (found := _missing(test, asked, mode))]
        waited = time.monotonic() - began
        if not missing:
            tell(f"waited {waited:.0f} s: nothing is missing")
            return
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        tell(f"waited {waited:.0f} of {seconds:g} s, still missing: {'; '.join(missing[:SHOWN])}{more}")
        if waited + PAUSE > seconds:
            return
        pause(PAUSE)
        asked.refresh(asked.round)
        asked.start(sorted({probe for described, target, _ in tests for probe in described.probes(target)}))


def _missing(test: Test, asked: Asked, mode: str) -> str | None:
    """What keeps this check from passing, in a few words; None when it passes or only warns."""
    described, target, function = test
    try:
        function(target=target, seen=Seen(described, target, asked, mode), settle=_settle)
    except NotFine as error:
        return f"{error.findings[0].service} {error.findings[0].code}"
    except CannotLook:
        return f"{described.id}:{target.id} could not be looked at"
    except Exception as error:  # the check's own bug; the run will show it, waiting cannot mend it
        return f"{described.id}:{target.id} crashed: {type(error).__name__}"
    return None


def _settle(findings: Sequence[Finding]) -> None:
    failing: list[Any] = [one for one in findings if one.severity != "warning"]
    if failing:
        raise NotFine(failing)
