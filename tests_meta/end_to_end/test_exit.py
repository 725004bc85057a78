"""A run ends with its exit status, whatever its threads are doing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service_down.tests_meta import fake_servers
from service_down.tests_meta.fake_servers import recording_server
from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import run_suite

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HASHING = """
import threading, psycopg

def connect():
    psycopg.connect("host=127.0.0.1 port={port} user=u password=p dbname=d")

def pytest_configure():
    for _ in range(2):
        threading.Thread(target=connect, daemon=True).start()
"""
CRASHING = """
import os, signal

def pytest_sessionfinish():
    os.kill(os.getpid(), signal.{name})
"""


@pytest.mark.parametrize("attempt", range(3))  # it crashed in some runs only
def test_threads_in_a_c_library_do_not_crash_the_end(tmp_path: Path, attempt: int) -> None:
    folder = write_recording("healthy", tmp_path / "recorded", AT)
    with recording_server(fake_servers.postgres_endless_scram) as server:
        (tmp_path / "hashing.py").write_text(HASHING.format(port=server.port))
        ran = run_suite(f"--replay={folder}", "-p", "hashing", reports=tmp_path / "reports", modules=tmp_path)
        assert server.connections
    assert ran.code == 0, ran.out
    assert "HEALTHY" in ran.out


@pytest.mark.parametrize(
    ("name", "hint"), [("SIGSEGV", ""), ("SIGKILL", "; the machine may be out of memory: see dmesg")]
)
def test_a_process_that_was_killed_is_said(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING.format(name=name))
    (tmp_path / "memory").mkdir()
    folder = write_recording("healthy", tmp_path / "recorded", AT)
    env = {"TMPDIR": str(tmp_path / "memory")}
    ran = run_suite(f"--replay={folder}", "-p", "crashing", reports=tmp_path / "reports", modules=tmp_path, env=env)
    assert ran.code == 3
    assert f"UNKNOWN    the suite's own process was ended by {name}: nothing was judged{hint}" in ran.out
    assert not list((tmp_path / "memory").iterdir())
