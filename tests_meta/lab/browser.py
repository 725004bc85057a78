"""Provides Chromium, driven by Playwright: the one on PATH, or Debian's package."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from service_down.tests_meta.lab.commands import LabError, NoBrowserError, command_succeeds, step
from service_down.tests_meta.lab.engine import install_packages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (  # Chromium has no sandbox as root; the others suppress its own network requests
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
    """Return the path of a Chromium that starts; install one if needed. Raises NoBrowserError."""
    path = _find_on_path()
    if path:
        return path
    if shutil.which("apt-get") is None:
        raise NoBrowserError("there is no Chromium on PATH, and without apt none can be installed; put one on PATH")
    if os.geteuid() != 0:
        raise NoBrowserError("there is no Chromium on PATH, and only root can install one; put one on PATH")
    try:
        with step("browser: installing Debian's chromium"):
            install_packages("chromium")
    except LabError as error:
        raise NoBrowserError(f"there is no Chromium on PATH, and apt could not install one: {error}") from None
    path = _find_on_path()
    if path is None:
        raise NoBrowserError("apt installed its package chromium, but no Chromium on PATH starts")
    return path


def _find_on_path() -> Path | None:
    """Return the first program on PATH that starts: Ubuntu's chromium-browser may only point to a snap."""
    for name in PROGRAMS:
        path = shutil.which(name)
        if path and command_succeeds([path, "--version"], 30):
            return Path(path)
    return None


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a running Chromium and close it afterwards. Raises NoBrowserError."""
    from playwright.sync_api import sync_playwright

    path = ensure_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
