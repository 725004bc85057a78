"""The pytest plugin that chooses where the report is made, and registers the reporter of each run."""

from __future__ import annotations

import contextlib
import time

import pytest

from service_down.fixtures.plugin import run_of
from service_down.fixtures.text import single_line
from service_down.reports.delivery.access import Access, GroupError, access_for
from service_down.reports.delivery.files import JUNIT, PAGE, make_staging_folder
from service_down.reports.history.incident import history_options
from service_down.reports.report_files import ReportLocation
from service_down.reports.reporter import Reporter

PATH_OPTIONS = {PAGE: "htmlpath", JUNIT: "xmlpath"}  # file -> option of the plugin that writes it


@pytest.hookimpl(optionalhook=True)
def pytest_metadata(metadata: dict[str, object], config: pytest.Config) -> None:
    """Keep the environment out of the report: it is not needed, and pytest-html does not escape it."""
    if run_of(config):
        metadata.clear()


def pytest_configure(config: pytest.Config) -> None:
    """Choose where the report is made: once there is a run, before pytest-html and junitxml read their options."""
    run = run_of(config)
    if run is None or hasattr(config, "workerinput") or config.option.collectonly:
        return
    option = config.option
    history = history_options(config)
    access = _access(option.report_group)
    notify = tuple(option.notify or ())
    option.notify = None  # xdist would send the URLs to its workers
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if run.replayed else run.started))
    paths = {name: getattr(option, path_option, None) for name, path_option in PATH_OPTIONS.items()}
    copies = {name: path for name, path in paths.items() if path}
    staged = make_staging_folder(history.base)
    location = ReportLocation(staged, history.base, f"{stamp}-{run.context.mode}", copies, access)
    for name, path_option in PATH_OPTIONS.items():
        if hasattr(option, path_option):  # the plugin may be switched off
            setattr(option, path_option, str(location.staged / name) if location.staged else None)
    option.self_contained_html = True
    _give_metadata(config)
    config.pluginmanager.register(Reporter(run, location, history, notify), "service-down-reporter")


def _give_metadata(config: pytest.Config) -> None:
    """Give pytest-html the metadata that it reads although their plugin may be switched off."""
    with contextlib.suppress(ImportError):
        from pytest_metadata.plugin import metadata_key

        config.stash.setdefault(metadata_key, {})


def _access(group: str | None) -> Access:
    try:
        return access_for(group)
    except GroupError as error:
        raise pytest.UsageError(single_line(f"--report-group={group}: {error}")) from None
