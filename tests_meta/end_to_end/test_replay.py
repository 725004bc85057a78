"""A replay reaches the same verdict as the live run, on any machine; a bad recording is a clear error."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service_down.fixtures.evidence.recording import RecordingError, load
from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.suite_run import NO_ENGINE, LiveSuite, SuiteRun, run_suite

WITHOUT_STACK = {"DOCKER_HOST": NO_ENGINE, "LAB_PROJECT": ""}


def repeatable_part(run: SuiteRun) -> dict[str, Any]:
    """Return the parts of a verdict that must be equal in a replay."""
    return {name: run.verdict[name] for name in ("verdict", "summary", "causes", "warnings", "unknown", "services")}


def test_a_replay_gives_the_same_verdict_without_the_stack(live_suite: LiveSuite, tmp_path: Path) -> None:
    live_suite.stack.stop("redis")
    try:
        live = live_suite.triage()
    finally:
        live_suite.stack.start("redis")
    folder = live.folder.resolve()
    for options in ([], ["-n", "2"]):
        replay = run_suite(f"--replay={folder}", *options, reports=tmp_path / "replay", env=WITHOUT_STACK)
        assert replay.code == live.code == 1, replay.out
        assert repeatable_part(replay) == repeatable_part(live)
        assert replay.verdict["run"]["replayed"] is True
        assert "REPLAY" in replay.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cut off"),
        ("[]", "no recording"),
        ('{"schema": 99}', "newer suite"),
        ('{"schema": 1}', "edited by hand"),
        ('{"schema": 1, "observations": [{"probe": 3}]}', "edited by hand"),
    ],
    ids=["cut", "other", "newer", "empty", "edited"],
)
def test_a_bad_recording_is_a_usage_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(text)
    with pytest.raises(RecordingError, match=message):
        load(tmp_path)
    run = run_suite(f"--replay={tmp_path}", reports=tmp_path / "reports")
    assert run.code == 4
    assert "Traceback" not in run.out


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b'{"schema": 1, "\xff": 0}', "not UTF-8"), (b"[" * 100_000, "nested too deeply"), (b"", "cut off")],
    ids=["utf-8", "deep", "empty"],
)
def test_a_file_that_is_not_json_is_an_error(tmp_path: Path, raw: bytes, message: str) -> None:
    (tmp_path / "evidence.json").write_bytes(raw)
    with pytest.raises(RecordingError, match=rf"evidence\.json: .*{message}"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("table", "key", "value", "message"),
    [
        ("context", "started", "garbage", "context.started is 'garbage', no time"),
        ("context", "mode", "sleep", "context.mode is 'sleep'"),
        ("context", "host", 3, "context.host: "),
        ("options", "compose", "rm -rf /; docker compose", "options.compose does not begin with `docker compose`"),
        ("options", "compose", "docker compose -p 'x", "options.compose: No closing quotation"),
        ("options", "compose", "docker compose exec db sh", "options.compose has 'exec'"),
        ("options", "compose", "docker compose -f /a -p x --dry-run", "options.compose has '--dry-run'"),
        ("options", "compose", "docker compose -f git@evil.invalid:a.git", "-f 'git@evil.invalid:a.git', no absolute"),
        ("options", "compose", "docker compose -p", "options.compose has -p without a value"),
        ("options", "compose", "docker compose -p --help", "options.compose has -p without a value"),
        ("options", "now", "garbage", "options.now is 'garbage', no time"),
        ("options", "now", "9999-12-31T23:59:59-23:59", "no time"),
        ("options", "now", None, "options.now: "),
        ("options", "alert", 5, "options.alert: "),
        ("options", "alert", {"name": "x", "starts": None, "firing": 1}, "options.alert.firing: "),
        ("options", "services", 5, "options.services: "),
        ("options", "compose", ["docker"], "options.compose: "),
        ("settings", "timeouts", {"http": "x"}, "settings.timeouts.http: "),
        (
            "settings",
            "endpoints",
            {"x": {"service": "a", "port": 1, "program": "(a+)+$"}},
            "settings.endpoints.x.program: ",
        ),
    ],
    ids=range(19),
)
def test_an_edited_recording_is_an_error_that_names_the_key(
    tmp_path: Path, table: str, key: str, value: Any, message: str
) -> None:
    path = write_recording("healthy", tmp_path, datetime(2026, 11, 24, tzinfo=UTC)) / "evidence.json"
    document = json.loads(path.read_text())
    document[table][key] = value
    path.write_text(json.dumps(document))
    with pytest.raises(RecordingError) as caught:
        load(tmp_path)
    assert message in str(caught.value)
    if key in ("started", "now"):
        run = run_suite(f"--replay={tmp_path}", reports=tmp_path / "reports")
        assert (run.code, "Traceback" in run.out) == (4, False), run.out
        assert message in run.out


def test_a_pipe_and_a_file_that_is_too_large_are_errors(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordingError, match="pipe: is no regular file"):
        load(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**25 + 1)
    with pytest.raises(RecordingError, match="large: is larger than 32 MiB"):
        load(tmp_path / "large")


def test_a_file_of_many_values_is_not_parsed(tmp_path: Path) -> None:
    (tmp_path / "evidence.json").write_text("[" + "[],[]," * 2**20 + "[]]")
    with pytest.raises(RecordingError, match="holds more values than any such file does"):
        load(tmp_path)


def test_a_recording_without_options_is_an_error(tmp_path: Path) -> None:
    path = write_recording("healthy", tmp_path, datetime(2026, 11, 24, tzinfo=UTC)) / "evidence.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "options": {}}))
    with pytest.raises(RecordingError, match=r"options\.compose"):
        load(tmp_path)


def test_the_evidence_is_json_with_every_observation(live_suite: LiveSuite) -> None:
    run = live_suite.triage("-k", "redis")
    table = json.loads((run.folder / "evidence.json").read_text())
    assert table["schema"] == 1
    assert {"engine", "compose", "redis:main"} <= {observation["probe"] for observation in table["observations"]}
