"""What is said to have changed since another run has changed, and nothing is said of what was not looked at."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from service_down.fixtures.evidence.recording import Recording
from service_down.reports.history.compare import compare
from service_down.reports.history.saved_run import (
    EarlierRuns,
    SavedRun,
    SavedRunError,
    load_saved_run,
    read_earlier_runs,
    saved_run_from_json,
)
from service_down.reports.verdict import as_json
from service_down.tests_meta import offline
from service_down.tests_meta.faults.recording import evidence_file, recorded_faults, write_recording
from service_down.tests_meta.reports.saved_runs import POSTGRES, REDIS, account
from service_down.tests_meta.suite_run import SuiteRun, run_suite

AT = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)


def judged(name: str) -> SavedRun:
    bundle: Recording = offline.read(evidence_file(name))
    facts = {"id": name, "started": bundle.evidence.context.started, "stack": "s", "project": "p", "actions": []}
    return saved_run_from_json(as_json(offline.judge(bundle), facts, bundle.evidence.context.mode))


@pytest.mark.parametrize("name", recorded_faults())
def test_every_verdict_can_be_told_again_and_is_equal_to_itself(name: str) -> None:
    one = judged(name)
    assert not list(compare(one, one).parts())


def test_what_is_new_gone_worse_and_better() -> None:
    states = {"postgres": "down", "web": "blocked", "redis": "ok"}
    then = account(1, "down", POSTGRES, states=states, checks={"state:postgres": "failed", "state:redis": "passed"})
    states = {"postgres": "ok", "web": "ok", "redis": "degraded"}
    now = account(2, "degraded", REDIS, states=states, checks={"state:postgres": "passed", "state:redis": "failed"})
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
def test_what_nobody_looked_at_is_neither_gone_nor_new(checks: dict[str, Any]) -> None:
    seen = account(1, "down", POSTGRES, checks={"state:postgres": "failed"})
    blind = account(2, "unknown", checks=checks)
    assert compare(seen, blind).gone == ()
    assert "postgres: container-stopped (not looked at now)" in compare(seen, blind).unseen
    assert compare(blind, seen).new == ("postgres: container-stopped (not looked at then)",)


def test_a_state_that_is_no_longer_known_is_neither_better_nor_worse() -> None:
    down, lost = account(1, "down", states={"web": "down"}), account(2, "unknown", states={"web": "unknown"})
    assert list(compare(down, lost).parts()) == [("not seen now", ("web: down -> unknown",))]
    assert compare(lost, down).worse == ("web: unknown -> down",)


def test_down_and_blocked_are_equally_bad() -> None:
    down, blocked = account(1, "down", states={"web": "down"}), account(2, "down", states={"web": "blocked"})
    assert not list(compare(down, blocked).parts())


def test_a_cause_that_became_a_warning_is_better_and_back_is_new() -> None:
    cause, warning = (
        account(1, "degraded", REDIS),
        account(2, "healthy", warnings=(replace(REDIS, severity="warning"),)),
    )
    assert compare(cause, warning).better == ("redis: redis-loading (only a warning now)",)
    assert compare(warning, cause).new == ("redis: redis-loading (only a warning then)",)


def test_recorded_faults_compared() -> None:
    found = compare(judged("postgres-stopped"), judged("redis-killed-and-tempo-stopped"))
    assert found.gone == ("postgres: container-stopped",)
    assert {"redis: container-killed", "tempo: container-stopped"} <= set(found.new)
    assert "postgres: down -> ok" in found.better
    assert "redis: ok -> down" in found.worse


def test_previous_is_the_newest_earlier_run_of_the_stack_and_rather_of_the_incident() -> None:
    other = account(4, run={"incident": "INC-2"})
    alien = replace(account(5), run=replace(account(5).run, project="another"))
    past = EarlierRuns((account(1), account(2), other, alien, account(9)))
    assert past.previous(account(6)) == account(2)
    assert past.previous(account(6, run={"incident": None})) == other
    assert past.previous(account(1)) is None
    assert past.previous(account(2)) == account(1)


def test_of_a_run_and_its_replay_only_the_run_counts() -> None:
    past = EarlierRuns((account(1), account(1, run={"replayed": True}), account(2, run={"replayed": True}), account(7)))
    assert past.of_incident(account(8)) == (account(1), account(2, run={"replayed": True}), account(7))
    assert past.of_incident(account(8, run={"incident": None})) == ()


BAD = [
    ("{", "is not whole JSON"),
    ("[]", "no verdict of this suite"),
    ('{"schema": 99}', "schema 99, this suite knows 1"),
    ('{"schema": 1}', "edited by hand"),
    ("[" * 100_000, "cannot be read|whole JSON"),
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
    past = read_earlier_runs(tmp_path)
    assert past.accounts == ()
    assert [str(path) in one for one in past.left_out] == [True]


def test_a_time_that_is_none_is_named() -> None:
    with pytest.raises(SavedRunError, match=r"run\.started is 'soon'"):
        saved_run_from_json({**as_json(offline.judge(offline.read(evidence_file("healthy"))), FACTS, "triage")})


FACTS = {"id": "x", "started": "soon", "stack": "s", "project": "p"}


def test_odd_things_in_a_report_directory_cost_nothing(tmp_path: Path) -> None:
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


def test_a_comparison_stands_on_the_terminal_and_in_the_verdict(tmp_path: Path) -> None:
    first = replay(tmp_path, "postgres-stopped", 30, "--compare=previous")
    assert "holds no earlier run of this stack" in first.out
    assert first.code == 1
    assert first.verdict["compared"] is None
    for asked in ("previous", str(first.folder), str(first.folder / "verdict.json")):
        then = replay(tmp_path, "healthy", 31, f"--compare={asked}")
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
