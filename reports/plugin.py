"""Where the report begins: its folder, and the plugin that makes it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from service_down.fixtures.plugin import run_of
from service_down.reports.delivery.files import stage
from service_down.reports.history.incident import history_options
from service_down.reports.reporter import OPTIONS, Reporter, ReportLocation


@pytest.hookimpl(optionalhook=True)
def pytest_metadata(metadata: dict[str, Any], config: pytest.Config) -> None:
    """Keeps the environment out of the report: nobody chose it, and pytest-html does not escape it."""
    if run_of(config):
        metadata.clear()


def pytest_configure(config: pytest.Config) -> None:
    """Chooses where the report is made: after the run is there, before pytest-html and junitxml read their options."""
    run = run_of(config)
    if run is None or hasattr(config, "workerinput") or config.option.collectonly:
        return
    asked = history_options(config)
    config.option.notify = None  # xdist would hand the URLs to its workers
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if run.replayed else run.started))
    location = ReportLocation(_staged(), asked.base, f"{stamp}-{run.context.mode}")
    elsewhere = {name: getattr(config.option, option, None) for name, option in OPTIONS.items()}
    for name, option in OPTIONS.items():
        if hasattr(config.option, option):  # the plugin may be switched off
            setattr(config.option, option, str(location.staged / name) if location.staged else None)
    config.option.self_contained_html = True
    config.pluginmanager.register(Reporter(run, location, elsewhere, asked), "service-down-reporter")


def _staged() -> Path | None:
    try:
        return stage()
    except OSError:
        return None
