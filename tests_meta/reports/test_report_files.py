"""The options that a command of the report needs to be of use in another folder."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service_down.fixtures.evidence.recording import ReplayedObservations
from service_down.fixtures.run.run import Run
from service_down.reports.report_files import stack_options
from service_down.tests_meta.single_probe import probe_context


def run_with(context: dict[str, Any], **options: Any) -> Run:
    """A run with this context and these options."""
    usual = {"compose_file": None, "project": None, "report_dir": "reports/out"}
    return Run(replace(probe_context(), **context), 0.0, Namespace(**usual | options), ReplayedObservations({}))


def test_the_command_to_verify_works_in_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings, file = tmp_path / "full.toml", tmp_path / "compose.yaml"
    context = {"settings_file": settings, "compose_files": (file,), "project": "shop"}
    run = run_with(context, compose_file=["compose.yaml"], project="shop", report_dir="out")
    assert stack_options(run) == [
        f"--stack={settings}",
        f"--compose-file={file}",
        "--project=shop",
        f"--report-dir={tmp_path}/out",
    ]
    assert stack_options(run_with(context)) == [f"--stack={settings}"]


def test_without_settings_it_names_the_files_or_the_project(tmp_path: Path) -> None:
    files = (tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert stack_options(run_with({"settings_file": None, "compose_files": files, "project": None})) == [
        f"--compose-file={file}" for file in files
    ]
    nothing: dict[str, Any] = {"settings_file": None, "project": "shop"}
    assert stack_options(run_with(nothing)) == ["--project=shop"]
    assert stack_options(run_with({**nothing, "compose_files": files, "found_files": True})) == ["--project=shop"]
