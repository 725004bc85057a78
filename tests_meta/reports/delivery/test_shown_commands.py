"""A command is shown exactly as it is quoted: on the terminal, on the page, and in the update to paste."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from service_down.fixtures.evidence.recording import RecordingError, load
from service_down.tests_meta.pages.example_runs import evidence_json
from service_down.tests_meta.pages.hostile import HOSTILE_TEXTS
from service_down.tests_meta.suite_run import SuiteRun

CODE = re.compile(r"^- (?:Then verify: )?(`+) ?(.*?) ?\1$", re.MULTILINE)


def test_a_command_is_shown_as_it_is_quoted(run_example: Callable[[str], SuiteRun]) -> None:
    run = run_example("hostile")
    commands = [command for cause in run.verdict["causes"] for command in cause["next"]]
    page = html.unescape((run.folder / "report.html").read_text())
    update = (run.folder / "incident-update.md").read_text()
    spans = [match[2] for match in CODE.finditer(update)]
    assert sum(any(name in shlex.split(command) for name in HOSTILE_TEXTS) for command in commands) > 10
    for command in commands:
        assert f" {command}\n" in run.out, command
        assert f"<pre>{command}</pre>" in page, command
    for command in run.verdict["causes"][0]["next"]:
        assert command in spans


def test_a_foreign_recording_plants_nothing_into_commands(tmp_path: Path) -> None:
    table = json.loads(evidence_json("down"))
    table["options"]["compose"] = "docker compose -p p; touch planted; $(touch planted) #"
    (tmp_path / "evidence.json").write_text(json.dumps(table))
    with pytest.raises(RecordingError, match="compose"):
        load(tmp_path)
