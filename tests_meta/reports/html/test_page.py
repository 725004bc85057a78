"""The report in a real browser: complete in every viewer, readable on every screen, without external references."""

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
EXAMPLES = ("healthy", "down", "unknown")
SCREENSHOTS = ROOT / "reports" / "out" / "screens"
SCREENS: tuple[tuple[int, Scheme], ...] = ((WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark"))
BACKGROUNDS: dict[Scheme, range] = {"light": range(200, 256), "dark": range(64)}  # range of red, green and blue
SECTION_IDS = ("verdict", "causes", "map", "timeline", "services", "resources", "evidence", "checks")
MAX_REPORT_BYTES = 5_000_000

NODE_STATES = "all => all.map(el => [el.dataset.service, el.dataset.state])"
LABEL_TEXTS = """svg => (svg.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)
  .map(id => svg.querySelector('#' + CSS.escape(id))?.textContent.trim() || '')"""
EXTERNAL_REFERENCES = """() => [...document.querySelectorAll('*')].flatMap(el => el.getAttributeNames()
  .filter(name => ['src', 'href', 'srcset', 'data', 'action', 'poster', 'xlink:href'].includes(name))
  .filter(name => !(el.localName === 'a' && name === 'href'))
  .map(name => el.getAttribute(name)).filter(value => value && !/^(data:|#)/.test(value)))"""
WHITE_PAPER = "html { background: #fff !important } * { background-color: transparent !important }"
BACKGROUND = """el => { for (; el; el = el.parentElement) { const colour = getComputedStyle(el).backgroundColor;
  if (!/, 0\\)$/.test(colour)) return colour } return 'none' }"""
STYLE_TEXTS = "() => [...document.querySelectorAll('style')].map(el => el.textContent).join()"
OVERLAPPING_NODES = """() => { const boxes = [...document.querySelectorAll('#map g.node')]
  .map(el => [el.dataset.service, el.getBoundingClientRect()]);
  return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) => p.left < q.right - 1 && q.left < p.right - 1
    && p.top < q.bottom - 1 && q.top < p.bottom - 1).map(([b]) => a + ' and ' + b)); }"""
CUT_LABELS = """() => { const svg = document.querySelector('#map svg'), whole = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(el => { const box = el.getBoundingClientRect();
    return box.left < whole.left - 1 || box.right > whole.right + 1 || box.top < whole.top - 1
      || box.bottom > whole.bottom + 1 }).map(el => el.textContent); }"""
OVERFLOWING_LABELS = """() => [...document.querySelectorAll('#map g.node')].flatMap(node => {
  const boxes = [...node.querySelectorAll('rect')].map(el => el.getBoundingClientRect());
  const left = Math.min(...boxes.map(el => el.left)), right = Math.max(...boxes.map(el => el.right));
  return [...node.querySelectorAll('text')].filter(el => { const box = el.getBoundingClientRect();
    return box.left < left - 1 || box.right > right + 1 }).map(el => el.textContent) })"""


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest, run_example: Reports) -> tuple[str, SuiteRun]:
    """Name and run of an example with each of three verdicts."""
    return request.param, run_example(request.param)


def sections_of(viewer: ReportPage) -> Iterator[str]:
    """Yield the ids of the page's sections in their order."""
    found = viewer.frame.eval_on_selector_all("main#service-down > [id]", "all => all.map(el => el.id)")
    return (section for section in found if section in SECTION_IDS)


@pytest.mark.parametrize("view", VIEWS)
def test_all_sections_are_shown_in_every_viewer(browser: Browser, example: tuple[str, SuiteRun], view: View) -> None:
    name, run = example
    verdict = run.verdict
    with opened(browser, run.folder / "report.html", view) as viewer:
        wanted = [section for section in SECTION_IDS if section != "causes" or verdict["causes"]]
        sections = list(sections_of(viewer))
        assert sections == [section for section in wanted if section != "resources" or section in sections]
        assert ("resources" in sections) or name == "unknown"
        for location in ("#verdict", "#map svg", "#timeline svg", "#services table", *["#causes"][: len(run.causes)]):
            width, height = viewer.size(location)
            assert width > 50, f"{location} cannot be seen"
            assert height > 10, f"{location} cannot be seen"
        assert verdict["verdict"].upper() in viewer.texts("#verdict")[0]
        assert verdict["summary"] in viewer.texts("#verdict")[0]
        assert_causes(viewer, verdict["causes"])
        assert_map(viewer, name, verdict["services"])
        assert viewer.errors == []
        assert viewer.requests == []


def assert_causes(viewer: ReportPage, causes: Sequence[dict[str, Any]]) -> None:
    """Check that each cause shows service, summary, proof, next steps and what follows, in the verdict's order."""
    texts = viewer.texts("#causes section.cause")
    assert len(texts) == len(causes)
    for text, cause in zip(texts, causes, strict=True):
        for expected in (
            cause["service"],
            cause["summary"],
            cause["evidence"][0]["value"],
            *cause["next"],
            *cause["blocks"],
        ):
            assert expected in text


def assert_map(viewer: ReportPage, example: str, services: Sequence[dict[str, Any]]) -> None:
    """Check that the map has one node for each service with its state, and otherwise only external systems."""
    nodes = viewer.frame.eval_on_selector_all("#map g.node", NODE_STATES)
    external = external_systems(example) - {service["name"] for service in services}
    assert sorted([name, state] for name, state in nodes if name not in external) == sorted(
        [service["name"], service["state"]] for service in services
    )


def test_the_pictures_are_described_and_labelled(browser: Browser, example: tuple[str, SuiteRun]) -> None:
    with opened(browser, example[1].folder / "report.html", "no-scripts") as viewer:
        for location in ("#map svg", "#timeline svg"):
            assert viewer.frame.get_attribute(location, "role") == "img"
            words = viewer.frame.eval_on_selector(location, LABEL_TEXTS)
            assert len(words) >= 2, f"{location}: no title and description"
            assert all(words), f"{location}: an empty title or description"
        for node in viewer.frame.locator("#map g.node").all():
            assert str(node.get_attribute("data-service")) in " ".join(node.locator("text").all_text_contents())
        assert viewer.frame.get_attribute("html", "lang") == "en"


@pytest.mark.parametrize("view", ["scripts", "no-scripts"])
def test_page_has_no_external_references_and_sends_no_requests(
    browser: Browser, example: tuple[str, SuiteRun], view: View
) -> None:
    with opened(browser, example[1].folder / "report.html", view) as viewer:
        assert viewer.frame.evaluate(EXTERNAL_REFERENCES) == []
        assert re.findall(r"@import|url\((?!['\"]?(?:data:|#))", viewer.frame.evaluate(STYLE_TEXTS)) == []
        viewer.open_all()
        viewer.page.wait_for_timeout(100)
        assert viewer.requests == []
        assert viewer.errors == []


@pytest.mark.parametrize("view", ["scripts", "no-scripts"])
def test_the_page_is_never_wider_than_the_screen(browser: Browser, example: tuple[str, SuiteRun], view: View) -> None:
    with opened(browser, example[1].folder / "report.html", view) as viewer:
        for unfolded in (False, True):
            for width, scheme in SCREENS:
                viewer.show(width, scheme)
                wide = viewer.too_wide()
                assert not wide, f"{width} px, {scheme}, unfolded: {unfolded}: {wide}"
            viewer.open_all()


def test_background_follows_the_colour_scheme(browser: Browser, example: tuple[str, SuiteRun]) -> None:
    with opened(browser, example[1].folder / "report.html") as viewer:
        for scheme, wanted in BACKGROUNDS.items():
            viewer.show(WIDE, scheme)
            for location in ("body", "main"):
                colour = viewer.frame.eval_on_selector(location, BACKGROUND)
                parts = [float(number) for number in re.findall(r"[\d.]+", colour)]
                assert len(parts) == 3, f"{scheme}: the background of {location} is {colour}"
                assert all(round(part) in wanted for part in parts), (
                    f"{scheme}: the background of {location} is {colour}"
                )


@pytest.mark.parametrize("view", ["scripts", "no-scripts"])
def test_printed_page_shows_the_evidence_unfolded(browser: Browser, example: tuple[str, SuiteRun], view: View) -> None:
    with opened(browser, example[1].folder / "report.html", view) as viewer:
        viewer.page.emulate_media(media="print")
        viewer.frame.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert viewer.size("#verdict")[1] > 10
        assert not any(button.is_visible() for button in viewer.frame.locator("button.copy").all())
        all_details = viewer.frame.locator("#evidence details").all()
        assert all_details
        for index, details in enumerate(all_details):
            box = details.locator(":scope > :not(summary)").first.bounding_box()
            assert box is not None, f"details {index} of the evidence are closed on paper"
            assert box["height"] > 5, f"details {index} of the evidence are closed on paper"


def test_printed_page_has_enough_contrast_with_a_dark_scheme(browser: Browser, run_example: Reports) -> None:
    with opened(browser, run_example("down").folder / "report.html", scheme="dark") as viewer:
        viewer.page.emulate_media(media="print", color_scheme="dark")
        viewer.page.add_style_tag(content=WHITE_PAPER)  # as a printer draws it
        assert axe(viewer, "main", runOnly=["color-contrast"]) == []


def test_screenshots_are_written_for_review(browser: Browser, example: tuple[str, SuiteRun]) -> None:
    name, run = example
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with opened(browser, run.folder / "report.html") as viewer:
        for width, scheme in (SCREENS[0], SCREENS[-1]):
            viewer.show(width, scheme)
            path = SCREENSHOTS / f"{name}-{width}-{scheme}.png"
            viewer.page.screenshot(path=path, full_page=True)
            assert path.stat().st_size > 10_000


@pytest.mark.parametrize("count", [5, 60, 200])
def test_map_of_any_size_shows_every_service_without_overlaps(
    browser: Browser, run_example: Reports, count: int
) -> None:
    example = f"stack-{count}"
    run = run_example(example)
    with opened(browser, run.folder / "report.html", "no-scripts") as viewer:
        assert_map(viewer, example, run.verdict["services"])
        assert viewer.frame.evaluate(OVERLAPPING_NODES) == [], "services overlap"
        assert viewer.frame.evaluate(CUT_LABELS) == [], "labels are cut off"


@pytest.mark.parametrize("name", ["down", "unknown", "hostile"])
def test_text_of_a_map_node_stays_in_its_box(browser: Browser, run_example: Reports, name: str) -> None:
    with opened(browser, run_example(name).folder / "report.html", "no-scripts") as viewer:
        assert viewer.frame.locator("#map g.node text").count() > 0
        assert viewer.frame.evaluate(OVERFLOWING_LABELS) == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_report_of_a_large_stack_is_small_enough_and_opens(browser: Browser, run_example: Reports, width: int) -> None:
    run = run_example("stack-200")
    path = run.folder / "report.html"
    assert len(run.verdict["services"]) == 200
    assert len(run.verdict["checks"]) >= 1000
    assert path.stat().st_size < MAX_REPORT_BYTES
    with opened(browser, path, width=width) as viewer:
        assert viewer.frame.evaluate("performance.getEntriesByType('paint').length") > 0
        assert viewer.frame.locator("#services tbody tr").count() == 200
        assert not viewer.too_wide(), viewer.too_wide()
        assert viewer.errors == []
