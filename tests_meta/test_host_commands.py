"""Commands on this machine, while pytest changes the environment of the process for each test."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from fixtures.look import Look
from fixtures.probes.host import run
from fixtures.redact import Redactor
from fixtures.settings import Settings

MANY = [f"SERVICE_DOWN_TEST_{number}" for number in range(400)]


def test_a_command_does_not_read_an_environment_that_changes() -> None:
    look = Look(Settings(), dict(os.environ), Redactor(b"salt"), "run", "triage", Path("/"))
    enough = threading.Event()

    def change() -> None:
        while not enough.is_set():
            os.environ.update(dict.fromkeys(MANY, "x"))
            for name in MANY:
                del os.environ[name]

    changing = threading.Thread(target=change, daemon=True)
    changing.start()
    try:
        codes = {run(look, "true")[0] for _ in range(60)}  # one in four fails where the child reads the process's own
    finally:
        enough.set()
        changing.join()
    assert codes == {0}
