"""Checks that could not look for the same reason are one entry."""

from __future__ import annotations

from service_down.reports.diagnosis.unlooked import by_reason

DEAD = "this machine could not ask: this machine's resolver does not answer"


def test_a_reason_that_ends_with_another_one_is_that_one() -> None:
    found = by_reason(
        [("drift:web", f"engine could not be asked: {DEAD}"), ("engine", DEAD), ("disk:/", "look there"), ("sql", DEAD)]
    )
    assert found == [(DEAD, ["drift:web", "engine", "sql"]), ("look there", ["disk:/"])]


def test_other_reasons_stay_as_they_are() -> None:
    pairs = [("a", "x: y"), ("b", "z: y"), ("c", "yy")]
    assert by_reason(pairs) == [("x: y", ["a"]), ("z: y", ["b"]), ("yy", ["c"])]
