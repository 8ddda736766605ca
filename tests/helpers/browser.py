"""A headless Chromium for tests of pages: what it logs, what it asks for, what it looks like."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def open_browser(*, dark: bool = False, width: int = 1280) -> Iterator[Any]:
    """A driver of a fresh browser; skips, with a reason, where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium: install tokbench[test]")
    binary = next((found for name in NAMES if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no browser: install Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield browser
    finally:
        browser.quit()


def asked_for(browser: Any) -> list[str]:
    """The addresses that the page has asked for since the last call."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def overflow(browser: Any) -> int:
    """Pixels by which the page is wider than its window."""
    wider: int = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    return wider


def take_picture(browser: Any, path: Path) -> bytes:
    """The whole page as PNG, also kept in the folder that TOKBENCH_SCREENSHOTS names."""
    height = browser.execute_script("return document.documentElement.scrollHeight")
    width = browser.execute_script("return window.innerWidth")
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, 8000), "scale": 1}
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    content = base64.b64decode(taken["data"])
    path.write_bytes(content)
    kept = os.environ.get("TOKBENCH_SCREENSHOTS")
    if kept:
        (Path(kept) / path.name).write_bytes(content)
    return content
