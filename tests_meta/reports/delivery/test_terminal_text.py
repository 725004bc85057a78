"""The summary on the terminal, as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service_down.reports.delivery.terminal import lines
from service_down.reports.verdict_file import UnknownEntry
from service_down.tests_meta.reports.saved_runs import verdict_at


@pytest.mark.parametrize(("count", "text"), [(1, "could not look (1 check):"), (2, "could not look (2 checks):")])
def test_one_check_is_not_several(count: int, text: str) -> None:
    unknown = tuple(UnknownEntry(check=f"login:{number}", why="why") for number in range(count))
    assert text in [line for line, _ in lines(replace(verdict_at(1), unknown=unknown), {}, 80)]
