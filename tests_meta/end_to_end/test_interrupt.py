"""A run that is interrupted judges what is known, and keeps it. A second signal ends it at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service_down.fixtures.run.places import PREFIX
from service_down.tests_meta.fake_stack import fake_stack
from service_down.tests_meta.faults.recording import conclusion
from service_down.tests_meta.suite_run import COMMAND, PYTEST, ROOT, SuiteRun, run_suite

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT]
SETTINGS = """
[stack]
project = "p"
[timeouts]
engine = 20
[endpoints.refuses]
service = "web"
host = "127.0.0.1"
port = {closed}
"""
HANGING_END = """
import pathlib, threading
import service_down.fixtures.run.places as places, service_down.reports.delivery.files as files

files.MEMORY = pathlib.Path({memory!r})

def pytest_sessionfinish():
    pathlib.Path({marker!r}).touch()
    threading.Event().wait()
"""

WATCH = """
import pathlib
from service_down.fixtures.evidence.collector import Collector

finish = Collector._finish

def watched(self, task, observation, raw):
    finish(self, task, observation, raw)
    if observation.probe == "http:broken":
        pathlib.Path({marker!r}).touch()

Collector._finish = watched
"""


def start(words: list[str], command: list[str] | None = None, **env: str) -> subprocess.Popen[str]:
    """Start the command as a shell does in the foreground: no signal is ignored."""
    return subprocess.Popen(
        [*(command or [PYTEST]), *words],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in SIGNALS],
    )


def out_of(process: subprocess.Popen[str]) -> str:
    """Everything that it prints until its end."""
    return process.communicate(timeout=60)[0]


def wait_for(condition: object, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert process.poll() is None, out_of(process)
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def hanging_engine() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as engine:
        engine.settimeout(60)
        yield engine


@pytest.mark.parametrize(
    ("number", "options"),
    [*((number, []) for number in SIGNALS), (signal.SIGTERM, ["--service=web"]), (signal.SIGINT, ["-n", "2"])],
)
def test_what_is_known_is_judged_as_a_replay_of_what_was_written(
    tmp_path: Path, number: signal.Signals, options: list[str]
) -> None:
    with hanging_engine() as engine, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens there: it refuses
        (tmp_path / "stack.toml").write_text(SETTINGS.format(closed=closed.getsockname()[1]))
        words = [f"--stack={tmp_path / 'stack.toml'}", f"--report-dir={tmp_path / 'reports'}", *options]
        process = start(words, DOCKER_HOST=f"tcp://127.0.0.1:{engine.getsockname()[1]}")
        with engine.accept()[0]:  # the suite has connected, and gets no answer
            process.send_signal(number)
            out = out_of(process)
    assert process.returncode == 2, out
    assert "INTERRUPTED" in out
    assert "Traceback" not in out
    live = SuiteRun(2, out, tmp_path / "reports" / "latest")
    replayed = run_suite(f"--replay={live.folder.resolve()}", reports=tmp_path / "again")
    assert live.verdict["run"]["interrupted"]
    assert number.name in str(live.verdict["unknown"])
    assert conclusion(live.verdict) == conclusion(replayed.verdict)


def test_facts_that_were_seen_before_the_signal_count(tmp_path: Path) -> None:
    """The signal comes when an endpoint has answered with an error, and while a store does not answer."""
    with hanging_engine() as store, fake_stack(tmp_path, services=1) as stack:
        port = store.getsockname()[1]
        settings = stack.settings_file.read_text() + (
            f'\n[redis.slow]\nservice = "redis"\nhost = "127.0.0.1"\nport = {port}\n'
            '\n[endpoints.broken]\nservice = "web-0"\nhost = "127.0.0.1"\nport = 1\n[timeouts]\nredis = 25\n'
        )
        stack.settings_file.write_text(settings)
        marker = tmp_path / "answered"
        (tmp_path / "watch.py").write_text(WATCH.format(marker=str(marker)))
        words = ["-p", "watch", f"--stack={stack.settings_file}", f"--report-dir={tmp_path / 'reports'}"]
        command = [sys.executable, "-IXutf8", "-c", COMMAND.format(folder=str(tmp_path))]
        process = start(words, command, DOCKER_HOST=stack.docker_host, REDIS_PASSWORD="r3dis-s3cret")
        wait_for(marker.exists, process)
        process.send_signal(signal.SIGTERM)
        out = out_of(process)
    assert process.returncode == 2, out
    live = SuiteRun(2, out, tmp_path / "reports" / "latest")
    assert ("web-0", "endpoint-refused") in {(cause["service"], cause["code"]) for cause in live.verdict["causes"]}
    assert "SIGTERM" in str(live.verdict["unknown"])
    replayed = run_suite(f"--replay={live.folder.resolve()}", reports=tmp_path / "again")
    assert conclusion(live.verdict) == conclusion(replayed.verdict)


def test_a_second_signal_ends_at_once_and_leaves_no_folder(tmp_path: Path) -> None:
    memory, marker = tmp_path / "memory", tmp_path / "marker"
    memory.mkdir()
    (tmp_path / "hanging_end.py").write_text(HANGING_END.format(memory=str(memory), marker=str(marker)))
    command = [sys.executable, "-IXutf8", "-c", COMMAND.format(folder=str(tmp_path))]
    with fake_stack(tmp_path, services=1) as stack:
        words = ["-p", "hanging_end", f"--stack={stack.settings_file}", f"--report-dir={tmp_path / 'reports'}"]
        process = start(words, command, DOCKER_HOST=stack.docker_host, TMPDIR=str(memory))
        wait_for(marker.exists, process)
        assert any(path.name.startswith(PREFIX) for path in memory.iterdir())
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)  # signals that come at the same time are one
        assert process.poll() is None, "the first signal lets the run end by itself"
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out = out_of(process)
    assert time.monotonic() - began < 5
    assert process.returncode == 2
    assert "INTERRUPTED (SIGINT) again: there is no report" in out
    assert "Traceback" not in out
    assert [path for path in memory.iterdir() if path.name.startswith(PREFIX)] == []


def test_a_second_signal_ends_workers_that_only_begin(tmp_path: Path) -> None:
    with hanging_engine() as engine:
        (tmp_path / "stack.toml").write_text('[stack]\nproject = "p"\n[timeouts]\nengine = 1\n')
        words = [f"--stack={tmp_path / 'stack.toml'}", f"--report-dir={tmp_path / 'reports'}", "-n", "2"]
        process = start(words, DOCKER_HOST=f"tcp://127.0.0.1:{engine.getsockname()[1]}")
        with engine.accept()[0]:
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)  # it collects now, or starts the workers
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            out = out_of(process)
    assert time.monotonic() - began < 5, "a worker held the terminal"
    assert process.returncode == 2
    assert "Traceback" not in out


def test_a_terminal_that_closes_sends_its_signal_twice_and_gets_a_report(tmp_path: Path) -> None:
    with hanging_engine() as engine:
        (tmp_path / "stack.toml").write_text('[stack]\nproject = "p"\n[timeouts]\nengine = 20\n')
        words = [f"--stack={tmp_path / 'stack.toml'}", f"--report-dir={tmp_path / 'reports'}"]
        process = start(words, DOCKER_HOST=f"tcp://127.0.0.1:{engine.getsockname()[1]}")
        with engine.accept()[0]:
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGHUP)
            out_of(process)
    assert (tmp_path / "reports" / "latest" / "verdict.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("delay_ms", [25, 50, 100, 200, 350])
def test_a_signal_at_any_moment_shows_no_traceback_and_leaves_no_folder(
    tmp_path: Path, delay_ms: int, number: signal.Signals
) -> None:
    """No moment is waited for: whatever the signal meets must hold."""
    memory = tmp_path / "memory"
    memory.mkdir()
    (tmp_path / "stack.toml").write_text('[stack]\nproject = "p"\n')
    words = [f"--stack={tmp_path / 'stack.toml'}", f"--report-dir={tmp_path / 'reports'}"]
    process = start(words, TMPDIR=str(memory), DOCKER_HOST="unix:///nonexistent/docker.sock")
    time.sleep(delay_ms / 1000)
    process.send_signal(number)
    out = out_of(process)
    too_early = process.returncode == -number and not out  # a busy machine has not even started Python
    assert process.returncode in (1, 2) or too_early, out
    assert "Traceback" not in out
    assert "KeyboardInterrupt" not in out
    assert not list(memory.iterdir())


def test_a_signal_that_the_caller_ignores_stays_ignored(tmp_path: Path) -> None:
    words = ["nohup", PYTEST, f"--stack={tmp_path / 'stack.toml'}", f"--report-dir={tmp_path / 'reports'}"]
    with hanging_engine() as engine:
        (tmp_path / "stack.toml").write_text('[stack]\nproject = "p"\n[timeouts]\nengine = 2\n')
        host = f"tcp://127.0.0.1:{engine.getsockname()[1]}"
        process = start(words[1:], words[:1], DOCKER_HOST=host)
        with engine.accept()[0]:
            process.send_signal(signal.SIGHUP)
            out = out_of(process)
    assert process.returncode == 1, out
    assert "INTERRUPTED" not in out
