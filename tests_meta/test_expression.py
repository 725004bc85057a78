"""Regular expressions of the settings: one that can take forever is a mistake, and none that people need is."""

from __future__ import annotations

import re

import pytest

from fixtures.expression import mistake_in

ENDLESS = (
    "(a+)+b",
    "((a+))+b",
    "(?:a*)*b",
    "(a|a)*b",
    "(a|aa)+b",
    "(?i)(ab|AB)+c",
    "(a?a?)+b",
    "(a{1,3}){2,90}b",
    "(?=(a+)+b)a",
    "(?>(a+)+b)",
    "(x(?:y(?:a+?))*?)+b",
    r"(\d+\.)+b",
)


@pytest.mark.parametrize("pattern", ENDLESS)
def test_what_can_take_forever_is_a_mistake(pattern: str) -> None:
    assert "can take forever" in (mistake_in(pattern) or "")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "auth-service",
        "grafana|loki",
        r'"service":\s*"auth".*"ok"',
        "(foo|bar)+",
        "(?:(?:a+)b)?",
        "(a{3})+",
        "(?>a+)+b",
        r"(\d++\.)+\d",
        "(?P<x>a+)(?(x)b|c+)",
    ],
)
def test_what_people_need_is_none(pattern: str) -> None:
    assert mistake_in(pattern) is None
    re.search(pattern, "a" * 65_536)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "not a regular expression"),
        ("a{99999999999999}", "not a regular expression"),
        ("(" * 9_000 + ")" * 9_000, "nested too deeply"),
    ],
    ids=["open", "large", "deep"],
)
def test_what_is_no_expression_is_said(pattern: str, words: str) -> None:
    assert words in (mistake_in(pattern) or "")
