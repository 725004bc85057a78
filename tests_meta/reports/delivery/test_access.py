"""Only the user who ran the suite, and a group that they named, can read a report."""

from __future__ import annotations

import grp
import os
import stat
import struct
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
NOBODY = 65534
# Entries of tag, permissions and user: the owner 7, the user nobody 7, the group 5, the mask 7, others 0.
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in ((1, 7, 0xFFFFFFFF), (2, 7, NOBODY), (4, 5, 0xFFFFFFFF), (16, 7, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF))
)
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


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another user's pipe")
def test_a_pipe_of_another_user_gets_nothing(tmp_path: Path) -> None:
    source, pipe = tmp_path / "junit.xml", tmp_path / "pipe"
    source.write_text("<testsuites/>")
    os.mkfifo(pipe)
    os.chown(pipe, NOBODY, NOBODY)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.write_copy(source, pipe, OWNER_ONLY)
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)
    assert (pipe.is_file(), pipe.read_text()) == (True, "<testsuites/>")


def test_nor_does_one_that_took_the_place_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, pipe = tmp_path / "junit.xml", tmp_path / "pipe"
    source.write_text("<testsuites/>")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    answers = iter([True, False])
    monkeypatch.setattr(files, "_is_trusted_device", lambda status: next(answers))
    try:
        with pytest.raises(OSError, match="replaced"):
            files.write_copy(source, pipe, OWNER_ONLY)
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)


@pytest.mark.parametrize("moment", ["made", "given"])
@pytest.mark.parametrize("by", ["link", "folder"])
def test_nobody_can_put_another_folder_in_the_place_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, by: str
) -> None:
    """Who may write to the report directory replaces the new folder, as soon as it is there."""
    staged, base, victim = tmp_path / "staged", tmp_path / "base", tmp_path / "victim"
    for folder in (staged, base, victim):
        folder.mkdir()
    (staged / "verdict.json").write_text("{}")
    (victim / "verdict.json").write_text("of root")
    victim.chmod(0o755)
    if by == "folder" and os.geteuid() == 0:
        os.chown(victim, NOBODY, NOBODY)
    elif by == "folder":
        pytest.skip("needs root: another user's folder")
    mkdir, give_folder = Path.mkdir, Access.give_folder

    def replace_it(path: Path) -> None:
        if path.parent == base:
            path.rename(tmp_path / f"away-{path.name}")
            path.symlink_to(victim) if by == "link" else victim.rename(path)

    def make(path: Path, *words: Any, **more: Any) -> None:
        mkdir(path, *words, **more)
        if moment == "made":
            replace_it(path)

    def give(access: Access, path: Path) -> None:
        give_folder(access, path)
        if moment == "given":
            replace_it(path)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "mkdir", make)
    monkeypatch.setattr(Access, "give_folder", give)
    report = files.deliver(staged, base, "now", OWNER_ONLY)
    assert "cannot be written" in report.note
    assert (report.path / "verdict.json").read_text() == "{}"
    assert not report.path.is_relative_to(base)
    if by == "link":
        assert stat.S_IMODE(victim.stat().st_mode) == 0o755
        assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("verdict.json", "of root")]


def test_no_list_of_further_users_stays(tmp_path: Path) -> None:
    """A new file gets the list of its folder, and the mode for the group would open it to all of them."""
    base, staged = tmp_path / "base", tmp_path / "staged"
    base.mkdir()
    staged.mkdir()
    (staged / "verdict.json").write_text("{}")
    try:
        os.setxattr(base, "system.posix_acl_default", ACL)
    except OSError:
        pytest.skip("this file system has no such lists")
    folder = files.deliver(staged, base, "now", Access(0o750, 0o640)).path
    assert folder.parent == base
    for path in (folder, folder / "verdict.json"):
        assert [name for name in os.listxattr(path) if "posix_acl" in name] == []


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
