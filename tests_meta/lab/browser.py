"""Chromium, to look at the report as a person does: the one on PATH, else Debian's, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from service_down.tests_meta.lab.commands import LabError, NoBrowserError, step, works
from service_down.tests_meta.lab.engine import install

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (  # as root there is no sandbox; nothing is asked of the network
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def ensure_chromium() -> Path:
    """A Chromium that starts. Raises NoBrowserError when none can be had."""
    found = _on_path()
    if found:
        return found
    if shutil.which("apt-get") is None:
        raise NoBrowserError("there is no Chromium on PATH, and without apt none can be installed; put one on PATH")
    if os.geteuid() != 0:
        raise NoBrowserError("there is no Chromium on PATH, and only root can install one; put one on PATH")
    try:
        with step("browser: installing Debian's chromium"):
            install("chromium")
    except LabError as error:
        raise NoBrowserError(f"there is no Chromium on PATH, and apt could not install one: {error}") from None
    found = _on_path()
    if found is None:
        raise NoBrowserError("apt installed its package chromium, but no Chromium on PATH starts")
    return found


def _on_path() -> Path | None:
    """The first on PATH that answers: Ubuntu's chromium-browser may be a mere pointer to a snap."""
    for name in NAMES:
        path = shutil.which(name)
        if path and works([path, "--version"], 30):
            return Path(path)
    return None


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium, closed at the end. Raises NoBrowserError when none can be had."""
    from playwright.sync_api import sync_playwright

    path = ensure_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
