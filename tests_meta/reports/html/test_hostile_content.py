"""Hostile evidence: markup, scripts and control sequences are shown as text and have no effect."""

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

ALL_TEXTS = """() => { const main = document.querySelector('main'), found = [document.title],
  walker = document.createTreeWalker(main, NodeFilter.SHOW_ALL);
  for (let el = main; el; el = walker.nextNode()) {
    if (el.nodeType !== 1) { found.push(el.data); continue }
    for (const name of el.getAttributeNames()) found.push(name + '=' + el.getAttribute(name)) }
  return found }"""
ACTIVE_CONTENT = """() => [...document.querySelectorAll('main *')].flatMap(el => {
  const kind = el.localName.toLowerCase();
  const acts = name => name.startsWith('on') || name === 'srcdoc' || name === 'autofocus'
    || (/href|src|action|^data$/.test(name) && /^\\s*javascript:/i.test(el.getAttribute(name)));
  const bad = ['iframe', 'img', 'object', 'embed', 'base', 'form', 'foreignobject', 'link', 'meta'].includes(kind);
  return [...(bad ? [kind] : []), ...el.getAttributeNames().filter(acts).map(name => kind + ' ' + name)] })"""
HOVER_ALL = "all => all.forEach(el => el.dispatchEvent(new MouseEvent('mouseover', { bubbles: true })))"
CLICK_ALL = "all => all.forEach(el => el.click())"


def normalized(text: str) -> str:
    """Return a text as a page shows it: without control characters, each run of white space as one space."""
    return " ".join(CONTROL.sub(" ", text).split())


def assert_quiet(viewer: ReportPage) -> None:
    """Fail when the page executed a script of the evidence, sent a request or reported an error."""
    assert viewer.requests == []
    assert viewer.errors == []
    assert viewer.frame.evaluate("window.__pwned") is None
    assert viewer.page.evaluate("window.__pwned") is None


@pytest.mark.parametrize("view", VIEWS)
def test_no_part_of_the_evidence_is_executed(browser: Browser, run_example: Reports, view: View) -> None:
    with opened(browser, run_example("hostile").folder / "report.html", view) as viewer:
        viewer.open_all()
        if view == "scripts":
            viewer.page.click("#show_all_details")
        viewer.frame.eval_on_selector_all("main button", CLICK_ALL)
        viewer.frame.eval_on_selector_all("main *", HOVER_ALL)
        viewer.page.wait_for_timeout(200)
        assert_quiet(viewer)
        assert viewer.frame.evaluate(ACTIVE_CONTENT) == []
        assert viewer.frame.locator("main script").count() <= 1
        assert viewer.frame.locator("main style").count() <= 1


def test_hostile_names_are_shown_as_text(browser: Browser, run_example: Reports) -> None:
    run = run_example("hostile")
    with opened(browser, run.folder / "report.html", "no-scripts") as viewer:
        main = normalized(" ".join(viewer.texts("main")))
        assert [text for text in HOSTILE_TEXTS if normalized(text) not in main] == []
        rows = [normalized(text) for text in viewer.texts("#services tbody tr th")]
        assert sorted(rows) == sorted(normalized(service["name"]) for service in run.verdict["services"])
        nodes = viewer.frame.eval_on_selector_all("#map g.node", "all => all.map(el => el.dataset.service)")
        assert sorted(map(normalized, nodes)) == sorted(rows)
        assert normalized(run.verdict["run"]["incident"]) in normalized(viewer.texts("#verdict")[0])


def test_page_contains_no_control_characters(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("hostile").folder / "report.html") as viewer:
        texts = viewer.frame.evaluate(ALL_TEXTS)
        assert [text for text in texts if CONTROL.search(text)] == []


def test_long_names_do_not_widen_the_page(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("hostile").folder / "report.html") as viewer:
        for width in (WIDE, NARROW):
            viewer.show(width, "dark")
            assert not viewer.too_wide(), f"{width} px: {viewer.too_wide()}"
        viewer.open_all()
        assert not viewer.too_wide(), f"with everything unfolded: {viewer.too_wide()}"


def test_terminal_output_contains_no_control_characters(run_example: Reports) -> None:
    assert sorted(set(CONTROL.findall(run_example("hostile").out))) == []


def test_name_in_a_command_is_one_shell_word(run_example: Reports) -> None:
    causes = [cause for cause in run_example("hostile").verdict["causes"] if cause["service"] in HOSTILE_TEXTS]
    assert causes
    for cause in causes:
        for command in cause["next"]:
            if "docker compose" in command:
                assert normalized(cause["service"]) in map(normalized, shlex.split(command)), command


def test_lone_surrogate_in_an_answer_does_not_prevent_the_report(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(encoded(recording_with_lone_surrogate(source_recording())))
    run = run_suite(f"--replay={path}", reports=tmp_path / "reports")
    assert "Traceback" not in run.out
    assert "half" in run.verdict["summary"]
    with opened(browser, run.folder / "report.html") as viewer:
        assert "half" in viewer.texts("#verdict")[0]
