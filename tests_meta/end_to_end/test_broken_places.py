"""The verdict comes although no place takes files: full or read-only, each alone and all at once.

Small file systems cover the places, in a mount namespace of the run's own. That needs root.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import PYTEST, ROOT

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
FILES = {"verdict.json", "report.html", "junit.xml", "incident-update.md", "timeline.md"}
COVER = """
set -e
mode=$1 places=$2 kept=$3; shift 3
n=10; for folder in $kept; do eval "exec $n<$folder"; n=$((n + 1)); done
for place in $places; do mount -t tmpfs -o size=64k,mode=1777 none "$place"; done
n=10; for folder in $kept; do  # what the run needs, where it was
    if [ ! -e "$folder" ]; then mkdir -p "$folder"; mount -c --bind /proc/self/fd/$n "$folder"; fi
    eval "exec $n<&-"; n=$((n + 1))
done
for place in $places; do
    if [ "$mode" = full ]; then dd if=/dev/zero of="$place/fill" bs=1k count=80 2>/dev/null || true; fi
    if [ "$mode" = ro ]; then mount -o remount,ro "$place"; fi
done
exec "$@"
"""
READ_ONLY_TREE = 'set -e; mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; cd "$1"; shift; exec "$@"'


@cache
def no_mounts() -> str:
    """Why no file system can be mounted here; empty when one can."""
    if os.geteuid():
        return "this is not root"
    tried = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/dev/shm"], capture_output=True, text=True, check=False
    )
    return tried.stderr.strip()


def run_with(
    mode: str, places: tuple[str, ...], folder: Path, *words: str, tree: bool = True, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the suite where these places are full or read-only; without `tree` also the suite's own folder."""
    if reason := no_mounts():
        pytest.skip(f"NO MOUNTS, so nothing of this was tried: {reason}")
    kept = shlex.join([str(ROOT), str(folder)])
    read_only = [] if tree else ["bash", "-c", READ_ONLY_TREE, "bash", str(ROOT)]
    return subprocess.run(
        ["unshare", "-m", "bash", "-c", COVER, "bash", mode, shlex.join(places), kept, *read_only, PYTEST, *words],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def recorded(folder: Path) -> str:
    return f"--replay={write_recording('postgres-stopped', folder / 'recorded', AT)}"


def assert_judged(ran: subprocess.CompletedProcess[str]) -> None:
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "DOWN       postgres was stopped" in ran.stdout
    assert "INTERNALERROR" not in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("mode", ["full", "ro"])
@pytest.mark.parametrize("places", [("/tmp",), ("/var/tmp",), ("/dev/shm",), TEMPORARY], ids=" ".join)
def test_the_report_is_whole_where_temporary_files_find_no_place(
    tmp_path: Path, mode: str, places: tuple[str, ...]
) -> None:
    ran = run_with(mode, places, tmp_path, recorded(tmp_path), f"--report-dir={tmp_path / 'reports'}")
    assert_judged(ran)
    latest = tmp_path / "reports" / "latest"
    assert {path.name for path in latest.iterdir()} == FILES
    assert "DOWN" in (latest / "report.html").read_text()
    assert "note " not in ran.stdout
    assert [path.name for path in (tmp_path / "reports").iterdir() if path.name.startswith((".", "service-"))] == []


@pytest.mark.parametrize(("mode", "reason"), [("full", "No space left on device"), ("ro", "Read-only file system")])
def test_a_report_directory_that_takes_nothing_is_named_with_the_place_that_does(
    tmp_path: Path, mode: str, reason: str
) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "home").mkdir()
    reports = tmp_path / "reports"
    words = (recorded(tmp_path), f"--report-dir={reports}")
    ran = run_with(mode, (str(reports),), tmp_path, *words, TMPDIR=str(tmp_path / "home"))
    assert_judged(ran)
    note = next(line for line in ran.stdout.splitlines() if line.startswith("note "))
    text, _, folder = note.rpartition(" is in ")
    assert text.endswith(f"{reports} cannot be written ({reason}); the report")
    assert Path(folder).is_relative_to(tmp_path / "home")
    assert {path.name for path in Path(folder).iterdir()} == FILES


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["plain", "workers"])
@pytest.mark.parametrize("mode", ["full", "ro"])
def test_the_verdict_is_printed_where_nothing_can_be_written_at_all(
    tmp_path: Path, mode: str, options: list[str]
) -> None:
    words = (recorded(tmp_path), "--report-dir=/proc/reports", *options)
    ran = run_with(mode, TEMPORARY, tmp_path, *words, tree=False, HOME="/proc", TMPDIR="/proc")
    assert_judged(ran)
    assert "no file can be written on this machine: there is no report" in ran.stdout


def test_a_report_directory_that_cannot_be_is_named_with_the_place_that_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    words = (recorded(tmp_path), f"--report-dir={tmp_path / 'file' / 'reports'}")
    ran = subprocess.run(
        [PYTEST, *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert_judged(ran)
    assert f"cannot be written (Not a directory); the report is in {tmp_path}/service-down-" in ran.stdout
