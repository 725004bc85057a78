"""The options that a command of the report needs to be of use in another folder."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from service_down.fixtures.evidence.recording import ReplayedObservations
from service_down.fixtures.run.run import Run
from service_down.reports.report_files import stack_options
from service_down.tests_meta.single_probe import probe_context


def run_with(**options: Any) -> Run:
    """A run with these options."""
    usual = {"stack": "stack.toml", "compose_file": None, "project": None, "report_dir": "reports/out"}
    return Run(probe_context(), 0.0, Namespace(**usual | options), ReplayedObservations({}))


def test_the_command_to_verify_works_in_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert stack_options(run_with()) == []
    run = run_with(stack="full.toml", compose_file=["compose.yaml"], project="shop", report_dir="out")
    assert stack_options(run) == [
        f"--stack={tmp_path}/full.toml",
        f"--compose-file={tmp_path}/compose.yaml",
        "--project=shop",
        f"--report-dir={tmp_path}/out",
    ]
