"""A recorded run gives the same verdict again, anywhere; a bad recording is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.bundle import BundleError, load
from tests_meta.conftest import Bench, Ran, recording, run_suite

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
    with pytest.raises(BundleError, match=words):
        load(tmp_path)
    ran = run_suite(f"--replay={tmp_path}", reports=tmp_path / "reports")
    assert ran.code == 4
    assert "Traceback" not in ran.out


def test_a_recording_without_what_it_was_judged_by_is_named(tmp_path: Path) -> None:
    path = recording("healthy", tmp_path, datetime(2026, 11, 24, tzinfo=UTC)) / "evidence.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "options": {}}))
    with pytest.raises(BundleError, match=r"options\.compose"):
        load(tmp_path)


def test_evidence_is_json_with_every_observation(bench: Bench) -> None:
    ran = bench.triage("-k", "redis")
    table = json.loads((ran.folder / "evidence.json").read_text())
    assert table["schema"] == 1
    assert {"engine", "compose", "redis:main"} <= {one["probe"] for one in table["observations"]}
