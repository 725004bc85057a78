"""The Compose CLI as a command: it is ended with all that it started, and told which files the stack was made from."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.evidence import CannotLook, ProbeError
from fixtures.look import Look
from fixtures.probes.compose import ask_compose, command_line, variables_in
from fixtures.settings import Settings, Timeouts
from tests_meta.lab.compose import ensure_compose
from tests_meta.lab.engine import ensure_engine
from tests_meta.lab.say import NoEngineError
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


@pytest.mark.engine  # where the lab has put Compose
def test_the_stacks_env_files_fill_its_model(here: Look) -> None:
    try:
        ensure_engine()
        ensure_compose()
    except NoEngineError as error:
        pytest.skip(f"NO DOCKER COMPOSE, so no file was filled in: {error}")
    (here.base / "compose.yaml").write_text(
        'services: {web: {image: "a:${TAG:?not set}", ports: ["${PORT:-80}:80"]}}\n'
    )
    with pytest.raises(ProbeError, match="TAG"):
        ask_compose(here)
    (here.base / "production.env").write_text("TAG=3\nPORT=8081\n")
    (here.base / "more.env").write_text("PORT=8082\n")
    told = replace(here, env_files=(here.base / "production.env", here.base / "more.env"))
    web = ask_compose(told)["services"]["web"]
    assert (web["image"], web["ports"][0]["published"]) == ("a:3", "8082")


def test_every_command_names_the_env_files(here: Look) -> None:
    told = replace(here, env_files=(Path("/srv/production.env"), Path("/srv/more.env")))
    words = command_line(told)
    assert words[4:] == ["--env-file", "/srv/production.env", "--env-file", "/srv/more.env"]


def test_the_variables_of_an_env_file_are_read_for_their_secrets(tmp_path: Path) -> None:
    text = "# POSTGRES_PASSWORD=no\nexport DB_PASSWORD='p w'\nTAG = 3 \n\nURL=\"postgres://u:p@h/x=1\"\n"
    (tmp_path / "a.env").write_text(text)
    found = variables_in(tmp_path / "a.env")
    assert {name: found[name] for name in ("DB_PASSWORD", "TAG", "URL")} == {
        "DB_PASSWORD": "p w",
        "TAG": "3",
        "URL": "postgres://u:p@h/x=1",
    }
