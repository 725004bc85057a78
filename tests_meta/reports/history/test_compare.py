"""The comparison names what has changed since another run, and nothing that one of the two did not check."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service_down.fixtures.evidence.recording import Recording
from service_down.reports.history import saved_run
from service_down.reports.history.compare import compare
from service_down.reports.history.saved_run import (
    EarlierRuns,
    SavedRunError,
    load_saved_run,
    read_earlier_runs,
    verdict_from_json,
)
from service_down.reports.verdict_file import VerdictFile, to_json, verdict_file, verdict_schema
from service_down.tests_meta import offline
from service_down.tests_meta.faults.recording import evidence_file, recorded_faults, write_recording
from service_down.tests_meta.reports.saved_runs import POSTGRES, REDIS, as_warning, run_info, saved, verdict_at
from service_down.tests_meta.suite_run import SuiteRun, run_suite

AT = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)


def judged(name: str, **run: Any) -> VerdictFile:
    """The verdict of a recorded fault, read from its JSON."""
    recorded: Recording = offline.read(evidence_file(name))
    context = recorded.evidence.context
    info = run_info(**{"id": name, "started": context.started} | run)
    return verdict_from_json(to_json(verdict_file(offline.judge(recorded), info, context.mode)))


@pytest.mark.parametrize("name", recorded_faults())
def test_every_verdict_can_be_read_again_and_is_equal_to_itself(name: str) -> None:
    verdict = judged(name)
    assert not list(compare(verdict, verdict).parts())


def test_comparison_lists_what_is_new_gone_worse_and_better() -> None:
    states = {"postgres": "down", "web": "blocked", "redis": "ok"}
    then = verdict_at(1, "down", POSTGRES, states=states, checks={"state:postgres": "failed", "state:redis": "passed"})
    states = {"postgres": "ok", "web": "ok", "redis": "degraded"}
    now = verdict_at(2, "degraded", REDIS, states=states, checks={"state:postgres": "passed", "state:redis": "failed"})
    found = compare(then, now)
    assert found.new == ("redis: redis-loading",)
    assert found.gone == ("postgres: container-stopped",)
    assert found.worse == ("redis: ok -> degraded", "checks passed -> failed: state:redis")
    assert found.better == ("postgres: down -> ok", "web: blocked -> ok")
    assert found.unseen == ()
    assert (found.id, found.verdict) == ("run-1", "down")


@pytest.mark.parametrize(
    "checks", [{"state:redis": "passed"}, {"state:postgres": "unknown"}], ids=["absent", "unknown"]
)
def test_what_was_not_checked_is_neither_gone_nor_new(checks: dict[str, Any]) -> None:
    down = verdict_at(1, "down", POSTGRES, checks={"state:postgres": "failed"})
    blind = verdict_at(2, "unknown", checks=checks)
    assert compare(down, blind).gone == ()
    assert "postgres: container-stopped (not looked at now)" in compare(down, blind).unseen
    assert compare(blind, down).new == ("postgres: container-stopped (not looked at then)",)


def test_a_state_that_is_no_longer_known_is_neither_better_nor_worse() -> None:
    down, lost = verdict_at(1, "down", states={"web": "down"}), verdict_at(2, "unknown", states={"web": "unknown"})
    assert list(compare(down, lost).parts()) == [("not seen now", ("web: down -> unknown",))]
    assert compare(lost, down).worse == ("web: unknown -> down",)


def test_down_and_blocked_are_equally_bad() -> None:
    down, blocked = verdict_at(1, "down", states={"web": "down"}), verdict_at(2, "down", states={"web": "blocked"})
    assert not list(compare(down, blocked).parts())


def test_a_cause_that_became_a_warning_is_better_and_back_is_new() -> None:
    cause, warning = (
        verdict_at(1, "degraded", REDIS),
        verdict_at(2, "healthy", warnings=(as_warning(REDIS),)),
    )
    assert compare(cause, warning).better == ("redis: redis-loading (only a warning now)",)
    assert compare(warning, cause).new == ("redis: redis-loading (only a warning then)",)


def test_comparison_of_recorded_faults_lists_the_changes() -> None:
    found = compare(judged("postgres-stopped"), judged("redis-killed-and-tempo-stopped"))
    assert found.gone == ("postgres: container-stopped",)
    assert {"redis: container-killed", "tempo: container-stopped"} <= set(found.new)
    assert "postgres: down -> ok" in found.better
    assert "redis: ok -> down" in found.worse


def test_a_part_of_the_checks_is_compared_with_the_same_part_or_with_all() -> None:
    whole, part = verdict_at(1), verdict_at(2, run={"scope": "--service=web"})
    earlier = EarlierRuns((saved(whole), saved(part)))
    assert earlier.previous(verdict_at(6)) == saved(whole)
    assert earlier.previous(verdict_at(6, run={"scope": "--service=redis"})) == saved(whole)
    assert earlier.previous(verdict_at(6, run={"scope": "--service=web"})) == saved(part)


def test_previous_prefers_a_run_of_the_same_incident() -> None:
    other = verdict_at(4, run={"incident": "INC-2"})
    other_stack = verdict_at(5, run={"project": "another"})
    runs = [saved(verdict) for verdict in (verdict_at(1), verdict_at(2), other, other_stack, verdict_at(9))]
    earlier = EarlierRuns(tuple(runs))
    assert earlier.previous(verdict_at(6)) == saved(verdict_at(2))
    assert earlier.previous(verdict_at(6, run={"incident": None})) == saved(other)
    assert earlier.previous(verdict_at(1)) is None
    assert earlier.previous(verdict_at(2)) == saved(verdict_at(1))


def test_of_a_run_and_its_replay_only_the_run_counts() -> None:
    replays = [verdict_at(minute, run={"replayed": True}) for minute in (1, 2)]
    earlier = EarlierRuns(tuple(saved(verdict) for verdict in (verdict_at(1), *replays, verdict_at(7))))
    runs = earlier.of_incident(verdict_at(8))
    assert [run.verdict for run in runs] == [verdict_at(1), replays[1], verdict_at(7)]
    assert earlier.of_incident(verdict_at(8, run={"incident": None})) == ()


BAD = [
    ("{", "is not whole JSON"),
    ("[]", "no verdict of this suite"),
    ('{"schema": 99}', "schema 99, this suite knows 1"),
    ('{"schema": 1}', "edited by hand"),
    ("[" * 100_000, "nested too deeply"),
    ("\ud800", "whole JSON"),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=["cut", "other", "newer", "empty", "deep", "no-text"])
def test_a_bad_verdict_is_named_and_left_out(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "verdict.json"
    path.write_text(text, errors="surrogatepass")
    for where in (path, path.parent):
        with pytest.raises(SavedRunError, match=words):
            load_saved_run(where)
    earlier = read_earlier_runs(tmp_path)
    assert earlier.runs == ()
    assert [str(path) in text for text in earlier.left_out] == [True]


def test_invalid_start_time_is_an_error_message() -> None:
    with pytest.raises(SavedRunError, match=r"run\.started is 'soon'"):
        judged("healthy", started="soon")


def test_keys_that_older_files_lack_have_defaults_and_unknown_ones_are_ignored() -> None:
    verdict = judged("postgres-stopped")
    table = json.loads(json.dumps(to_json(verdict)))
    for key in ("alert", "changes", "timeline", "compared"):
        del table[key]
    for key in ("scope", "actions"):
        del table["run"][key]
    for cause in table["causes"]:
        del cause["shares"]
        cause["later"] = 1
    older = verdict_from_json(table)
    assert older == replace(verdict, alert=None, changes=(), timeline=())


def test_the_schema_describes_every_key() -> None:
    schema = verdict_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    assert set(definitions["VerdictFile"]["properties"]) == set(to_json(judged("healthy")))
    undescribed = [
        f"{name}.{key}"
        for name, definition in definitions.items()
        for key, field in definition["properties"].items()
        if not field.get("description")
    ]
    assert not undescribed


def test_unreadable_entries_in_the_report_directory_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder" / "verdict.json").mkdir(parents=True)
    (tmp_path / "latest").symlink_to("folder")
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "verdict.json")
    folder, pipe = read_earlier_runs(tmp_path).left_out
    assert "folder/verdict.json" in folder
    assert "no regular file" in pipe
    assert read_earlier_runs(tmp_path / "absent") == EarlierRuns()


def replay(tmp_path: Path, name: str, minute: int, *words: str) -> SuiteRun:
    folder = write_recording(name, tmp_path / f"{name}-{minute}", AT.replace(minute=minute))
    ran = run_suite(f"--replay={folder}", *words, reports=tmp_path / "reports")
    return SuiteRun(ran.code, ran.out, ran.folder.resolve())


def test_a_comparison_is_shown_on_the_terminal_and_in_the_verdict(tmp_path: Path) -> None:
    first = replay(tmp_path, "postgres-stopped", 30, "--compare=previous")
    assert "holds no earlier run of this stack" in first.out
    assert first.code == 1
    assert first.verdict["compared"] is None
    for compared_with in ("previous", str(first.folder), str(first.folder / "verdict.json")):
        then = replay(tmp_path, "healthy", 31, f"--compare={compared_with}")
        assert then.code == 0, then.out
        assert "since      22:30 UTC (triage: down)  gone: postgres: container-stopped;" in then.out
        assert then.verdict["compared"]["gone"] == ["postgres: container-stopped"]
        assert then.verdict["compared"]["id"] == first.verdict["run"]["id"]
    again = replay(tmp_path, "healthy", 32, f"--compare={then.folder}")
    assert "nothing has changed" in again.out


@pytest.mark.parametrize("parallel", [[], ["-n", "2"]], ids=["alone", "xdist"])
@pytest.mark.parametrize("text", [None, "{", '{"schema": 2}'], ids=["absent", "cut", "newer"])
def test_a_run_that_cannot_be_compared_with_is_one_line_and_exit_4(
    tmp_path: Path, text: str | None, parallel: list[str]
) -> None:
    path = tmp_path / "old" / "verdict.json"
    if text is not None:
        path.parent.mkdir()
        path.write_text(text)
    folder = write_recording("healthy", tmp_path / "r", AT)
    ran = run_suite(f"--replay={folder}", f"--compare={path.parent}", *parallel, reports=tmp_path / "reports")
    assert ran.code == 4, ran.out
    lines = [line for line in ran.out.splitlines() if "--compare" in line]
    assert len(lines) == 1
    assert str(path.parent) in lines[0]
    assert "--compare=previous" in lines[0]
    assert "Traceback" not in ran.out
    assert not (tmp_path / "reports").exists()


def test_one_bad_file_hides_no_other(tmp_path: Path) -> None:
    good: dict[str, Any] = json.loads(json.dumps(to_json(verdict_at(1))))
    bad = {**good, "run": {**good["run"], "started": "9999-12-31T23:59:59-23:59"}}
    for name, text in {
        "1": json.dumps(good),
        "2": json.dumps(bad),
        "3": json.dumps(good) + " " * 2**22,
        "4": "[" + "[]," * 2**20 + "[]]",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "verdict.json").write_text(text)
    found = read_earlier_runs(tmp_path)
    assert [run.folder.name for run in found.runs] == ["1"]
    assert [text.partition("verdict.json: ")[2].partition(";")[0] for text in found.left_out] == [
        "does not hold what it must: run.started is '9999-12-31T23:59:59-23:59', no time",
        "is larger than 4 MiB, which no such file is",
        "is no verdict of this suite (it has no schema)",
    ]


def test_only_so_much_is_read_of_a_report_directory_the_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(to_json(verdict_at(1)))
    monkeypatch.setattr(saved_run, "MAX_ALL_BYTES", 2 * len(text.encode()))
    for name in ("1", "2", "3"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "verdict.json").write_text(text)
    found = read_earlier_runs(tmp_path)
    assert {run.folder.name for run in found.runs} == {"2", "3"}
    assert found.left_out == (f"{tmp_path / '1'}: is left out: newer runs are large enough",)


def test_a_run_of_prevent_is_compared_with_its_like_only() -> None:
    looked, set_up = verdict_at(1), verdict_at(2, mode="prevent")
    earlier = EarlierRuns((saved(looked), saved(set_up)))
    assert earlier.previous(verdict_at(3)) == saved(looked)
    assert earlier.previous(verdict_at(3, mode="prevent")) == saved(set_up)
