"""A pytest plugin (`-p …tests_meta.canary.crash`) that lets a check and two probes crash with secrets in their data."""

from __future__ import annotations

import json
import logging
import os
import warnings
from typing import Any

import pytest

from service_down.fixtures.probes import external, redis

TEXTS: dict[str, str] = json.loads(os.environ.get("CANARY_CRASH", "{}"))


class NotAnException(BaseException):
    """An error that `except Exception` does not catch."""


def crashing_check(target: Any, evidence: Any, report_findings: Any) -> None:
    """Replaces a check: logs, warns and raises with secrets in the texts and in the local variables."""
    environment = dict(os.environ)
    password = TEXTS["local"]
    nested = {"connection": {"arguments": [password] * 3}, "environment": environment}
    logging.getLogger("canary").error("%s", TEXTS["log"])
    warnings.warn(TEXTS["warning"], stacklevel=1)
    raise RuntimeError(f"{TEXTS['check']} {TEXTS['known']} with {len(nested)} and {len(environment)}")


def crashing_probe(text: str, error: type[BaseException] = RuntimeError) -> Any:
    """Return a replacement for a probe's function that raises `error`."""

    def ask(*arguments: Any) -> Any:
        password = TEXTS["local"]
        raise error(f"{text} {TEXTS['known']} of {len(password)}")

    return ask


# Here, since the run makes its probes before the hooks of a plugin of the command line are called.
if TEXTS:  # a worker or a test may import this without them
    redis.ask_redis = crashing_probe(TEXTS["probe"])
    external.ask_external = crashing_probe(TEXTS["not-an-exception"], NotAnException)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Replace one check, or crash pytest itself."""
    if "internal" in TEXTS:
        raise RuntimeError(TEXTS["internal"])
    for item in items:
        if isinstance(item, pytest.Function) and item.originalname == "test_logs":
            item.obj = crashing_check
            break
