"""Compose's configuration hashes: when they can be compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service_down.checks.judges.config_drift import has_drifted
from service_down.fixtures.evidence.observation import Observation
from service_down.fixtures.probes.compose import ComposeHashes
from service_down.fixtures.stack.model import Service
from service_down.tests_meta.checks.recorded_containers import recorded_container


@pytest.mark.parametrize(
    ("service", "network_mode", "drifted"),
    [
        (Service("ok"), "hvdemo_default", True),
        (Service("ok"), "container:1f2e", None),
        (Service("ok", has_optional_dependency=True), "hvdemo_default", None),
    ],
)
def test_a_hash_of_more_than_the_file_cannot_be_compared(
    service: Service, network_mode: str, drifted: bool | None
) -> None:
    recorded = recorded_container("hvdemo-ok-1")
    labels = replace(recorded.compose, config_hash="abc", version="2.26.1")
    container = replace(recorded, network_mode=network_mode, compose=labels)
    hashes = Observation("compose:hashes", "seen", ComposeHashes("2.26.1-4", {"ok": "def"}))
    assert has_drifted(service, container, hashes) is drifted


@pytest.mark.parametrize(
    ("then", "made_by", "now", "drifted"),
    [
        ("abc", "2.26.1", "abc", False),
        ("abc", "2.26.0", "def", None),
        ("", "2.26.1", "def", None),
        ("abc", "2.26.1", "", None),
        ("", "2.26.1", "", None),
    ],
)
def test_two_hashes_of_one_version_are_compared(then: str, made_by: str, now: str, drifted: bool | None) -> None:
    recorded = recorded_container("hvdemo-ok-1")
    container = replace(recorded, compose=replace(recorded.compose, config_hash=then, version=made_by))
    hashes = Observation("compose:hashes", "seen", ComposeHashes("2.26.1-4-ds1", {"ok": now}))
    assert has_drifted(Service("ok"), container, hashes) is drifted
