"""A pytest plugin (`-p …tests_meta.canary.interrupt`) that interrupts a run where a secret is an argument."""

from __future__ import annotations

import os
from typing import Any

import pytest


def interrupting_check(target: Any, evidence: Any, report_findings: Any) -> None:
    """Replaces a check."""
    _connect(os.environ["MY_API_TOKEN"])


def _connect(token: str) -> None:
    raise KeyboardInterrupt(f"while {token} was sent")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Replace every check."""
    for item in items:
        if isinstance(item, pytest.Function):
            item.obj = interrupting_check
