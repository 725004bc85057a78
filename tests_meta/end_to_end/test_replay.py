"""A recorded run gives the same verdict again, anywhere; a bad recording is named."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service_down.fixtures.evidence.recording import RecordingError, load
from service_down.tests_meta.conftest import Bench, Ran, recording, run_suite

NOWHERE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock", "LAB_PROJECT": ""}


def judged(ran: Ran) -> dict[str, Any]:
    """The parts of a verdict that a replay must repeat."""
    return {name: ran.verdict[name] for name in ("verdict", "summary", "causes", "warnings", "unknown", "services")}


def test_a_replay_gives_the_same_verdict_without_the_stack(bench: Bench, tmp_path: Path) -> None:
    bench.stack.stop("redis")
    try:
        live = bench.triage()
    finally:
        bench.stack.start("redis")
    folder = live.folder.resolve()
    for words in ([], ["-n", "2"]):
        again = run_suite(f"--replay={folder}", *words, reports=tmp_path / "again", env=NOWHERE)
        assert again.code == live.code == 1, again.out
        assert judged(again) == judged(live)
        assert again.verdict["run"]["replayed"] is True
        assert "REPLAY" in again.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cut off"),
        ("[]", "no recording"),
        ('{"schema": 99}', "newer suite"),
        ('{"schema": 1}', "edited by hand"),
        ('{"schema": 1, "observations": [{"probe": 3}]}', "edited by hand"),
    ],
    ids=["cut", "other", "newer", "empty", "edited"],
)
def test_a_bad_recording_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(text)
    with pytest.raises(RecordingError, match=words):
        load(tmp_path)
    ran = run_suite(f"--replay={tmp_path}", reports=tmp_path / "reports")
    assert ran.code == 4
    assert "Traceback" not in ran.out


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b'{"schema": 1, "\xff": 0}', "not UTF-8"), (b"[" * 100_000, "nested too deeply"), (b"", "cut off")],
    ids=["utf-8", "deep", "empty"],
)
def test_what_is_no_json_is_named(tmp_path: Path, raw: bytes, words: str) -> None:
    (tmp_path / "evidence.json").write_bytes(raw)
    with pytest.raises(RecordingError, match=rf"evidence\.json: .*{words}"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("table", "key", "value", "words"),
    [
        ("context", "started", "garbage", "context.started is 'garbage', no time"),
        ("context", "mode", "sleep", "context.mode is 'sleep'"),
        ("context", "host", 3, "context.host: "),
        ("options", "now", "garbage", "options.now is 'garbage', no time"),
        ("options", "now", None, "options.now: "),
        ("options", "alert", 5, "options.alert: "),
        ("options", "alert", {"name": "x", "starts": None, "firing": 1}, "options.alert.firing: "),
        ("options", "services", 5, "options.services: "),
        ("options", "compose", ["docker"], "options.compose: "),
        ("settings", "timeouts", {"http": "x"}, "settings.timeouts.http: "),
    ],
    ids=range(10),
)
def test_a_recording_that_was_edited_is_one_line_that_names_the_key(
    tmp_path: Path, table: str, key: str, value: Any, words: str
) -> None:
    path = recording("healthy", tmp_path, datetime(2026, 11, 24, tzinfo=UTC)) / "evidence.json"
    whole = json.loads(path.read_text())
    whole[table][key] = value
    path.write_text(json.dumps(whole))
    with pytest.raises(RecordingError) as caught:
        load(tmp_path)
    assert words in str(caught.value)
    if key in ("started", "now"):
        ran = run_suite(f"--replay={tmp_path}", reports=tmp_path / "reports")
        assert (ran.code, "Traceback" in ran.out) == (4, False), ran.out
        assert words in ran.out


def test_a_pipe_and_a_file_beyond_reason_are_no_recordings(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordingError, match="pipe: is no regular file"):
        load(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**28 + 1)
    with pytest.raises(RecordingError, match="large: is larger than 256 MiB"):
        load(tmp_path / "large")


def test_a_recording_without_what_it_was_judged_by_is_named(tmp_path: Path) -> None:
    path = recording("healthy", tmp_path, datetime(2026, 11, 24, tzinfo=UTC)) / "evidence.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "options": {}}))
    with pytest.raises(RecordingError, match=r"options\.compose"):
        load(tmp_path)


def test_evidence_is_json_with_every_observation(bench: Bench) -> None:
    ran = bench.triage("-k", "redis")
    table = json.loads((ran.folder / "evidence.json").read_text())
    assert table["schema"] == 1
    assert {"engine", "compose", "redis:main"} <= {one["probe"] for one in table["observations"]}
