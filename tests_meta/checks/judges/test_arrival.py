"""What a line or a trace that did not come back leads to: the finding, with its text and proof."""

from __future__ import annotations

import pytest

from service_down.checks.judges.arrival import judge_arrival
from service_down.fixtures.evidence.observation import ErrorDetail, Observation

AT = "2026-11-25T14:00:00Z"


@pytest.mark.parametrize(("url", "what"), [("http://l:3100", "sent to http://l:3100"), (None, "sent to loki")])
def test_what_did_not_arrive_is_proved(url: str | None, what: str) -> None:
    late = Observation[str]("loki:line", "error", None, "timeout", "did not come back", AT, error=ErrorDetail(url))
    (found,) = judge_arrival("logs-not-arriving", "loki", late)
    (proof,) = found.proof
    assert (found.code, found.service) == ("logs-not-arriving", "loki")
    assert "did not come back" in found.summary
    assert (proof.what, proof.value, proof.at) == (what, "timeout: did not come back", AT)


def test_what_arrived_is_fine() -> None:
    assert judge_arrival("logs-not-arriving", "loki", Observation("loki:line", "seen", "arrived")) == []
