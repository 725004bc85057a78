"""Characters from outside that control a terminal do nothing, however pytest shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service_down.fixtures.evidence.recording import recording_from_json
from service_down.tests_meta.pages.example_runs import evidence_json
from service_down.tests_meta.pages.hostile import CONTROL_TEXT
from service_down.tests_meta.pages.hostile_crash import INTERNAL
from service_down.tests_meta.suite_run import run_suite

CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
CRASH = ("-p", "service_down.tests_meta.pages.hostile_crash")
STYLES = [
    *(["--tb", style] for style in ("long", "short", "line", "native", "no", "auto")),
    ["-v"],
    ["-vv", "--showlocals", "--tb=long"],
    ["-rA"],
    ["-rA", "-s"],
    ["-rA", "-n", "2", "-v", "--tb=long"],
    ["--log-cli-level=DEBUG"],
    ["--log-file=pytest.log", "--log-file-level=DEBUG"],
    ["--setup-show"],
    ["--collect-only"],
    ["--durations=0", "-vv"],
    ["--debug", "pytestdebug.log"],
]


def replayed(tmp_path: Path) -> str:
    (tmp_path / "evidence.json").write_bytes(evidence_json("control-characters"))
    return f"--replay={tmp_path}"


def assert_harmless(text: str, where: object) -> None:
    found = CONTROL.search(text)
    assert not found, f"{where}: {text[max(0, found.start() - 200) : found.end() + 50]!r}"


@pytest.mark.parametrize("style", STYLES, ids=" ".join)
def test_nothing_controls_the_terminal(tmp_path: Path, style: list[str]) -> None:
    words = [
        str(tmp_path / word) if word == "pytestdebug.log" else word.replace("=pytest", f"={tmp_path}/pytest")
        for word in style
    ]
    run = run_suite(replayed(tmp_path), *CRASH, *words, "--incident=INC-1", reports=tmp_path / "reports")
    assert_harmless(run.out, "terminal")
    if "--collect-only" in style:
        return
    assert "DOWN" in run.out
    assert {path.name for path in run.folder.iterdir()} >= {"junit.xml", "verdict.json", "report.html", "timeline.md"}
    for path in [*run.folder.iterdir(), *tmp_path.glob("*.log")]:
        assert_harmless(path.read_text(), path.name)


def test_the_hostile_texts_are_shown(tmp_path: Path) -> None:
    run = run_suite(replayed(tmp_path), *CRASH, "-rA", "--tb=long", reports=tmp_path / "reports")
    shown = run.out + (run.folder / "junit.xml").read_text()
    for text in (
        "E   RuntimeError: red ]0;title",
        "SKIPPED",
        "XFAIL",
        "firing",
        "PytestUnhandledThread",
        "could not look",
    ):
        assert text in shown, text
    assert shown.count("red ]0;title  2J next gpj iso mark line return") > 15


def test_a_crash_of_pytest_itself_is_harmless(tmp_path: Path) -> None:
    run = run_suite(replayed(tmp_path), *CRASH, reports=tmp_path / "reports", env={INTERNAL: "1"})
    assert "INTERNALERROR" in run.out
    assert "FORGED" in run.out
    assert_harmless(run.out, "terminal")


def test_recorded_texts_survive_in_the_recording(tmp_path: Path) -> None:
    run = run_suite(replayed(tmp_path), reports=tmp_path / "reports")
    assert_harmless((run.folder / "verdict.json").read_text(), "verdict.json")
    assert any(CONTROL.search(text) for text in strings(run.verdict))


def strings(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [text for inner in (value.values() if isinstance(value, dict) else value) for text in strings(inner)]
    return [value] if isinstance(value, str) else []


def test_a_recording_is_harmless_to_show_and_loses_nothing() -> None:
    text = evidence_json("control-characters").decode()
    assert_harmless(text, "evidence.json")
    recording = recording_from_json(msgspec.json.decode(text))
    assert recording.evidence.observations["prometheus:targets"].value["targets"][0]["error"] == CONTROL_TEXT


@pytest.mark.parametrize(
    "words",
    [
        ["--service", "web\x1b]0;t\x07"],
        ["--stack", "no\x9b2J.toml"],
        ["--compare", "no\x1b[31m"],
        ["--report-group", "no\u202e"],
        ["--alert", "no\x1b[31m"],
        ["--no\x1b[31m", "x"],
        ["--hosts", "a\x1b[31m,b"],
    ],
    ids=lambda words: words[0].split("\x1b")[0],
)
def test_a_usage_error_is_harmless(tmp_path: Path, words: list[str]) -> None:
    compose = tmp_path / "compose.yaml"
    compose.write_text("services: {'a': {image: x}}\n")
    (tmp_path / "stack.toml").write_text(f'[stack]\ncompose_files = ["{compose}"]\n')
    run = run_suite("--stack", str(tmp_path / "stack.toml"), *words, reports=tmp_path / "reports")
    assert run.code == 4, run.out
    assert_harmless(run.out, "terminal")
