"""A run goes on without its standard streams: closed, on a full disk, or a pipe that nobody reads any longer."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import PYTEST, ROOT

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PIPES = {"a reader of one line": '"$@" | head -n 1', "no reader": '"$@" 2>&1 | true'}
STREAMS = {
    "closed": '"$@" >&-',
    "full": '"$@" >/dev/full',
    "all closed": '"$@" <&- >&- 2>&-',
    "both full": '"$@" >/dev/full 2>&1',
    **{name: f'{line}; exit "${{PIPESTATUS[0]}}"' for name, line in PIPES.items()},
}


def run_in_shell(line: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line, "bash", PYTEST, *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, []) for name in STREAMS), ("both full", ["-s"]), ("all closed", ["-n", "2"])],
)
def test_a_run_goes_on_without_its_streams(tmp_path: Path, name: str, options: list[str]) -> None:
    folder = write_recording("postgres-stopped", tmp_path / "recorded", AT)
    ran = run_in_shell(STREAMS[name], f"--replay={folder}", f"--report-dir={tmp_path / 'reports'}", *options)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    latest = tmp_path / "reports" / "latest"
    assert '"verdict": "down"' in (latest / "verdict.json").read_text()
    assert "DOWN" in (latest / "report.html").read_text()
    assert ("takes no text (No space left" in ran.stderr) == (name == "full")


@pytest.mark.parametrize("line", ['"$@" >&-', '"$@" >&- 2>&-', '"$@" >/dev/full 2>&1'])
def test_a_mistake_keeps_its_exit_status(tmp_path: Path, line: str) -> None:
    ran = run_in_shell(line, f"--stack={tmp_path / 'missing.toml'}")
    assert ran.returncode == 4, ran.stderr
    assert "Traceback" not in ran.stderr
