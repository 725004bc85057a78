"""The names of components in health bodies, in the forms that frameworks give them."""

from __future__ import annotations

import json

import pytest

from service_down.checks.judges.health_body import bad_components, states_in


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"status": "down", "checks": [{"name": "redis", "status": "down"}]}, ["redis"]),
        ({"status": "down", "checks": [{"service": "db", "status": "down"}]}, ["db"]),
        ({"status": "down", "checks": [{"status": "down"}]}, ["?"]),
        ([{"name": "cache", "status": "down"}], ["cache"]),
    ],
)
def test_a_component_has_the_name_that_its_body_gives_it(body: object, names: list[str]) -> None:
    assert list(bad_components(json.dumps(body))) == names


@pytest.mark.parametrize(
    ("body", "states"),
    [
        ("\ufeff out-of service \n", [("", "out_of_service")]),
        ("healthy\ufeff", [("", "healthy\ufeff")]),
        ("x" * 10_000, []),
    ],
)
def test_a_body_of_one_word_is_a_state(body: str, states: list[tuple[str, str]]) -> None:
    assert states_in(body) == states
