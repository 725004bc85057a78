"""Accessibility of the report: contrast, keyboard and screen reader."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from service_down.tests_meta.pages.report_page import NARROW, VIEWS, WIDE, ReportPage, Scheme, axe, opened
from service_down.tests_meta.suite_run import SuiteRun

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Reports = Callable[[str], SuiteRun]
LIGHT: Scheme = "light"
DARK: Scheme = "dark"
EXAMPLES = ("healthy", "down", "unknown")

HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
  .filter(el => el.checkVisibility()).map(el => [Number(el.localName[1]), el.textContent.trim()])"""
NUMBER_TAB_STOPS = """() => { const all = [...document.querySelectorAll('main summary, main a[href], main button')]
  .filter(el => el.checkVisibility());
  all.forEach((el, index) => { el.dataset.stop = index });
  return all.length }"""
FOCUSED_ELEMENT = """() => { const el = document.activeElement, style = getComputedStyle(el);
  if (el === document.body || el === document.documentElement) return null;
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  return [el.dataset.stop ?? null, ring || style.boxShadow !== 'none', el.outerHTML.slice(0, 80)] }"""
ACCESSIBLE_NAMES = "all => all.map(el => (el.getAttribute('aria-label') || el.textContent).trim())"


@pytest.fixture(params=EXAMPLES)
def run(request: pytest.FixtureRequest, run_example: Reports) -> SuiteRun:
    """The run of an example with each of three verdicts."""
    return run_example(request.param)


def test_axe_finds_nothing_serious(browser: Browser, run: SuiteRun) -> None:
    with opened(browser, run.folder / "report.html") as viewer:
        for width, scheme in ((WIDE, LIGHT), (NARROW, DARK)):
            viewer.show(width, scheme)
            assert axe(viewer) == [], f"{width} px, {scheme}"


def test_axe_finds_nothing_serious_with_everything_unfolded(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("down").folder / "report.html") as viewer:
        viewer.open_all()
        for width, scheme in ((WIDE, DARK), (NARROW, LIGHT)):
            viewer.show(width, scheme)
            assert axe(viewer) == [], f"{width} px, {scheme}"


def test_axe_finds_nothing_serious_in_the_rows_of_pytest_html(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("down").folder / "report.html", scheme="dark") as viewer:
        viewer.open_all()
        viewer.page.click("#show_all_details")
        assert axe(viewer, "#results-table") == []


def test_heading_levels_are_in_order(browser: Browser, run: SuiteRun) -> None:
    with opened(browser, run.folder / "report.html") as viewer:
        headings = viewer.frame.evaluate(HEADINGS)
        levels = [level for level, _ in headings]
        assert levels[0] == 1
        assert levels.count(1) == 1
        steps = [after for before, after in itertools.pairwise(headings) if after[0] > before[0] + 1]
        assert steps == [], "a level is left out before these"
        assert all(text for _, text in headings)


def tab_stops(viewer: ReportPage) -> list[tuple[str | None, bool, str]]:
    """Return the elements that Tab reaches, in order: number, whether the focus is visible, and markup."""
    found: list[tuple[str | None, bool, str]] = []
    for _ in range(1000):
        viewer.page.keyboard.press("Tab")
        stop = viewer.frame.evaluate(FOCUSED_ELEMENT)
        if stop is None or (found and stop == found[0]):
            return found
        found.append(stop)
    raise AssertionError("Tab never reaches the end of the page")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tab_reaches_every_control_and_shows_the_focus(browser: Browser, run: SuiteRun, scheme: Scheme) -> None:
    with opened(browser, run.folder / "report.html", scheme=scheme) as viewer:
        count = viewer.frame.evaluate(NUMBER_TAB_STOPS)
        assert count >= 2
        found = tab_stops(viewer)
        assert [markup for _, visible, markup in found if not visible] == []
        reached = [int(number) for number, _, _ in found if number is not None]
        assert reached == list(range(count)), "not all are reached, or not in the page's order"


def test_details_open_with_the_keyboard(browser: Browser, run: SuiteRun) -> None:
    with opened(browser, run.folder / "report.html", "no-scripts") as viewer:
        details = viewer.frame.locator("#evidence details, #checks details").first
        before = details.evaluate("el => el.open")
        details.locator("summary").first.focus()
        viewer.page.keyboard.press("Enter")
        assert details.evaluate("el => el.open") is not before


def test_copy_button_puts_exactly_its_command_on_the_clipboard(browser: Browser, run_example: Reports) -> None:
    run = run_example("down")
    commands = [command for cause in run.verdict["causes"] for command in cause["next"]]
    assert commands
    with opened(browser, run.folder / "report.html") as viewer:
        viewer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        copied = []
        for button in viewer.frame.locator("#causes button.copy").all():
            viewer.frame.evaluate("navigator.clipboard.writeText('nothing')")
            button.click()
            viewer.frame.wait_for_function("navigator.clipboard.readText().then(text => text !== 'nothing')")
            copied.append(viewer.frame.evaluate("navigator.clipboard.readText()"))
        assert copied == commands
        shown = viewer.frame.eval_on_selector_all("#causes pre", "all => all.map(el => el.textContent)")
        assert all(any(command in text for text in shown) for command in commands)
        assert all(viewer.frame.eval_on_selector_all("button.copy", ACCESSIBLE_NAMES))


def test_copy_buttons_exist_only_where_they_work(browser: Browser, run_example: Reports) -> None:
    path = run_example("down").folder / "report.html"
    for view in VIEWS[1:]:
        with opened(browser, path, view) as viewer:
            assert viewer.frame.locator("button.copy").count() == 0
