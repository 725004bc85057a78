"""The summary on the terminal, as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service_down.reports.delivery.terminal import lines
from service_down.reports.verdict_file import UnknownEntry, WarningEntry
from service_down.tests_meta.reports.saved_runs import verdict_at


@pytest.mark.parametrize(("count", "text"), [(1, "could not look (1 check):"), (2, "could not look (2 checks):")])
def test_one_check_is_not_several(count: int, text: str) -> None:
    unknown = tuple(UnknownEntry(check=f"login:{number}", why="why") for number in range(count))
    assert text in [line for line, _ in lines(replace(verdict_at(1), unknown=unknown), {}, 80)]


def shown(*warnings: WarningEntry) -> str:
    return "\n".join(line for line, _ in lines(replace(verdict_at(1), warnings=warnings), {}, 80))


def warning(service: str, remedy: str | None) -> WarningEntry:
    return WarningEntry(service=service, code="no-limit", summary=f"{service} has no limit", remedy=remedy)


def test_what_to_write_stands_once_below_a_warning() -> None:
    assert "   write   mem_limit: 1m" in shown(warning("a", "mem_limit: 1m"))
    assert shown(warning("a", "mem_limit: 1m"), warning("b", "mem_limit: 1m")).count("mem_limit") == 1
    assert "write" not in shown(warning("a", None))


def test_services_with_the_same_text_share_a_line() -> None:
    text = shown(warning("a", "mem_limit: 1m"), warning("b", "mem_limit: 2m"), warning("c", "mem_limit: 1m"))
    assert "   write   a, c: mem_limit: 1m" in text
    assert "b: mem_limit: 2m" in text


def test_what_differs_stands_beside_its_service_and_has_a_limit() -> None:
    text = shown(*(warning(f"s{number}", f"mem_limit: {number}m") for number in range(1, 9)))
    assert "   write   s1: mem_limit: 1m" in text
    assert "s6: mem_limit: 6m" in text
    assert "s7: mem_limit" not in text
    assert "and 2 more in the report" in text
