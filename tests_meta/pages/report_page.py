"""A report in a browser, as its reader sees it: with scripts, without, or inside a ticket's sandboxed preview."""

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
HOST = """<!doctype html><html lang=en><title>ticket</title>
<style>body{margin:0} iframe{border:0;width:100%;height:95vh}</style>"""
SECONDS = 5  # longest wait for anything of a page that lies on this machine
_TOO_WIDE = """() => { const over = document.scrollingElement.scrollWidth - innerWidth;
  const cut = one => one && (getComputedStyle(one).overflowX !== 'visible' || cut(one.parentElement));
  const wide = [...document.body.querySelectorAll('*')].filter(one =>
    one.getBoundingClientRect().right > innerWidth + 1 && !cut(one.parentElement));
  return over > 0 ? [over + ' px', ...wide.slice(0, 5).map(one => one.outerHTML.slice(0, 120))] : [] }"""
_OUTSIDE = re.compile(r"^(?!file:|data:|about:|blob:)")
_SANDBOXED = "Blocked script execution in"  # what Chromium says of every script in a sandbox


@dataclass
class Looked:
    """An open report and what it did."""

    page: Page
    frame: Frame
    asked: list[str] = field(default_factory=list)  # every request but the page's own
    said: list[str] = field(default_factory=list)  # errors on the console, uncaught ones, dialogs

    def box(self, selector: str) -> tuple[float, float]:
        """Width and height of the first such element; zero where there is none, or none to see."""
        found = self.frame.locator(selector).first
        box = found.bounding_box() if self.frame.locator(selector).count() else None
        return (box["width"], box["height"]) if box else (0.0, 0.0)

    def open_all(self) -> None:
        """Opens everything that can be unfolded."""
        self.frame.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")

    def show(self, width: int, scheme: Scheme) -> None:
        """Another screen."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)

    def too_wide(self) -> list[str]:
        """What makes the page wider than its screen; nothing where it need not be scrolled sideways."""
        found = self.frame.evaluate(_TOO_WIDE)
        return [str(one) for one in found]

    def texts(self, selector: str) -> list[str]:
        """What stands in each such element."""
        return self.frame.locator(selector).all_text_contents()


@contextmanager
def opened(
    browser: Browser, path: Path, view: View = "scripts", *, width: int = WIDE, scheme: Scheme = "light"
) -> Iterator[Looked]:
    """The report at `path`, loaded; closed at the end."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=view != "no-scripts"
    )
    try:
        yield _looked(context, path.resolve(), view)
    finally:
        context.close()


def _looked(context: BrowserContext, path: Path, view: View) -> Looked:
    target = path if "sandbox" not in view else _host_page(path, view)
    context.set_default_timeout(SECONDS * 1000)
    context.route(_OUTSIDE, lambda route: route.abort())
    page = context.new_page()
    looked = Looked(page, page.main_frame)
    _listen(looked, {path.as_uri(), target.as_uri(), "about:srcdoc"}, sandboxed=path != target)
    page.goto(target.as_uri(), wait_until="load")
    if path != target:
        looked.frame = page.frames[1]
    return looked


def _listen(looked: Looked, own: set[str], sandboxed: bool) -> None:
    """Notes whatever the page does that it should not."""

    def asked(request: Request) -> None:
        if request.url not in own:
            looked.asked.append(request.url)

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and not (sandboxed and message.text.startswith(_SANDBOXED)):
            looked.said.append(message.text)

    def dialog(shown: Dialog) -> None:
        looked.said.append(f"dialog: {shown.message}")
        shown.dismiss()

    looked.page.on("request", asked)
    looked.page.on("console", said)
    looked.page.on("pageerror", lambda error: looked.said.append(str(error)))
    looked.page.on("dialog", dialog)


def _host_page(path: Path, view: View) -> Path:
    """A page that shows the report as a ticket's preview does: without any right."""
    if view == "sandbox-src":
        frame = f'<iframe sandbox src="{path.name}"></iframe>'
    else:
        report = path.read_text(encoding="utf-8").replace("&", "&amp;").replace('"', "&quot;")
        frame = f'<iframe sandbox srcdoc="{report}"></iframe>'
    host = path.parent / f"{view}.html"
    host.write_text(HOST + frame, encoding="utf-8")
    return host


def axe(looked: Looked, context: str | None = None, **options: Any) -> list[str]:
    """What axe-core calls serious or critical, a line for each rule."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(looked.page, context=context, options={"resultTypes": ["violations"], **options})
    return [
        f"{one['id']} ({one['impact']}) at {len(one['nodes'])}: {one['nodes'][0]['target']} {_why(one['nodes'][0])}"
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def _why(node: dict[str, Any]) -> str:
    return str(node.get("failureSummary", "")).replace("\n", " ")[:300]
