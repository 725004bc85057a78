"""A pytest plugin (`-p …tests_meta.pages.hostile_crash`): one check logs, warns and crashes with hostile text."""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings

import pytest

from service_down.tests_meta.pages.hostile import CONTROL_TEXT

INTERNAL = "HOSTILE_INTERNAL"  # a variable: pytest itself crashes


def crashing_check(target: object, evidence: object, report_findings: object) -> None:
    """Replaces a check."""
    text = CONTROL_TEXT
    logging.getLogger("hostile").error("%s", text)
    warnings.warn(text, stacklevel=1)
    if sys.stdout is not sys.__stdout__:  # it is captured; what a check itself prints with -s is not the suite's
        print(text)
        print(text, file=sys.stderr)
    thread = threading.Thread(target=lambda: int(text), name=text)
    thread.start()
    thread.join()
    raise RuntimeError(text)


def skipped_check(target: object, evidence: object, report_findings: object) -> None:
    """Replaces a check."""
    pytest.skip(CONTROL_TEXT)


def xfailed_check(target: object, evidence: object, report_findings: object) -> None:
    """Replaces a check."""
    pytest.xfail(CONTROL_TEXT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Replace three checks, or crash pytest itself."""
    if os.environ.get(INTERNAL):
        raise RuntimeError(CONTROL_TEXT)
    checks = [item for item in items if isinstance(item, pytest.Function)]
    for item, replacement in zip(checks, (crashing_check, skipped_check, None, xfailed_check), strict=False):
        item.obj = replacement or item.obj
