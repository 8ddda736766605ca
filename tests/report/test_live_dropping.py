"""The page in a real browser: files that are dropped on it, links, lost text, and every control by keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from helpers import made
from helpers.browser import open_browser
from helpers.live_page import PASTE, open_page, serve_view, tokens_of, wait_for

pytest.importorskip("starlette", reason="no web framework: install tokbench[view]")
pytest.importorskip("uvicorn", reason="no web server: install tokbench[view]")

TAB, ESCAPE = "\ue004", "\ue00c"
FOCUS = """
const one = document.activeElement, style = getComputedStyle(one);
return [one.id || one.getAttribute("aria-label") || one.tagName,
  style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
"""
CONTROLS = """
return [...document.querySelectorAll("input, select, textarea, button, [tabindex='0']")]
  .filter((one) => one.checkVisibility() && !(one.type === "radio" && !one.checked))
  .map((one) => one.id || one.getAttribute("aria-label") || one.tagName);
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_view("utf8") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


def drag(browser: Any, kind: str, *files: Path) -> None:
    """Let the browser see a real drag of files, as from the system."""
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    browser.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 200, "data": data})


def drop(browser: Any, *files: Path) -> None:
    for kind in ("dragEnter", "dragOver", "drop"):
        drag(browser, kind, *files)


def read(browser: Any, name: str) -> str:
    text: str = browser.find_element("id", name).text
    return text


def is_covered(browser: Any) -> bool:
    return bool(browser.find_element("id", "drop").is_displayed())


def test_files_are_dropped_anywhere(browser: Any, address: str, tmp_path: Path) -> None:
    good = made.make_tokenizer_json(tmp_path)
    empty, broken = tmp_path / "empty.json", tmp_path / "broken <b>.json"
    empty.touch()
    broken.write_bytes(b'{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}')
    open_page(browser, f"{address}#tokenizers=utf8&text=x", 1)
    assert not is_covered(browser)
    drag(browser, "dragEnter", good)
    drag(browser, "dragOver", good)
    wait_for(lambda: is_covered(browser))
    drag(browser, "dragCancel", good)  # of which this browser tells the page nothing
    browser.execute_script("document.body.dispatchEvent(new DragEvent('dragleave', {bubbles: true}))")
    assert not is_covered(browser)
    drag(browser, "dragEnter", good)
    wait_for(lambda: is_covered(browser))
    browser.find_element("tag name", "body").send_keys(ESCAPE)
    wait_for(lambda: not is_covered(browser))
    drop(browser, good)
    wait_for(lambda: len(browser.find_elements("css selector", "article")) == 2)
    assert not is_covered(browser)
    assert browser.find_elements("css selector", "article h2")[1].text == "file: tokenizer.json"
    drop(browser, empty, broken)  # both are told, and neither ends the other
    wait_for(lambda: "empty.json: the file is empty" in read(browser, "problem"))
    wait_for(lambda: "file: broken <b>.json" in read(browser, "tokenizers") and "-1" in read(browser, "tokenizers"))
    assert "tokbench-view" not in browser.find_element("tag name", "body").text
    for name in ("tokenizer.json", "broken <b>.json"):
        browser.find_element("css selector", f"[aria-label='Remove file: {name}']").click()
    wait_for(lambda: len(browser.find_elements("css selector", "article")) == 1)
    assert browser.current_url.startswith(address)  # the browser has not opened the files
    assert browser.get_log("browser") == []


def test_every_control_is_reached_by_keyboard_and_shows_it(browser: Any, address: str) -> None:
    open_page(browser, f"{address}#tokenizers=utf8&text=ab&second=cd", 1)
    wanted = set(browser.execute_script(CONTROLS))
    assert {"text", "example", "name", "add", "open", "special", "price", "Remove utf8", "Copy ids of utf8"} <= wanted
    reached: dict[str, bool] = {}
    for _ in range(len(wanted) + 5):
        browser.switch_to.active_element.send_keys(TAB)
        name, seen = browser.execute_script(FOCUS)
        reached[name] = seen
    assert wanted <= set(reached)
    assert [name for name in wanted if not reached[name]] == []


def test_a_link_restores_any_text(browser: Any, address: str) -> None:
    text = 'a&b=c#d%e+f "quoted" <b>\n\tไทย 👩‍👩‍👧 \u202e\u0000\u2028é e\u0301 \\x %20'
    open_page(browser, f"{address}#tokenizers=utf8&text=x", 1)
    browser.execute_script(PASTE, text)
    browser.execute_script("document.getElementById('second').value = arguments[0]", text[::-1])
    browser.execute_script(PASTE, text)
    kept = wait_for(lambda: browser.current_url if "second=" in browser.current_url else None)
    open_page(browser, kept, 1)
    for name, value in (("text", text), ("second", text[::-1])):
        got = browser.execute_script("return document.getElementById(arguments[0]).value", name)
        assert got == value.replace("\u0000", got[value.index("\u0000")] if name == "text" else "\u0000"), name
    messages = [{"role": "user", "content": text}, {"role": "nobody", "content": None}, 7]
    link = f"{address}#tokenizers=utf8&template=chatml&messages={quote(json.dumps(messages))}"
    open_page(browser, link, 1)
    wait_for(lambda: "3 messages" in read(browser, "status"))
    open_page(browser, f"{address}#tokenizers=utf8&messages=%5B", 1)
    assert browser.get_log("browser") == []


def test_lost_text_is_no_merit(browser: Any, address: str, tmp_path: Path) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    few = folder / "few.json"
    few.write_text(
        json.dumps({"version": "1.0", "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1}}})
    )
    open_page(browser, f"{address}#tokenizers=utf8&text=ab", 1)
    drop(browser, few)
    wait_for(lambda: len(browser.find_elements("css selector", "#counts tbody tr")) == 2)
    rows = [row.text.split() for row in browser.find_elements("css selector", "#counts tbody tr")]
    assert rows == [["utf8", "2", "1.00"], ["file:", "few.json", "loses", "text", "(1)", "(2.00)"]]
    assert "cannot be restored" in browser.find_elements("css selector", "article")[1].text
    assert tokens_of(browser, 1) == ["?"]
    browser.find_element("css selector", "[aria-label='Remove file: few.json']").click()
    assert browser.get_log("browser") == []
