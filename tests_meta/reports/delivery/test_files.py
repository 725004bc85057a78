"""The verdict appears although the disk of the report directory answers nothing.

The disk that hangs is simulated: a plugin lets one system call wait for ever when it is called with that directory.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service_down.fixtures.run.places import DISK_SECONDS
from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import run_suite

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HANGING = """
import os, threading

real = os.{call}

def hang(file, *args, **kwargs):
    place = kwargs.get("src_dir_fd", file)
    path = os.readlink(f"/proc/self/fd/{{place}}") if isinstance(place, int) else os.fspath(file)
    if path.startswith({folder!r}):
        threading.Event().wait()
    return real(file, *args, **kwargs)

os.{call} = hang
"""


@pytest.mark.parametrize("call", ["mkdir", "fsync", "replace", "listdir"])
def test_a_hung_report_directory_costs_seconds_and_not_the_verdict(tmp_path: Path, call: str) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    (tmp_path / "hanging.py").write_text(HANGING.format(call=call, folder=str(reports)))
    folder = write_recording("postgres-stopped", tmp_path / "recorded", AT)
    began = time.monotonic()
    words = (f"--replay={folder}", "-p", "hanging", "--incident=INC-1")
    ran = run_suite(*words, reports=reports, modules=tmp_path, timeout_seconds=60)
    assert time.monotonic() - began < 2 * DISK_SECONDS + 20, "the run waited longer than its deadline"
    out = " ".join(ran.out.split())
    assert ran.code == 1, ran.out
    assert "DOWN postgres" in out
    assert "Traceback" not in out
    if call == "listdir":  # only the earlier runs cannot be read
        assert "no answer of the disk" in (ran.folder / "timeline.md").read_text()
        return
    found = re.search(rf"{reports} did not take the report within 4 s; it is in (\S+)", out)
    assert found, ran.out
    kept = Path(found[1])
    assert {"verdict.json", "report.html", "junit.xml", "timeline.md"} <= {path.name for path in kept.iterdir()}
    assert "DOWN" in (kept / "report.html").read_text()
    for path in kept.iterdir():
        path.unlink()
    kept.rmdir()


def test_a_report_leaves_nothing_where_it_was_made(tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    (tmp_path / "elsewhere.py").write_text(
        f"import pathlib, service_down.reports.delivery.files as files\nfiles.MEMORY = pathlib.Path({str(memory)!r})"
    )
    folder = write_recording("postgres-stopped", tmp_path / "recorded", AT)
    ran = run_suite(f"--replay={folder}", "-p", "elsewhere", "-vv", reports=tmp_path / "reports", modules=tmp_path)
    assert "DOWN" in ran.out
    assert (ran.folder / "report.html").exists()
    assert not list(memory.iterdir())
    assert str(memory) not in ran.out, "a file is named where it no longer is"
    assert f"generated xml file: {ran.folder.resolve()}/junit.xml" in ran.out
