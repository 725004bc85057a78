"""The report for everyone: by eye in any light, by keyboard alone, by screen reader."""

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
SCENES = ("healthy", "down", "unknown")

HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
  .filter(one => one.checkVisibility()).map(one => [Number(one.localName[1]), one.textContent.trim()])"""
REACHABLE = """() => { const all = [...document.querySelectorAll('main summary, main a[href], main button')]
  .filter(one => one.checkVisibility());
  all.forEach((one, index) => { one.dataset.stop = index });
  return all.length }"""
FOCUSED = """() => { const one = document.activeElement, look = getComputedStyle(one);
  if (one === document.body || one === document.documentElement) return null;
  const ring = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 1;
  return [one.dataset.stop ?? null, ring || look.boxShadow !== 'none', one.outerHTML.slice(0, 80)] }"""
NAMES = "all => all.map(one => (one.getAttribute('aria-label') || one.textContent).trim())"


@pytest.fixture(params=SCENES)
def ran(request: pytest.FixtureRequest, run_example: Reports) -> SuiteRun:
    """Each of the three verdicts."""
    return run_example(request.param)


def test_axe_finds_nothing_serious(browser: Browser, ran: SuiteRun) -> None:
    with opened(browser, ran.folder / "report.html") as looked:
        for width, scheme in ((WIDE, LIGHT), (NARROW, DARK)):
            looked.show(width, scheme)
            assert axe(looked) == [], f"{width} px, {scheme}"


def test_axe_finds_nothing_serious_where_all_is_unfolded(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("down").folder / "report.html") as looked:
        looked.open_all()
        for width, scheme in ((WIDE, DARK), (NARROW, LIGHT)):
            looked.show(width, scheme)
            assert axe(looked) == [], f"{width} px, {scheme}"


def test_axe_finds_nothing_serious_in_pytest_html_s_own_rows(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("down").folder / "report.html", scheme="dark") as looked:
        looked.open_all()
        looked.page.click("#show_all_details")
        assert axe(looked, "#results-table") == []


def test_the_headings_are_in_order(browser: Browser, ran: SuiteRun) -> None:
    with opened(browser, ran.folder / "report.html") as looked:
        headings = looked.frame.evaluate(HEADINGS)
        levels = [level for level, _ in headings]
        assert levels[0] == 1
        assert levels.count(1) == 1
        steps = [after for before, after in itertools.pairwise(headings) if after[0] > before[0] + 1]
        assert steps == [], "a level is left out before these"
        assert all(text for _, text in headings)


def stops(looked: ReportPage) -> list[tuple[str | None, bool, str]]:
    """Where Tab leads, from the page's beginning to its end: number of the stop, whether it is seen, its markup."""
    found: list[tuple[str | None, bool, str]] = []
    for _ in range(1000):
        looked.page.keyboard.press("Tab")
        stop = looked.frame.evaluate(FOCUSED)
        if stop is None or (found and stop == found[0]):
            return found
        found.append(stop)
    raise AssertionError("Tab never comes to an end")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tab_reaches_everything_that_can_be_used_and_shows_where_it_is(
    browser: Browser, ran: SuiteRun, scheme: Scheme
) -> None:
    with opened(browser, ran.folder / "report.html", scheme=scheme) as looked:
        count = looked.frame.evaluate(REACHABLE)
        assert count >= 2
        found = stops(looked)
        assert [markup for _, seen, markup in found if not seen] == []
        reached = [int(number) for number, _, _ in found if number is not None]
        assert reached == list(range(count)), "not all are reached, or not in the page's order"


def test_a_fold_opens_with_the_keyboard(browser: Browser, ran: SuiteRun) -> None:
    with opened(browser, ran.folder / "report.html", "no-scripts") as looked:
        fold = looked.frame.locator("#evidence details, #checks details").first
        before = fold.evaluate("one => one.open")
        fold.locator("summary").first.focus()
        looked.page.keyboard.press("Enter")
        assert fold.evaluate("one => one.open") is not before


def test_a_copy_button_puts_exactly_its_command_on_the_clipboard(browser: Browser, run_example: Reports) -> None:
    ran = run_example("down")
    commands = [command for cause in ran.verdict["causes"] for command in cause["next"]]
    assert commands
    with opened(browser, ran.folder / "report.html") as looked:
        looked.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        copied = []
        for button in looked.frame.locator("#causes button.copy").all():
            looked.frame.evaluate("navigator.clipboard.writeText('nothing')")
            button.click()
            looked.frame.wait_for_function("navigator.clipboard.readText().then(text => text !== 'nothing')")
            copied.append(looked.frame.evaluate("navigator.clipboard.readText()"))
        assert copied == commands
        shown = looked.frame.eval_on_selector_all("#causes pre", "all => all.map(one => one.textContent)")
        assert all(any(command in text for text in shown) for command in commands)
        assert all(looked.frame.eval_on_selector_all("button.copy", NAMES))


def test_copy_buttons_are_only_there_where_they_work(browser: Browser, run_example: Reports) -> None:
    path = run_example("down").folder / "report.html"
    for view in VIEWS[1:]:
        with opened(browser, path, view) as looked:
            assert looked.frame.locator("button.copy").count() == 0
