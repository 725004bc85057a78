"""Opens a report in a browser: with scripts, without scripts, or inside the sandboxed frame of a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Frame, Page, Request

View = Literal["scripts", "no-scripts", "sandbox-src", "sandbox-srcdoc"]
Scheme = Literal["light", "dark"]
VIEWS: tuple[View, ...] = ("scripts", "no-scripts", "sandbox-src", "sandbox-srcdoc")
WIDE, NARROW = 1280, 390
FRAME_PAGE = """<!doctype html><html lang=en><title>ticket</title>
<style>body{margin:0} iframe{border:0;width:100%;height:95vh}</style>"""
TIMEOUT_SECONDS = 5  # for every action; the page is a local file
_TOO_WIDE = """() => { const excess = document.scrollingElement.scrollWidth - innerWidth;
  const clipped = element => element &&
    (getComputedStyle(element).overflowX !== 'visible' || clipped(element.parentElement));
  const wide = [...document.body.querySelectorAll('*')].filter(element =>
    element.getBoundingClientRect().right > innerWidth + 1 && !clipped(element.parentElement));
  return excess > 0 ? [excess + ' px', ...wide.slice(0, 5).map(element => element.outerHTML.slice(0, 120))] : [] }"""
_EXTERNAL_URL = re.compile(r"^(?!file:|data:|about:|blob:)")
_SCRIPT_BLOCKED = "Blocked script execution in"  # Chromium's message for a script in a sandbox


@dataclass
class ReportPage:
    """An open report, and the requests and errors that it caused."""

    page: Page
    frame: Frame
    requests: list[str] = field(default_factory=list)  # URLs, without the page itself
    errors: list[str] = field(default_factory=list)  # errors on the console, uncaught errors, dialogs

    def size(self, selector: str) -> tuple[float, float]:
        """Return width and height of the first matching element in pixels; zeros where none is visible."""
        elements = self.frame.locator(selector)
        box = elements.first.bounding_box() if elements.count() else None
        return (box["width"], box["height"]) if box else (0.0, 0.0)

    def open_all(self) -> None:
        """Unfold all details."""
        self.frame.eval_on_selector_all("details", "all => all.forEach(element => { element.open = true })")

    def show(self, width: int, scheme: Scheme) -> None:
        """Change the screen's width and colour scheme."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)

    def too_wide(self) -> list[str]:
        """Return what makes the page wider than its screen; empty where the page fits."""
        return [str(entry) for entry in self.frame.evaluate(_TOO_WIDE)]

    def texts(self, selector: str) -> list[str]:
        """Return the text of each matching element."""
        return self.frame.locator(selector).all_text_contents()


@contextmanager
def opened(
    browser: Browser, path: Path, view: View = "scripts", *, width: int = WIDE, scheme: Scheme = "light"
) -> Iterator[ReportPage]:
    """Yield the report at `path`, loaded; close it afterwards."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=view != "no-scripts"
    )
    try:
        yield _open(context, path.resolve(), view)
    finally:
        context.close()


def _open(context: BrowserContext, path: Path, view: View) -> ReportPage:
    target = path if "sandbox" not in view else _frame_page(path, view)
    context.set_default_timeout(TIMEOUT_SECONDS * 1000)
    context.route(_EXTERNAL_URL, lambda route: route.abort())
    page = context.new_page()
    report_page = ReportPage(page, page.main_frame)
    _collect_requests_and_errors(
        report_page, {path.as_uri(), target.as_uri(), "about:srcdoc"}, sandboxed=path != target
    )
    page.goto(target.as_uri(), wait_until="load")
    if path != target:
        report_page.frame = page.frames[1]
    return report_page


def _collect_requests_and_errors(report_page: ReportPage, own_urls: set[str], sandboxed: bool) -> None:
    """Collect every request for another URL, every error and every dialog."""

    def on_request(request: Request) -> None:
        if request.url not in own_urls:
            report_page.requests.append(request.url)

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not (sandboxed and message.text.startswith(_SCRIPT_BLOCKED)):
            report_page.errors.append(message.text)

    def on_dialog(dialog: Dialog) -> None:
        report_page.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    report_page.page.on("request", on_request)
    report_page.page.on("console", on_console)
    report_page.page.on("pageerror", lambda error: report_page.errors.append(str(error)))
    report_page.page.on("dialog", on_dialog)


def _frame_page(path: Path, view: View) -> Path:
    """Write a page that shows the report in a sandboxed frame, as the preview in a ticket does. Return its path."""
    if view == "sandbox-src":
        frame = f'<iframe sandbox src="{path.name}"></iframe>'
    else:
        report = path.read_text(encoding="utf-8").replace("&", "&amp;").replace('"', "&quot;")
        frame = f'<iframe sandbox srcdoc="{report}"></iframe>'
    frame_page = path.parent / f"{view}.html"
    frame_page.write_text(FRAME_PAGE + frame, encoding="utf-8")
    return frame_page


def axe(report_page: ReportPage, context: str | None = None, **options: Any) -> list[str]:
    """Return a line for each rule of axe-core that the page violates seriously or critically."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(report_page.page, context=context, options={"resultTypes": ["violations"], **options})
    return [
        _violation_line(violation)
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def _violation_line(violation: dict[str, Any]) -> str:
    nodes = violation["nodes"]
    reason = str(nodes[0].get("failureSummary", "")).replace("\n", " ")[:300]
    return f"{violation['id']} ({violation['impact']}) at {len(nodes)}: {nodes[0]['target']} {reason}"
