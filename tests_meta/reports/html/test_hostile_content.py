"""A report of things that want to be markup, scripts, or a terminal's commands: they are shown, and nothing more."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from service_down.tests_meta.pages.example_runs import encoded, source_recording
from service_down.tests_meta.pages.hostile import HOSTILE_TEXTS, recording_with_lone_surrogate
from service_down.tests_meta.pages.report_page import NARROW, VIEWS, WIDE, ReportPage, View, opened
from service_down.tests_meta.suite_run import SuiteRun, run_suite

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Reports = Callable[[str], SuiteRun]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

WRITTEN = """() => { const main = document.querySelector('main'), found = [document.title],
  walker = document.createTreeWalker(main, NodeFilter.SHOW_ALL);
  for (let one = main; one; one = walker.nextNode()) {
    if (one.nodeType !== 1) { found.push(one.data); continue }
    for (const name of one.getAttributeNames()) found.push(name + '=' + one.getAttribute(name)) }
  return found }"""
ALIVE = """() => [...document.querySelectorAll('main *')].flatMap(one => {
  const kind = one.localName.toLowerCase();
  const acts = name => name.startsWith('on') || name === 'srcdoc' || name === 'autofocus'
    || (/href|src|action|^data$/.test(name) && /^\\s*javascript:/i.test(one.getAttribute(name)));
  const bad = ['iframe', 'img', 'object', 'embed', 'base', 'form', 'foreignobject', 'link', 'meta'].includes(kind);
  return [...(bad ? [kind] : []), ...one.getAttributeNames().filter(acts).map(name => kind + ' ' + name)] })"""
HOVER = "all => all.forEach(one => one.dispatchEvent(new MouseEvent('mouseover', { bubbles: true })))"
PRESS = "all => all.forEach(one => one.click())"


def shown(text: str) -> str:
    """A text as a page may show it: control characters replaced, white space as one."""
    return " ".join(CONTROL.sub(" ", text).split())


def is_quiet(looked: ReportPage) -> None:
    """Fails when anything of it was executed, asked for, or said."""
    assert looked.requests == []
    assert looked.errors == []
    assert looked.frame.evaluate("window.__pwned") is None
    assert looked.page.evaluate("window.__pwned") is None


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_that_was_seen_is_executed(browser: Browser, run_example: Reports, view: View) -> None:
    with opened(browser, run_example("hostile").folder / "report.html", view) as looked:
        looked.open_all()
        if view == "scripts":
            looked.page.click("#show_all_details")
        looked.frame.eval_on_selector_all("main button", PRESS)
        looked.frame.eval_on_selector_all("main *", HOVER)
        looked.page.wait_for_timeout(200)
        is_quiet(looked)
        assert looked.frame.evaluate(ALIVE) == []
        assert looked.frame.locator("main script").count() <= 1
        assert looked.frame.locator("main style").count() <= 1


def test_everything_nasty_is_shown_as_text(browser: Browser, run_example: Reports) -> None:
    ran = run_example("hostile")
    with opened(browser, ran.folder / "report.html", "no-scripts") as looked:
        main = shown(" ".join(looked.texts("main")))
        assert [one for one in HOSTILE_TEXTS if shown(one) not in main] == []
        rows = [shown(one) for one in looked.texts("#services tbody tr th")]
        assert sorted(rows) == sorted(shown(one["name"]) for one in ran.verdict["services"])
        nodes = looked.frame.eval_on_selector_all("#map g.node", "all => all.map(one => one.dataset.service)")
        assert sorted(map(shown, nodes)) == sorted(rows)
        assert shown(ran.verdict["run"]["incident"]) in shown(looked.texts("#verdict")[0])


def test_no_character_of_the_page_changes_how_others_are_read(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("hostile").folder / "report.html") as looked:
        written = looked.frame.evaluate(WRITTEN)
        assert [one for one in written if CONTROL.search(one)] == []


def test_no_name_is_long_enough_to_break_the_page(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("hostile").folder / "report.html") as looked:
        for width in (WIDE, NARROW):
            looked.show(width, "dark")
            assert not looked.too_wide(), f"{width} px: {looked.too_wide()}"
        looked.open_all()
        assert not looked.too_wide(), f"with everything unfolded: {looked.too_wide()}"


def test_the_terminal_shows_no_control_character(run_example: Reports) -> None:
    assert sorted(set(CONTROL.findall(run_example("hostile").out))) == []


def test_a_name_in_a_command_to_paste_is_one_word_of_it(run_example: Reports) -> None:
    causes = [cause for cause in run_example("hostile").verdict["causes"] if cause["service"] in HOSTILE_TEXTS]
    assert causes
    for cause in causes:
        for command in cause["next"]:
            if "docker compose" in command:
                assert shown(cause["service"]) in map(shown, shlex.split(command)), command


def test_half_a_character_in_an_answer_does_not_cost_the_report(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(encoded(recording_with_lone_surrogate(source_recording())))
    ran = run_suite(f"--replay={path}", reports=tmp_path / "reports")
    assert "Traceback" not in ran.out
    assert "half" in ran.verdict["summary"]
    with opened(browser, ran.folder / "report.html") as looked:
        assert "half" in looked.texts("#verdict")[0]
