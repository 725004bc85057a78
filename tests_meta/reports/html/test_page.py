"""The report in a real browser: complete in every viewer, whole on every screen, at home nowhere but in its file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from service_down.tests_meta.pages.example_runs import external_systems
from service_down.tests_meta.pages.report_page import NARROW, VIEWS, WIDE, ReportPage, Scheme, View, axe, opened
from service_down.tests_meta.suite_run import ROOT, SuiteRun

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Reports = Callable[[str], SuiteRun]
SCENES = ("healthy", "down", "unknown")
PICTURES = ROOT / "reports" / "out" / "screens"
SCREENS: tuple[tuple[int, Scheme], ...] = ((WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark"))
GROUNDS: dict[Scheme, range] = {"light": range(200, 256), "dark": range(64)}  # of red, green and blue
SECTIONS = ("verdict", "causes", "map", "timeline", "services", "resources", "evidence", "checks")
MOST_BYTES = 5_000_000

NODES = "all => all.map(one => [one.dataset.service, one.dataset.state])"
NAMED = """svg => (svg.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)
  .map(id => svg.querySelector('#' + CSS.escape(id))?.textContent.trim() || '')"""
OUTSIDE = """() => [...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames()
  .filter(name => ['src', 'href', 'srcset', 'data', 'action', 'poster', 'xlink:href'].includes(name))
  .filter(name => !(one.localName === 'a' && name === 'href'))
  .map(name => one.getAttribute(name)).filter(value => value && !/^(data:|#)/.test(value)))"""
PAPER = "html { background: #fff !important } * { background-color: transparent !important }"
GROUND = """one => { for (; one; one = one.parentElement) { const colour = getComputedStyle(one).backgroundColor;
  if (!/, 0\\)$/.test(colour)) return colour } return 'none' }"""
IN_STYLES = "() => [...document.querySelectorAll('style')].map(one => one.textContent).join()"
APART = """() => { const boxes = [...document.querySelectorAll('#map g.node')]
  .map(one => [one.dataset.service, one.getBoundingClientRect()]);
  return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) => p.left < q.right - 1 && q.left < p.right - 1
    && p.top < q.bottom - 1 && q.top < p.bottom - 1).map(([b]) => a + ' and ' + b)); }"""
CUT = """() => { const svg = document.querySelector('#map svg'), whole = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(one => { const box = one.getBoundingClientRect();
    return box.left < whole.left - 1 || box.right > whole.right + 1 || box.top < whole.top - 1
      || box.bottom > whole.bottom + 1 }).map(one => one.textContent); }"""
SPILT = """() => [...document.querySelectorAll('#map g.node')].flatMap(node => {
  const boxes = [...node.querySelectorAll('rect')].map(one => one.getBoundingClientRect());
  const left = Math.min(...boxes.map(one => one.left)), right = Math.max(...boxes.map(one => one.right));
  return [...node.querySelectorAll('text')].filter(one => { const box = one.getBoundingClientRect();
    return box.left < left - 1 || box.right > right + 1 }).map(one => one.textContent) })"""


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest, run_example: Reports) -> tuple[str, SuiteRun]:
    """Each of the three verdicts."""
    return request.param, run_example(request.param)


def present(looked: ReportPage) -> Iterator[str]:
    """The ids of the sections that the page has, in its order."""
    found = looked.frame.eval_on_selector_all("main#service-down > [id]", "all => all.map(one => one.id)")
    return (one for one in found if one in SECTIONS)


@pytest.mark.parametrize("view", VIEWS)
def test_verdict_causes_map_and_timeline_are_there_in_every_viewer(
    browser: Browser, scene: tuple[str, SuiteRun], view: View
) -> None:
    name, ran = scene
    verdict = ran.verdict
    with opened(browser, ran.folder / "report.html", view) as looked:
        wanted = [one for one in SECTIONS if one != "causes" or verdict["causes"]]
        there = list(present(looked))
        assert there == [one for one in wanted if one != "resources" or one in there]
        assert ("resources" in there) or name == "unknown"
        for location in ("#verdict", "#map svg", "#timeline svg", "#services table", *["#causes"][: len(ran.causes)]):
            width, height = looked.size(location)
            assert width > 50, f"{location} cannot be seen"
            assert height > 10, f"{location} cannot be seen"
        assert verdict["verdict"].upper() in looked.texts("#verdict")[0]
        assert verdict["summary"] in looked.texts("#verdict")[0]
        assert_causes(looked, verdict["causes"])
        assert_map(looked, name, verdict["services"])
        assert looked.errors == []
        assert looked.requests == []


def assert_causes(looked: ReportPage, causes: Sequence[dict[str, Any]]) -> None:
    """Each cause says what, why and what to do, in the verdict's order."""
    texts = looked.texts("#causes section.cause")
    assert len(texts) == len(causes)
    for text, cause in zip(texts, causes, strict=True):
        for word in (
            cause["service"],
            cause["summary"],
            cause["evidence"][0]["value"],
            *cause["next"],
            *cause["blocks"],
        ):
            assert word in text


def assert_map(looked: ReportPage, scene: str, services: Sequence[dict[str, Any]]) -> None:
    """Every service is on the map once, as it is judged; beside them only systems outside the stack."""
    nodes = looked.frame.eval_on_selector_all("#map g.node", NODES)
    beside = external_systems(scene) - {one["name"] for one in services}
    assert sorted(one for one in nodes if one[0] not in beside) == sorted(
        [one["name"], one["state"]] for one in services
    )


def test_the_pictures_are_described_and_labelled(browser: Browser, scene: tuple[str, SuiteRun]) -> None:
    with opened(browser, scene[1].folder / "report.html", "no-scripts") as looked:
        for location in ("#map svg", "#timeline svg"):
            assert looked.frame.get_attribute(location, "role") == "img"
            words = looked.frame.eval_on_selector(location, NAMED)
            assert len(words) >= 2, f"{location}: no title and description"
            assert all(words), f"{location}: an empty title or description"
        for node in looked.frame.locator("#map g.node").all():
            assert str(node.get_attribute("data-service")) in " ".join(node.locator("text").all_text_contents())
        assert looked.frame.get_attribute("html", "lang") == "en"


@pytest.mark.parametrize("view", ["scripts", "no-scripts"])
def test_nothing_outside_the_file_is_named_or_asked(browser: Browser, scene: tuple[str, SuiteRun], view: View) -> None:
    with opened(browser, scene[1].folder / "report.html", view) as looked:
        assert looked.frame.evaluate(OUTSIDE) == []
        assert re.findall(r"@import|url\((?!['\"]?(?:data:|#))", looked.frame.evaluate(IN_STYLES)) == []
        looked.open_all()
        looked.page.wait_for_timeout(100)
        assert looked.requests == []
        assert looked.errors == []


@pytest.mark.parametrize("view", ["scripts", "no-scripts"])
def test_the_page_is_never_wider_than_the_screen(browser: Browser, scene: tuple[str, SuiteRun], view: View) -> None:
    with opened(browser, scene[1].folder / "report.html", view) as looked:
        for unfolded in (False, True):
            for width, scheme in SCREENS:
                looked.show(width, scheme)
                wide = looked.too_wide()
                assert not wide, f"{width} px, {scheme}, unfolded: {unfolded}: {wide}"
            looked.open_all()


def test_dark_is_dark(browser: Browser, scene: tuple[str, SuiteRun]) -> None:
    with opened(browser, scene[1].folder / "report.html") as looked:
        for scheme, wanted in GROUNDS.items():
            looked.show(WIDE, scheme)
            for location in ("body", "main"):
                colour = looked.frame.eval_on_selector(location, GROUND)
                parts = [float(one) for one in re.findall(r"[\d.]+", colour)]
                assert len(parts) == 3, f"{scheme}: the ground of {location} is {colour}"
                assert all(round(one) in wanted for one in parts), f"{scheme}: the ground of {location} is {colour}"


@pytest.mark.parametrize("view", ["scripts", "no-scripts"])
def test_on_paper_the_evidence_is_unfolded(browser: Browser, scene: tuple[str, SuiteRun], view: View) -> None:
    with opened(browser, scene[1].folder / "report.html", view) as looked:
        looked.page.emulate_media(media="print")
        looked.frame.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert looked.size("#verdict")[1] > 10
        assert not any(one.is_visible() for one in looked.frame.locator("button.copy").all())
        folds = looked.frame.locator("#evidence details").all()
        assert folds
        for index, fold in enumerate(folds):
            box = fold.locator(":scope > :not(summary)").first.bounding_box()
            assert box is not None, f"the evidence's fold {index} is closed on paper"
            assert box["height"] > 5, f"the evidence's fold {index} is closed on paper"


def test_on_paper_the_ink_is_dark_whatever_the_screen_was(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("down").folder / "report.html", scheme="dark") as looked:
        looked.page.emulate_media(media="print", color_scheme="dark")
        looked.page.add_style_tag(content=PAPER)  # as a printer does it
        assert axe(looked, "main", runOnly=["color-contrast"]) == []


def test_screens_are_written_for_a_person_to_look_at(browser: Browser, scene: tuple[str, SuiteRun]) -> None:
    name, ran = scene
    PICTURES.mkdir(parents=True, exist_ok=True)
    with opened(browser, ran.folder / "report.html") as looked:
        for width, scheme in (SCREENS[0], SCREENS[-1]):
            looked.show(width, scheme)
            path = PICTURES / f"{name}-{width}-{scheme}.png"
            looked.page.screenshot(path=path, full_page=True)
            assert path.stat().st_size > 10_000


@pytest.mark.parametrize("count", [5, 60, 200])
def test_a_map_of_any_size_shows_every_service_apart_from_the_others(
    browser: Browser, run_example: Reports, count: int
) -> None:
    scene = f"stack-{count}"
    ran = run_example(scene)
    with opened(browser, ran.folder / "report.html", "no-scripts") as looked:
        assert_map(looked, scene, ran.verdict["services"])
        assert looked.frame.evaluate(APART) == [], "services lie on each other"
        assert looked.frame.evaluate(CUT) == [], "labels are cut off"


@pytest.mark.parametrize("name", ["down", "unknown", "hostile"])
def test_what_a_node_of_the_map_says_stays_in_its_box(browser: Browser, run_example: Reports, name: str) -> None:
    with opened(browser, run_example(name).folder / "report.html", "no-scripts") as looked:
        assert looked.frame.locator("#map g.node text").count() > 0
        assert looked.frame.evaluate(SPILT) == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_large_stack_s_report_is_small_enough_and_opens(browser: Browser, run_example: Reports, width: int) -> None:
    ran = run_example("stack-200")
    path = ran.folder / "report.html"
    assert len(ran.verdict["services"]) == 200
    assert len(ran.verdict["checks"]) >= 1000
    assert path.stat().st_size < MOST_BYTES
    with opened(browser, path, width=width) as looked:
        assert looked.frame.evaluate("performance.getEntriesByType('paint').length") > 0
        assert looked.frame.locator("#services tbody tr").count() == 200
        assert not looked.too_wide(), looked.too_wide()
        assert looked.errors == []
