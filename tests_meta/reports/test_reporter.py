"""A fault in one step of reporting costs that step, and never the verdict."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import run_suite

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
STEPS = (
    "conclusion.diagnose",
    "conclusion.history_of",
    "reporter.render",
    "reporter.title",
    "report_files.finish",
    "report_files.update_latest_link",
    "reporter.message",
    "delivery.terminal.lines",
)
BREAKER = """
import service_down.reports.{module} as module

def broken(*args, **kwargs):
    raise KeyError("a step broke")

module.{name} = broken
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_broken_step_costs_only_itself(tmp_path: Path, step: str) -> None:
    module, _, name = step.rpartition(".")
    (tmp_path / "breaker.py").write_text(BREAKER.format(module=module, name=name))
    folder = write_recording("postgres-stopped", tmp_path / "recorded", AT)
    ran = run_suite(f"--replay={folder}", "-p", "breaker", reports=tmp_path / "reports", modules=tmp_path)
    assert ran.code == 1
    assert "Traceback" not in ran.out
    assert "a fault of this suite" in ran.out
    newest = max((tmp_path / "reports").glob("2*"))
    word = "unknown" if step == "conclusion.diagnose" else "down"
    assert f'"verdict": "{word}"' in (newest / "verdict.json").read_text()
    assert word.upper() in ran.out
    assert (newest / "junit.xml").exists()


NO_ROOM = """
import service_down.reports.plugin

service_down.reports.plugin.make_staging_folder = lambda base: None
"""


def test_the_terminal_names_only_files_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "breaker.py").write_text(NO_ROOM)
    folder = write_recording("postgres-stopped", tmp_path / "recorded", AT, incident="INC-1")
    words = (f"--replay={folder}", "--incident=INC-1")
    ran = run_suite(*words, reports=tmp_path / "reports")
    lines = [line for line in ran.out.replace("to paste", "paste").splitlines() if "/2026" in line]
    paths = dict(line.split(maxsplit=1) for line in lines)
    assert {name: Path(paths[name]).is_file() for name in ("report", "paste")} == {"report": True, "paste": True}
    ran = run_suite(*words, "-p", "breaker", reports=tmp_path / "none", modules=tmp_path)
    assert ran.code == 1
    assert "postgres was stopped" in ran.out
    assert "there is no report" in ran.out
    assert not any(line.startswith(("report ", "to paste ")) for line in ran.out.splitlines())
