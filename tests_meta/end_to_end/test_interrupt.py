"""A run that is interrupted says so, also while it waits for an engine that hangs before any check is known."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service_down.tests_meta.conftest import ROOT


@pytest.mark.parametrize("words", [["--service=web"], []], ids=["options", "collection"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_a_run_that_is_interrupted_while_the_engine_hangs_says_so(
    tmp_path: Path, number: signal.Signals, words: list[str]
) -> None:
    (tmp_path / "stack.toml").write_text('[stack]\nproject = "p"\n[timeouts]\nengine = 8\n')
    with socket.create_server(("127.0.0.1", 0)) as tarpit:
        tarpit.settimeout(30)
        command = [sys.executable, "-m", "pytest", "-m", "triage", f"--stack={tmp_path / 'stack.toml'}", *words]
        run = subprocess.Popen(
            [*command, f"--report-dir={tmp_path / 'reports'}"],
            cwd=ROOT,
            env={**os.environ, "DOCKER_HOST": f"tcp://127.0.0.1:{tarpit.getsockname()[1]}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
        )
        with tarpit.accept()[0]:  # the engine has been asked, and says nothing
            try:
                out, _ = run.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                run.send_signal(number)
                out, _ = run.communicate(timeout=30)
    assert run.returncode == 2, out
    assert "INTERRUPTED" in out
    assert "Traceback" not in out
