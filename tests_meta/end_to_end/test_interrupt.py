"""An interrupted run prints that it was interrupted, also while it waits for a hanging engine before collection."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from service_down.tests_meta.suite_run import PYTEST, ROOT


@pytest.mark.parametrize("options", [["--service=web"], []], ids=["options", "collection"])
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_a_run_that_is_interrupted_while_the_engine_hangs_reports_the_interrupt(
    tmp_path: Path, signal_number: signal.Signals, options: list[str]
) -> None:
    (tmp_path / "stack.toml").write_text('[stack]\nproject = "p"\n[timeouts]\nengine = 8\n')
    with socket.create_server(("127.0.0.1", 0)) as hanging_engine:
        hanging_engine.settimeout(30)
        command = [PYTEST, "-m", "triage", f"--stack={tmp_path / 'stack.toml'}", *options]
        process = subprocess.Popen(
            [*command, f"--report-dir={tmp_path / 'reports'}"],
            cwd=ROOT,
            env={**os.environ, "DOCKER_HOST": f"tcp://127.0.0.1:{hanging_engine.getsockname()[1]}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.SIG_DFL
            ),  # background processes of a shell ignore SIGINT
        )
        with hanging_engine.accept()[0]:  # the suite has connected, and gets no answer
            try:
                out, _ = process.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                process.send_signal(signal_number)
                out, _ = process.communicate(timeout=30)
    assert process.returncode == 2, out
    assert "INTERRUPTED" in out
    assert "Traceback" not in out
