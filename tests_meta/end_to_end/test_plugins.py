"""A verdict or a usage error, whatever options and plugins of pytest are used."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import PYTEST, ROOT, run_suite

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
WHOLE = [
    "-p no:metadata", "-p no:html", "-p no:junitxml", "-p no:xdist", "-p no:metadata -p no:html -p no:junitxml",
    "-p no:capture", "-p no:logging", "-n 4", "--tb=long", "--lf", "-s", "-rA",
]  # fmt: skip
PARTS = {"-x": 1, "-k postgres": 1, "-k redis": 0, "--pdb": 2}  # exit status
USAGE = ["-p no:terminal", "-p no:service_down", "--noconftest"]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording("postgres-stopped", tmp_path_factory.mktemp("recorded"), AT)


def replay(recording: Path, reports: Path, words: str, **env: str) -> tuple[int, str]:
    ran = subprocess.run(
        [PYTEST, f"--replay={recording}", f"--report-dir={reports}", *words.split(" ", words.startswith("-k") or -1)],
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert "INTERNALERROR" not in ran.stdout
    assert "Traceback" not in ran.stdout or "--trace" in words  # a debugger shows its own
    return ran.returncode, ran.stdout


@pytest.mark.parametrize("words", WHOLE)
def test_options_that_leave_the_checks_as_they_are_leave_the_verdict(
    recording: Path, tmp_path: Path, words: str
) -> None:
    code, out = replay(recording, tmp_path, words)
    assert code == 1, out
    assert "DOWN       postgres was stopped and ended cleanly; api-gateway" in out
    assert (tmp_path / "latest" / "report.html").exists() == ("no:html" not in words)
    assert (tmp_path / "latest" / "junit.xml").exists() == ("no:junitxml" not in words)
    assert '"verdict": "down"' in (tmp_path / "latest" / "verdict.json").read_text()


@pytest.mark.parametrize("words", PARTS)
def test_options_that_leave_checks_out_give_a_verdict_of_the_rest(recording: Path, tmp_path: Path, words: str) -> None:
    code, out = replay(recording, tmp_path, words)
    assert code == PARTS[words], out
    assert (tmp_path / "latest" / "verdict.json").exists()


def test_a_check_that_ended_before_it_judged_is_not_healthy(recording: Path, tmp_path: Path) -> None:
    _, out = replay(recording, tmp_path, "--trace")  # standard input ends, so the debugger quits each check
    assert "UNKNOWN" in out
    assert "the check was ended before it judged" in (tmp_path / "latest" / "verdict.json").read_text()


@pytest.mark.parametrize("words", USAGE)
def test_what_a_verdict_needs_cannot_be_switched_off(recording: Path, tmp_path: Path, words: str) -> None:
    code, out = replay(recording, tmp_path, words)
    assert code == 4
    assert "leave this word out" in out


@pytest.mark.parametrize("words", ["", "-p xdist -n 2"])
def test_plugins_may_be_left_unloaded(recording: Path, tmp_path: Path, words: str) -> None:
    code, out = replay(recording, tmp_path, words or "-q", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert code == 1, out
    assert "DOWN" in out


BROKEN = """
def pytest_sessionfinish():
    raise KeyError("a plugin of the user's")
"""


def test_a_plugin_that_breaks_at_the_end_hides_no_verdict(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    ran = run_suite(f"--replay={recording}", "-p", "broken", reports=tmp_path / "reports", modules=tmp_path)
    assert ran.code == 1, ran.out
    assert "DOWN" in ran.out
    assert "the report could not be made: KeyError" in ran.out
    assert "INTERNALERROR" not in ran.out


@pytest.mark.parametrize("words", ["--css=/nothing", "--metadata-from-json x", "--log-file=/proc/nothing"])
def test_a_plugin_that_cannot_begin_is_a_mistake_in_its_options(recording: Path, tmp_path: Path, words: str) -> None:
    code, out = replay(recording, tmp_path, words)
    assert code == 4, out
    assert "no check ran: a plugin of pytest cannot begin: " in out
    assert "correct its option" in out
