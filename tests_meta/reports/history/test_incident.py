"""incident-update.md and timeline.md: an incident in words; what a bad file or a hostile text does to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service_down.reports.delivery.markdown import code, escaped, prose
from service_down.reports.diagnosis.timeline import JUDGED
from service_down.reports.history.incident_timeline import incident_timeline
from service_down.reports.history.incident_update import incident_update, status_of
from service_down.reports.verdict_file import VerdictFile
from service_down.tests_meta.faults.recording import write_recording
from service_down.tests_meta.reports.saved_runs import POSTGRES, REDIS, cause, event, verdict_at
from service_down.tests_meta.suite_run import SuiteRun, run_suite

AT = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
DOWN = verdict_at(1, "down", POSTGRES)


def update(now: VerdictFile, *earlier: VerdictFile) -> str:
    return incident_update(now, earlier, 1 + len(earlier), AT, "pytest -m verify")


@pytest.mark.parametrize(
    ("now", "earlier", "status"),
    [
        (verdict_at(2, "healthy"), [], "INVESTIGATING"),
        (verdict_at(2, "unknown"), [], "INVESTIGATING"),
        (verdict_at(2, "unknown", REDIS), [], "INVESTIGATING"),
        (verdict_at(2, "unknown"), [DOWN], "INVESTIGATING"),
        (verdict_at(2, "down", POSTGRES), [], "IDENTIFIED"),
        (verdict_at(2, "degraded", REDIS), [DOWN], "IDENTIFIED"),
        (verdict_at(2, "healthy"), [DOWN], "MONITORING"),
        (verdict_at(2, "healthy", mode="verify"), [], "RESOLVED"),
        (verdict_at(3, "healthy", mode="prevent"), [], "INVESTIGATING"),
        (verdict_at(3, "healthy", mode="prevent"), [DOWN], "IDENTIFIED"),
        (verdict_at(3, "healthy", mode="prevent"), [DOWN, verdict_at(2, mode="verify")], "RESOLVED"),
        (verdict_at(2, "healthy", mode="verify"), [DOWN], "RESOLVED"),
        (verdict_at(2, "healthy", mode="verify", run={"scope": "-k redis"}), [DOWN], "MONITORING"),
        (verdict_at(2, "degraded", REDIS, mode="verify"), [DOWN], "MONITORING"),
        (verdict_at(2, "unknown", mode="verify"), [DOWN], "MONITORING"),
        (verdict_at(2, "down", POSTGRES, mode="verify"), [DOWN], "IDENTIFIED"),
    ],
)
def test_the_status_follows_from_mode_verdict_and_the_runs_before(
    now: VerdictFile, earlier: Sequence[VerdictFile], status: str
) -> None:
    assert status_of(now, earlier) == status


def test_the_update_is_the_runbooks_form_filled_in() -> None:
    now = verdict_at(
        2,
        "down",
        POSTGRES,
        REDIS,
        states={"postgres": "down", "web": "blocked", "redis": "degraded", "mail": "ok"},
        reasons=("multiple-critical-services",),
        run={"actions": ("asked in the channel",)},
    )
    assert update(now) == (
        "**Incident Update #1 - 2026-11-23 22:30 UTC** (INC-1 · shop)\n"
        "\n"
        "Status: IDENTIFIED  \n"
        "Impact: critical services down: postgres; services blocked: web; services degraded: redis  \n"
        "Root Cause: postgres was stopped (postgres: container-stopped); "
        "redis loads its data (redis: redis-loading)  \n"
        "ETA: not known to the suite; to be given by whoever repairs  \n"
        "Next Update: 23:00 UTC (in 30 minutes, when the runbook escalates what is still down)\n"
        "\n"
        "Actions Taken:\n"
        "- 21:02 UTC: asked in the channel\n"
        "\n"
        "Next Steps:\n"
        "- Escalate now: multiple-critical-services\n"
        "- postgres, with caution: Ask.\n"
        "- `docker start postgres`\n"
        "- `docker logs redis`\n"
        "- Then verify: `pytest -m verify`\n"
    )


def test_what_was_done_and_what_it_changed_is_told_in_order() -> None:
    down = verdict_at(1, "down", POSTGRES, states={"postgres": "down"}, run={"actions": ("looked",)})
    up = verdict_at(9, states={"postgres": "ok"}, mode="verify", run={"actions": ("docker start postgres",)})
    text = update(up, down)
    done = text.partition("Actions Taken:\n")[2].partition("\n\n")[0].splitlines()
    assert done == [
        "- 21:01 UTC: looked",
        "- 21:09 UTC: docker start postgres",
        "- 21:09 UTC: verify sees postgres: down -> ok; gone: postgres: container-stopped",
    ]
    assert "Root Cause: postgres was stopped (postgres: container-stopped); no longer seen" in text
    assert "Next Update: none, unless it comes back" in text
    assert "escalate" not in text.lower()


def test_what_could_not_be_seen_is_said() -> None:
    text = update(verdict_at(2, "unknown", checks={"state:postgres": "unknown"}, states={"postgres": "unknown"}), DOWN)
    assert "not fully seen: postgres; 1 of 1 checks could not look" in text
    assert "; not seen by this run" in text
    assert "could not be looked at: state:postgres" in text
    assert "none: every service is ok" not in text


def test_a_long_incident_stays_short() -> None:
    runs = [verdict_at(minute, run={"actions": (f"step {minute}",)}) for minute in range(1, 31)]
    text = update(runs[-1], *runs[:-1])
    assert "- 20 earlier ones are in timeline.md" in text
    assert "step 30" in text
    assert "step 20" not in text


HOSTILE = "# *x* <b>&lt; [a](javascript:x) `c` ~~d~~ _e_ @channel \x1b[31m\r\n- \u202e1. \u2028y \\"


def full_width(characters: str, text: str) -> str:
    """The text with these characters in their full-width forms, which mean nothing to a chat or to Markdown."""
    return text.translate({ord(character): ord(character) + 0xFEE0 for character in characters})


def test_hostile_text_formats_links_and_mentions_nothing() -> None:
    shown = r"# \*x\* <b>&lt; [a](javascript:x) \`c\` \~\~d\~\~ \_e\_ @channel  [31m  -  1.  y " + "\\\\"
    assert escaped(HOSTILE) == full_width("#<>&[]@:", shown)
    assert escaped("snake_case_name") == "snake_case_name"
    assert (escaped("1. x"), escaped("- x"), escaped("> x"), escaped("12:30 x")) == (
        "1\\. x",
        "\\- x",
        full_width(">", "> x"),
        "12:30 x",
    )


def test_a_run_of_prevent_says_nothing_of_the_causes_of_others() -> None:
    later = verdict_at(3, "healthy", mode="prevent", states={"postgres": "unknown"})
    assert "not seen by this run" in update(later, DOWN)
    assert "Root Cause: not known yet" in update(later)
    verified = verdict_at(4, "healthy", mode="verify", states={"postgres": "ok"})
    assert "unknown -&gt; ok" not in update(verified, DOWN, later)
    assert "unknown -" not in update(verified, DOWN, later)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ls", "`ls`"), ("a `b` c", "``a `b` c``"), ("`b`", "`` `b` ``"), ("a ``` b\nc", "````a ``` b c````"), ("", "")],
)
def test_a_command_stays_one_piece_of_code(text: str, expected: str) -> None:
    assert code(text) == expected


def test_no_foreign_text_breaks_out_of_its_line() -> None:
    hostile = cause(HOSTILE, "x", HOSTILE, "critical", (HOSTILE,), HOSTILE)
    run = {"incident": HOSTILE, "actions": (HOSTILE,), "scope": HOSTILE}
    entries = (event("2026-11-23T21:00:00Z", HOSTILE, HOSTILE),)
    now = verdict_at(2, "down", hostile, states={HOSTILE: "down"}, run=run, timeline=entries)
    for text in (update(now), incident_timeline([now], [HOSTILE])):
        assert not set("\x1b\r\u202e\u2028") & set(text)
        for line in text.splitlines():
            assert not line.startswith(("\\", "<"))
            bare = line.replace("`" * 2, "")  # a command stands as it is, in code
            assert "\\<b>" in bare or "<b>" not in bare or bare.startswith("- # *x*")


def test_the_timeline_holds_each_thing_once_in_the_order_of_time() -> None:
    at = "2026-11-23T20:59:5"
    paused = event(at + "0.500Z", "cache", "paused")
    common = (
        event(at + "0.100000001Z", "web", "started"),
        paused,
        event(at + "5.000Z", "db", "ended with 137"),
    )
    first = verdict_at(0, "down", POSTGRES, timeline=(*common, event(at + "9Z", "suite", JUDGED)))
    later = (
        *common,
        event(at + "0.900+00:00", "web", "started"),
        event(at + "1Z", "db", "started"),
        event(at + "2Z", "mail", "started"),
        event("x", "y", "z"),
    )
    second = verdict_at(5, run={"actions": ("restarted it",)}, timeline=later)
    text = incident_timeline([second, first], ["gone.json: was cut off"])
    happened = [line for line in text.partition("## What happened")[2].splitlines() if line]
    assert happened == [
        "### 2026-11-23",
        "- 20:59:50 web: started",
        "- 20:59:50 cache: paused",
        "- 20:59:51 db, mail: started",
        "- 20:59:55 db: ended with 137",
        "- 21:00:00 **triage: DOWN**, it is down",
        "  - cause: postgres: container-stopped (critical)",
        "- 21:05:00 **triage: HEALTHY**, it is healthy",
        "  - done before: restarted it",
        "  - gone: postgres: container-stopped",
    ]
    assert "- **postgres: container-stopped**: postgres was stopped (seen at 2026-11-23 21:00:00)" in text
    assert "- by 2026-11-23 21:05:00: restarted it" in text
    assert "## Left out\n\n- gone.json: was cut off" in text


def test_runs_of_two_stacks_are_not_compared_with_each_other() -> None:
    other = verdict_at(5, states={"web": "ok"}, run={"stack": "another", "project": "another"})
    text = incident_timeline([verdict_at(1, "down", POSTGRES), other], [])
    assert "gone" not in text
    assert text.startswith("# Timeline of INC-1: shop, another\n")


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> list[SuiteRun]:
    """Triage while it is down, triage after the repair, verify; and odd neighbours in the report directory."""
    base = tmp_path_factory.mktemp("incident")
    reports = base / "reports"
    for name, text in (("cut", '{"schema": 1, "mo'), ("newer", '{"schema": 7}')):
        (reports / name).mkdir(parents=True)
        (reports / name / "verdict.json").write_text(text)
    steps = [
        ("postgres-stopped", ["--incident=INC-9", "--action=asked in #ops", "--action=password=hunter22 tried"]),
        ("postgres-stopped", ["--incident=another"]),
        ("healthy", ["--incident=INC-9", "--action=docker start postgres"]),
        ("healthy-verify", ["--incident=INC-9", "--compare=previous"]),
    ]
    runs = []
    for minute, (name, words) in enumerate(steps, 31):
        folder = write_recording(name, base / str(minute), AT.replace(minute=minute))
        ran = run_suite(f"--replay={folder}", *words, reports=reports)
        runs.append(SuiteRun(ran.code, ran.out, ran.folder.resolve()))
    return runs


def lines(ran: SuiteRun, name: str) -> list[str]:
    return (ran.folder / name).read_text().splitlines()


def test_the_updates_of_an_incident_are_numbered_and_follow_it(incident: list[SuiteRun]) -> None:
    heads = [(lines(ran, "incident-update.md")[0], lines(ran, "incident-update.md")[2]) for ran in incident]
    assert [(head.partition(" - ")[0], status.strip()) for head, status in heads] == [
        ("**Incident Update #1", "Status: IDENTIFIED"),
        ("**Incident Update #1", "Status: IDENTIFIED"),
        ("**Incident Update #2", "Status: MONITORING"),
        ("**Incident Update #3", "Status: RESOLVED"),
    ]
    last = "\n".join(lines(incident[-1], "incident-update.md"))
    assert f"- 22:31 UTC: asked in {full_width('#', '#ops')}" in last
    assert "- 22:33 UTC: triage sees" in last
    assert "postgres: down -> ok" in last
    assert "replay of a recording" in last


def test_the_timeline_of_an_incident_holds_all_its_runs_and_no_other(incident: list[SuiteRun]) -> None:
    text = "\n".join(lines(incident[-1], "timeline.md"))
    assert text.count("**triage, replay: ") == 2
    assert text.count("**verify, replay: HEALTHY**") == 1
    assert text.count("postgres: stopped") == 1
    assert "cut/verdict.json: is not whole JSON" in text
    assert "newer/verdict.json: has schema 7, this suite knows 1" in text
    assert "another" not in text


def test_a_run_without_incident_tells_only_of_itself(tmp_path: Path, incident: list[SuiteRun]) -> None:
    folder = write_recording("healthy", tmp_path / "r", AT.replace(hour=23))
    ran = run_suite(f"--replay={folder}", reports=incident[0].folder.parent)
    assert lines(ran, "timeline.md")[2].startswith("1 run, ")
    assert "Left out" not in "\n".join(lines(ran, "timeline.md"))
    assert lines(ran, "incident-update.md")[0].startswith("**Incident Update #1")


def test_the_newer_run_of_the_same_incident_is_what_previous_means(incident: list[SuiteRun]) -> None:
    compared: dict[str, Any] = incident[-1].verdict["compared"]
    assert compared["id"] == incident[2].verdict["run"]["id"]
    assert compared["gone"] == compared["new"] == []


def test_actions_are_kept_without_secrets(incident: list[SuiteRun]) -> None:
    actions = incident[0].verdict["run"]["actions"]
    assert actions[0] == "asked in #ops"
    assert actions[1].startswith("password=<secret:")
    everything = [path for ran in incident for path in ran.folder.iterdir()]
    assert not [path for path in everything if "hunter22" in path.read_text()]


def test_recorded_actions_come_back_and_odd_ones_cost_nothing(tmp_path: Path) -> None:
    for recorded, wanted in ((["one", 2], ["one", "2", "two"]), ("odd", ["two"]), (None, ["two"])):
        folder = write_recording("healthy", tmp_path / "r", AT)
        table = json.loads((folder / "evidence.json").read_text())
        table["options"]["actions"] = recorded
        (folder / "evidence.json").write_text(json.dumps(table))
        ran = run_suite(f"--replay={folder}", "--action=two", "--action= \n", reports=tmp_path / "reports")
        assert ran.verdict["run"]["actions"] == wanted, ran.out


def test_trouble_with_files_is_said_beside_the_verdict(tmp_path: Path) -> None:
    folder, blocked = write_recording("healthy", tmp_path / "r", AT), tmp_path / "file"
    blocked.write_text("not a directory")
    ran = run_suite(f"--replay={folder}", f"--junitxml={blocked}/junit.xml", reports=tmp_path / "reports")
    assert ran.code == 0
    assert "HEALTHY" in ran.out
    assert "note       a copy of the report could not be written" in ran.out


def test_our_own_words_keep_their_code_and_foreign_ones_mean_nothing() -> None:
    assert prose("first `docker top`, then *look* at <b>`") == full_width(
        "<>", r"first `docker top`, then \*look\* at <b>\`"
    )
