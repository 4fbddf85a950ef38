"""The browser of the tests: playwright's driver with the system's Chromium, so that nothing is downloaded."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="neither Chromium nor Chrome is installed")


@contextmanager
def running_browser() -> Iterator["playwright.Browser"]:
    """Run a browser that has been nowhere yet."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def open_page(browser: "playwright.Browser", port: int, **options: object) -> Iterator["playwright.Page"]:
    """Open an empty page for a daemon's addresses; a script's error fails the test."""
    page = browser.new_page(base_url=f"http://127.0.0.1:{port}", **options)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []
