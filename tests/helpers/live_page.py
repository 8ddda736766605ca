"""The page of `tokbench view`, served by the real command, in a browser."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PASTE = """
const text = document.getElementById("text");
text.value = arguments[0];
text.dispatchEvent(new Event("input", {bubbles: true}));
"""


@contextmanager
def serve_view(*names: str) -> Iterator[str]:
    """Serve tokenizers on a free port; yield the address. At the end, SIGTERM must end the command silently."""
    command = [sys.executable, "-m", "tokbench", "view", *names, "--no-open", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert " on http://127.0.0.1:" in line, process.stderr.read() if process.stderr else ""
            yield line.split()[3]
        finally:
            process.terminate()
            _, error = process.communicate()
    assert sys.platform == "win32" or (process.returncode, error) == (128 + signal.SIGTERM, "")


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return what a condition gives once it is true."""
    end = time.monotonic() + 15
    while not (found := condition()):
        assert time.monotonic() < end, "the page did not answer in time"
        time.sleep(0.05)
    return found


def tokens_of(browser: Any, number: int) -> list[str]:
    """Return the texts of the tokens on a card."""
    tokens = "document.querySelectorAll('article')[arguments[0]]?.querySelectorAll('.tokens [data-i]') ?? []"
    found: list[str] = browser.execute_script(f"return [...({tokens})].map(t => t.textContent)", number)
    return found


def open_page(browser: Any, address: str, ready: int = 2) -> Any:
    """Open the page, and return its text box once all tokenizers are ready."""
    browser.get("about:blank")
    browser.get(address)
    wait_for(lambda: len(browser.find_elements("css selector", "#tokenizers .ready")) == ready)
    wait_for(lambda: len(browser.find_elements("css selector", "article")) == ready)
    return browser.find_element("id", "text")
