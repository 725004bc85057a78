"""A plugin (`-p …tests_meta.canary.crash`): a check and two probes crash with secrets in all they have."""

from __future__ import annotations

import json
import logging
import os
import warnings
from typing import Any

import pytest

TOLD: dict[str, str] = json.loads(os.environ.get("CANARY_CRASH", "{}"))


class Odd(BaseException):
    """What `except Exception` does not catch."""


def crash(target: Any, seen: Any, report_findings: Any) -> None:
    """Stands for a check."""
    environment = dict(os.environ)
    password = TOLD["local"]
    deep = {"connection": {"arguments": [password] * 3}, "environment": environment}
    logging.getLogger("canary").error("%s", TOLD["log"])
    warnings.warn(TOLD["warning"], stacklevel=1)
    raise RuntimeError(f"{TOLD['check']} {TOLD['known']} with {len(deep)} and {len(environment)}")


def failing(text: str, kind: type[BaseException] = RuntimeError) -> Any:
    """Stands for a probe."""

    def ask(*arguments: Any) -> Any:
        password = TOLD["local"]
        raise kind(f"{text} {TOLD['known']} of {len(password)}")

    return ask


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Replaces the probes."""
    from service_down.fixtures.probes import external, redis

    redis.ask_redis = failing(TOLD["probe"])
    external.ask_external = failing(TOLD["odd"], Odd)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Replaces one check; or ends all."""
    if "internal" in TOLD:
        raise RuntimeError(TOLD["internal"])
    for item in items:
        if isinstance(item, pytest.Function) and item.originalname == "test_logs":
            item.obj = crash
            break
