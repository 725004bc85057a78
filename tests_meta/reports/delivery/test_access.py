"""Only the user who ran the suite, and a group that they named, can read a report."""

from __future__ import annotations

import grp
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service_down.reports.delivery import files
from service_down.reports.delivery.access import OWNER_ONLY, Access, GroupError, access_for
from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import SuiteRun, run_suite

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
UMASKS = (0o000, 0o022, 0o277)
GROUP = next((group for group in grp.getgrall() if group.gr_gid != os.getgid()), None)


def modes(folder: Path) -> set[str]:
    """The modes of a folder, and of everything in it but links."""
    paths = [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]
    return {f"{'folder' if path.is_dir() else 'file'} {stat.S_IMODE(path.stat().st_mode):04o}" for path in paths}


def groups(folder: Path) -> set[int]:
    return {path.stat().st_gid for path in (folder, *folder.rglob("*")) if not path.is_symlink()}


def replay(tmp_path: Path, *options: str, umask: int = 0o022, **more: Any) -> SuiteRun:
    recording = write_recording("postgres-stopped", tmp_path / "recorded", AT)
    reports = tmp_path / "new" / "reports"
    return run_suite(f"--replay={recording}", "--incident=INC-1", *options, reports=reports, umask=umask, **more)


@pytest.mark.parametrize("umask", UMASKS, ids=oct)
def test_a_report_is_for_its_owner_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    run = replay(tmp_path, umask=umask)
    assert "DOWN" in run.out
    assert len(list(run.folder.iterdir())) >= 5
    assert modes(tmp_path / "new") == {"folder 0700", "file 0600"}


@pytest.mark.parametrize("umask", UMASKS, ids=oct)
def test_a_report_that_had_to_go_elsewhere_is_too(tmp_path: Path, umask: int) -> None:
    elsewhere = tmp_path / "temporary"
    elsewhere.mkdir()
    (tmp_path / "new").write_text("no folder")
    run = replay(tmp_path, umask=umask, env={"TMPDIR": str(elsewhere)})
    assert "cannot be written" in run.out
    (folder,) = elsewhere.iterdir()
    assert modes(folder) == {"folder 0700", "file 0600"}


@pytest.mark.parametrize("umask", UMASKS, ids=oct)
def test_a_report_that_stays_where_it_was_made_is_too(tmp_path: Path, umask: int) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    (tmp_path / "staying.py").write_text(
        "import pathlib, service_down.reports.delivery.files as files\n"
        f"files.MEMORY = pathlib.Path({str(memory)!r})\n"
        "def refuse(*_): raise TimeoutError()\n"
        "files._copy_to_new_folder = refuse\n"
    )
    run = replay(tmp_path, "-p", "staying", umask=umask, modules=tmp_path)
    assert "did not take the report" in run.out
    (folder,) = memory.iterdir()
    assert {"verdict.json", "report.html", "junit.xml"} <= {path.name for path in folder.iterdir()}
    assert modes(folder) == {"folder 0700", "file 0600"}


def test_an_earlier_folder_of_reports_keeps_its_mode(tmp_path: Path) -> None:
    base = tmp_path / "new" / "reports"
    base.mkdir(parents=True)
    base.chmod(0o755)
    run = replay(tmp_path)
    assert stat.S_IMODE(base.stat().st_mode) == 0o755
    assert modes(run.folder.resolve()) == {"folder 0700", "file 0600"}


@pytest.mark.parametrize("umask", UMASKS, ids=oct)
def test_copies_stay_where_the_user_wants_them_and_are_for_the_owner(tmp_path: Path, umask: int) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "junit.xml").write_text("an earlier one")
    (mine / "junit.xml").chmod(0o666)
    (tmp_path / "victim").write_text("of somebody else")
    (mine / "page.html").symlink_to(tmp_path / "victim")
    options = [f"--html={mine / 'page.html'}", f"--junitxml={mine / 'junit.xml'}"]
    replay(tmp_path, *options, umask=umask)
    for name in ("page.html", "junit.xml"):
        assert stat.S_IMODE((mine / name).lstat().st_mode) == 0o600, name
        assert "postgres" in (mine / name).read_text()
    assert (tmp_path / "victim").read_text() == "of somebody else"


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, devices, output = tmp_path / "junit.xml", tmp_path / "dev", tmp_path / "output"
    source.write_text("<testsuites/>")
    devices.mkdir()
    (devices / "stdout").symlink_to(output)
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(files, "DEVICE_FOLDERS", (devices,))
    files.write_copy(source, devices / "stdout", OWNER_ONLY)
    assert (devices / "stdout").is_symlink()
    assert output.read_text() == "<testsuites/>"
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit((tmp_path / "pipe").read_text)
        files.write_copy(source, tmp_path / "pipe", OWNER_ONLY)
        assert read.result(timeout=10) == "<testsuites/>"


@pytest.mark.skipif(os.geteuid() != 0 or GROUP is None, reason="needs root: another group's files")
def test_an_option_opens_the_report_to_a_group(tmp_path: Path) -> None:
    assert GROUP is not None
    options = ["--report-group", GROUP.gr_name, f"--html={tmp_path / 'mine' / 'page.html'}"]
    run = replay(tmp_path, *options, umask=0o077)
    assert "DOWN" in run.out
    for folder in (tmp_path / "new", tmp_path / "mine"):
        assert modes(folder) == {"folder 0750", "file 0640"}
        assert groups(folder) == {GROUP.gr_gid}


def test_an_unknown_group_is_a_usage_error(tmp_path: Path) -> None:
    run = replay(tmp_path, "--report-group=no-such-group")
    assert run.code == 4
    assert "--report-group=no-such-group: this machine has no such group" in run.out
    assert not (tmp_path / "new").exists()


def test_a_group_of_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    own = grp.getgrgid(os.getgid())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getgroups", list)
    assert access_for(own.gr_name) == Access(0o750, 0o640, own.gr_gid)
    assert access_for(None) == OWNER_ONLY
    if GROUP is not None:
        with pytest.raises(GroupError, match="you are not in this group"):
            access_for(GROUP.gr_name)
