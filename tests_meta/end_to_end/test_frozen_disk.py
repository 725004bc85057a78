"""A frozen disk costs what is on it: what waits for it cannot be ended, and the run leaves it behind."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.frozen_disk import frozen_disk
from service_down.tests_meta.suite_run import NO_ENGINE, run_suite

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
LONGEST_SECONDS = 30.0  # the budget; the run waits for some of the disk's answers, each for 4 s
BACKUPS = """
[stack]
project = "p"
[timeouts]
host = 1.5
[host]
paths = ["{frozen}/data", "/"]
[backup.frozen]
path = "{frozen}/backups"
data_dirs = ["{frozen}/data"]
"""


def test_a_frozen_report_directory_costs_neither_the_verdict_nor_the_end(tmp_path: Path) -> None:
    folder = write_recording("postgres-stopped", tmp_path / "recorded", AT)
    with frozen_disk(tmp_path / "frozen") as frozen:
        began = time.monotonic()
        ran = run_suite(f"--replay={folder}", "--incident=INC-1", reports=frozen / "reports")
        assert time.monotonic() - began < LONGEST_SECONDS
    assert ran.code == 1, ran.out
    assert "DOWN       postgres was stopped" in ran.out
    kept = re.search(r"did not take the report within 4 s; it is in (\S+)", ran.out)
    assert kept, ran.out
    for path in Path(kept[1]).iterdir():
        path.unlink()
    Path(kept[1]).rmdir()


def test_frozen_backups_and_disks_could_not_be_looked_at(tmp_path: Path) -> None:
    with frozen_disk(tmp_path / "frozen") as frozen:
        (tmp_path / "stack.toml").write_text(BACKUPS.format(frozen=frozen))
        began = time.monotonic()
        ran = run_suite(
            f"--stack={tmp_path / 'stack.toml'}",
            "-mtriage or verify",
            "-kdisk or backup or data",
            reports=tmp_path / "reports",
            env={"DOCKER_HOST": NO_ENGINE},
        )
        assert time.monotonic() - began < LONGEST_SECONDS
    checks = {check["id"]: check["outcome"] for check in ran.verdict["checks"]}
    frozen_checks = {name: outcome for name, outcome in checks.items() if str(frozen) in name or "backup" in name}
    assert len(frozen_checks) >= 3, checks
    assert set(frozen_checks.values()) <= {"unknown"}, frozen_checks
    assert [name for name, outcome in checks.items() if outcome == "passed"] == ["disk:/"], checks


def test_settings_on_a_frozen_disk_are_a_mistake_that_is_said(tmp_path: Path) -> None:
    with frozen_disk(tmp_path / "frozen") as frozen:
        began = time.monotonic()
        ran = run_suite(f"--stack={frozen / 'stack.toml'}", reports=tmp_path / "reports")
        assert time.monotonic() - began < LONGEST_SECONDS
    assert ran.code == 4, ran.out
    assert "cannot be read: no answer of the disk within 4 s" in ran.out


def test_a_frozen_home_costs_no_verdict(tmp_path: Path) -> None:
    folder = write_recording("postgres-stopped", tmp_path / "recorded", AT)
    with frozen_disk(tmp_path / "frozen") as frozen:
        began = time.monotonic()
        ran = run_suite(f"--replay={folder}", reports=tmp_path / "reports", env={"HOME": str(frozen)})
        assert time.monotonic() - began < LONGEST_SECONDS
    assert ran.code == 1, ran.out
    assert "DOWN       postgres was stopped" in ran.out


@pytest.mark.parametrize(
    ("option", "env", "text"),
    [
        ("--alert={frozen}/alert.json", {"DOCKER_HOST": NO_ENGINE}, "alert.json cannot be read"),
        ("--budget=1", {"HOME": "{frozen}", "DOCKER_HOST": ""}, "Docker's settings cannot be read"),
    ],
)
def test_a_file_on_a_frozen_disk_is_a_mistake_that_is_said(
    tmp_path: Path, option: str, env: dict[str, str], text: str
) -> None:
    (tmp_path / "stack.toml").write_text('[stack]\nproject = "p"\n')
    with frozen_disk(tmp_path / "frozen") as frozen:
        words = (f"--stack={tmp_path / 'stack.toml'}", option.format(frozen=frozen))
        given = {name: value.format(frozen=frozen) for name, value in env.items()}
        began = time.monotonic()
        ran = run_suite(*words, reports=tmp_path / "reports", env=given)
        assert time.monotonic() - began < LONGEST_SECONDS
    assert ran.code == 4, ran.out
    assert f"{text}: no answer of the disk within 4 s" in ran.out


SILENT = """
import pathlib
import service_down.fixtures.run.run_process as run_process, service_down.reports.delivery.files as files

run_process.SILENT_SECONDS = 1.0
files.MEMORY = pathlib.Path({memory!r})

def pytest_sessionfinish():
    pathlib.Path({frozen!r}, "file").exists()
"""


def test_a_run_that_sleeps_in_a_frozen_disk_ends_and_so_does_its_output(tmp_path: Path) -> None:
    """Its streams are pipes here: they end only when the process that sleeps has closed them."""
    folder = write_recording("postgres-stopped", tmp_path / "recorded", AT)
    (tmp_path / "memory").mkdir()
    with frozen_disk(tmp_path / "frozen") as frozen:
        (tmp_path / "silent.py").write_text(SILENT.format(frozen=str(frozen), memory=str(tmp_path / "memory")))
        words = (f"--replay={folder}", "-p", "silent", "--budget=5")
        began = time.monotonic()
        ran = run_suite(*words, reports=tmp_path / "reports", modules=tmp_path)
        assert time.monotonic() - began < LONGEST_SECONDS
    assert ran.code == 1, ran.out
    assert "UNKNOWN    could not look: the suite did nothing for 6 s; a disk does not answer" in ran.out
    assert not list((tmp_path / "memory").iterdir())
