"""The Compose CLI as a command: it is ended with all that it started, and told which files the stack was made from."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.evidence import CannotLook
from fixtures.look import Look
from fixtures.probes.compose import ask_compose
from fixtures.settings import Settings, Timeouts
from tests_meta.lone import look

HANGING = """#!/bin/sh
sleep 300 &
echo $! >"$FOLDER/child"
wait
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """A point of view with one compose file, and with this folder's programs before all others."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: a}}\n")
    made = look(Settings(timeouts=Timeouts(compose=1)), **os.environ, FOLDER=str(tmp_path))
    return replace(made, base=tmp_path, compose_files=(tmp_path / "compose.yaml",))


def test_what_hangs_is_ended_with_its_children(here: Look) -> None:
    docker = here.base / "docker"
    docker.write_text(HANGING)
    docker.chmod(0o755)
    began = time.monotonic()
    with pytest.raises(CannotLook, match="did not answer within 1 s"):
        ask_compose(here)
    assert time.monotonic() - began < 10, "it was waited for, or for its child"
    child = int((here.base / "child").read_text())
    end = time.monotonic() + 5
    while alive(child) and time.monotonic() < end:
        time.sleep(0.05)  # the kernel ends it when it comes to it
    assert not alive(child), "the plugin that docker started runs on"
