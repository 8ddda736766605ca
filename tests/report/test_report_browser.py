"""The HTML report in a real browser: silent, alone, sortable, nothing cut, in light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tokbench as tb
from helpers.browser import asked_for, open_browser, overflow, take_picture
from helpers.comparisons import make_comparison
from helpers.corpora import write_corpus

pytest.importorskip("vl_convert", reason="no charts: install tokbench[html]")

from tokbench.report import render

CLIPPED = """
return [...document.querySelectorAll("svg text")].filter((text) => {
  const own = text.getBoundingClientRect(), all = text.closest("svg").getBoundingClientRect();
  return own.width > 0 && (own.left < all.left - 1 || own.right > all.right + 1 || own.top < all.top - 1
    || own.bottom > all.bottom + 1);
}).map((text) => text.textContent)
"""
OVERLAPPING = """
const found = [];
for (const axis of document.querySelectorAll("svg .role-axis-label, svg .role-legend-label")) {
  const boxes = [...axis.querySelectorAll("text")].filter((t) => !t.getAttribute("transform").includes("rotate"))
    .filter((t) => t.textContent && getComputedStyle(t).opacity !== "0")
    .map((t) => [t.textContent, t.getBoundingClientRect()]);
  boxes.forEach(([a, x], i) => boxes.slice(i + 1).forEach(([b, y]) => {
    const beside = x.right <= y.left || y.right <= x.left, below = x.bottom <= y.top + 4 || y.bottom <= x.top + 4;
    if (!beside && !below) found.push([a, b]);
  }));
}
return found
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    path = folder / "report.html"
    path.write_text(render(make_comparison(folder), "html"), encoding="utf-8")
    return path


def column(browser: Any, table: int, number: int) -> list[str]:
    rows = "[...document.querySelectorAll('table')[arguments[0]].tBodies[0].rows]"
    script = f"return {rows}.map(r => r.cells[arguments[1]].textContent)"
    found: list[str] = browser.execute_script(script, table, number)
    return found


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 1280), (True, 390)])
def test_the_page_is_silent_alone_and_whole(page: Path, tmp_path: Path, dark: bool, width: int) -> None:
    with open_browser(dark=dark, width=width) as browser:
        browser.get(page.as_uri())
        picture = take_picture(browser, tmp_path / f"report-{'dark' if dark else 'light'}-{width}.png")
        assert browser.get_log("browser") == []
        assert [address for address in asked_for(browser) if not address.startswith("data:")] == [page.as_uri()]
        assert overflow(browser) <= 0
        assert browser.execute_script(CLIPPED) == []
        assert browser.execute_script(OVERLAPPING) == []
        background = browser.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
        assert background == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
        ink = browser.execute_script("return getComputedStyle(document.querySelector('svg text[fill]')).fill")
        assert ink == ("rgb(230, 233, 238)" if dark else "rgb(27, 31, 36)")
        assert picture.startswith(b"\x89PNG")


def test_tables_sort_by_mouse_and_keyboard(page: Path) -> None:
    with open_browser() as browser:
        browser.get(page.as_uri())
        before = column(browser, 0, 0)
        assert before == ["made †", "utf8 (floor)"]
        button = browser.find_elements("css selector", "table thead button")[2]
        header = button.find_element("xpath", "..")
        button.click()
        first, numbers = header.get_attribute("aria-sort"), column(browser, 0, 2)
        button.send_keys("\ue007")  # Enter
        second, turned = header.get_attribute("aria-sort"), column(browser, 0, 2)
        assert {first, second} == {"ascending", "descending"}
        assert numbers == turned[::-1] != turned


def test_the_page_reads_without_scripts(page: Path) -> None:
    with open_browser() as browser:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.get(page.as_uri())
        assert not browser.find_elements("css selector", "th button")
        assert len(browser.find_elements("css selector", "svg")) >= 3
        assert "Verdict" in browser.find_element("tag name", "body").text


def test_languages_are_found_by_name_code_and_script(tmp_path: Path) -> None:
    texts = {lang: ["ab", "cd"] for lang in ("en", "de", "fr", "es", "th", "hi", "ar", "zh")}
    page = tmp_path / "r.html"
    result = tb.compare(["utf8", "byt5"], write_corpus(tmp_path / "c", **texts), throughput=False)
    page.write_text(render(result, "html"), encoding="utf-8")
    shown = "return [...document.querySelectorAll('.heat[data-filter] tbody tr')].filter(r => !r.hidden).length"
    with open_browser() as browser:
        browser.get(page.as_uri())
        assert browser.execute_script(shown) == 8
        box = browser.find_element("css selector", "input[type=search]")
        for words, number in (("thai", 1), (" latin", 4), (" zzz", 4)):
            box.send_keys(words)
            assert browser.execute_script(shown) == number + (1 if words != "thai" else 0)
        box.clear()
        box.send_keys("nothing")
        assert browser.execute_script(shown) == 0
        assert browser.get_log("browser") == []


def test_tables_repeat_their_headers_on_every_printed_page(page: Path) -> None:
    """Chromium leaves out boxes of their own in repeated headers: buttons, and cells that stick."""
    with open_browser() as browser:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        browser.get(page.as_uri())
        style = "getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
        assert browser.execute_script(f"return {style}", "thead th button", "display") == "contents"
        assert browser.execute_script(f"return {style}", "thead th", "position") == "static"


def test_regions_have_names_of_their_own(page: Path) -> None:
    with open_browser() as browser:
        browser.get(page.as_uri())
        names = browser.execute_script(
            "return [...document.querySelectorAll('[role=region]')].filter(e => e.checkVisibility())"
            ".map(e => e.ariaLabel)"
        )
        assert names
        assert len(set(names)) == len(names)
