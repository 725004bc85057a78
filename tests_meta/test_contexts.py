"""Where the engine is: what DOCKER_HOST and the Docker contexts say, and what is wrong with those that say nothing."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from fixtures.contexts import engine_url
from fixtures.load import SettingsError
from tests_meta.conftest import run_suite

URL = "tcp://elsewhere:2376"


def keep(folder: Path, name: str, text: str) -> None:
    """Keeps a context where the docker command does."""
    place = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    (place / "meta.json").write_text(text)


def test_the_engine_is_where_the_docker_command_finds_it(tmp_path: Path) -> None:
    keep(tmp_path, "far", json.dumps({"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": URL}}}))
    told = {"DOCKER_CONFIG": str(tmp_path)}
    assert engine_url(told) is None
    assert engine_url({**told, "DOCKER_CONTEXT": "far"}) == URL
    assert engine_url({**told, "DOCKER_CONTEXT": "default"}) is None
    assert engine_url({**told, "DOCKER_CONTEXT": "far", "DOCKER_HOST": "unix:///x"}) == "unix:///x"
    (tmp_path / "config.json").write_text('{"currentContext": "far"}')
    assert engine_url(told) == URL
    (tmp_path / "config.json").write_text("{")
    assert engine_url(told) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("{", "cut off"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "names no engine"),
        ('{"Endpoints": {}}', "names no engine"),
        ('{"Endpoints": {"docker": {"Host": 3}}}', "no text"),
    ],
    ids=["missing", "cut", "deep", "list", "empty", "number"],
)
@pytest.mark.parametrize("chosen", ["DOCKER_CONTEXT", "config.json"])
def test_a_context_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, words: str, chosen: str) -> None:
    if text is not None:
        keep(tmp_path, "far", text)
    told = {"DOCKER_CONFIG": str(tmp_path)}
    if chosen == "DOCKER_CONTEXT":
        told["DOCKER_CONTEXT"] = "far"
    else:
        (tmp_path / chosen).write_text('{"currentContext": "far"}')
    with pytest.raises(SettingsError, match=words) as caught:
        engine_url(told)
    assert chosen in str(caught.value)
    assert "Docker context 'far'" in str(caught.value)
    assert "docker context ls" in str(caught.value)


def test_a_user_without_a_home_has_no_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999)
    assert engine_url({}) is None
    with pytest.raises(SettingsError, match="set HOME"):
        engine_url({"DOCKER_CONTEXT": "far"})


def test_a_mistyped_context_is_one_line_and_exit_4(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text('[stack]\nproject = "p"\n')
    env = {"DOCKER_HOST": "", "DOCKER_CONTEXT": "nosuch", "DOCKER_CONFIG": str(tmp_path)}
    ran = run_suite("-m", "triage", f"--stack={tmp_path / 'stack.toml'}", reports=tmp_path / "reports", env=env)
    assert ran.code == 4, ran.out
    assert "'nosuch'" in ran.out
    assert "Traceback" not in ran.out
    assert not (tmp_path / "reports").exists()
