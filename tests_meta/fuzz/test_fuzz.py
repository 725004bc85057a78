"""Every target with some examples, and with every input that once found a mistake (`make fuzz` keeps them)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from service_down.tests_meta.fuzz.targets import KEPT, TARGETS, kept_inputs

FEW = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_comes_ends_as_documented(name: str) -> None:
    target = TARGETS[name]
    settings(FEW, max_examples=target.examples)(given(target.inputs)(target.check))()


@pytest.mark.parametrize("file", kept_inputs(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_once_found_a_mistake_finds_none(file: Path) -> None:
    TARGETS[file.parent.name].check(file.read_bytes())


def test_kept_inputs_belong_to_targets() -> None:
    assert {folder.name for folder in KEPT.iterdir() if folder.is_dir()} <= set(TARGETS)
