"""The atlas: its figures are those of `rank`, its links lead somewhere, and names cannot write markup."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokbench as tb
from helpers.atlas import Page, make_figures, read_page
from helpers.browser import asked_for, open_browser, overflow, take_picture
from helpers.commands import refuse, run
from tokbench.analysis import ranking
from tokbench.analysis.atlas import read_atlas
from tokbench.report._markdown_document import write_document
from tokbench.report.atlas import compose_atlas, lay_out_atlas
from tokbench.report.atlas._page import name_files

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e../../x"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return compose_atlas(read_atlas())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Page]:
    monkeypatch.setattr(ranking, "_read_table", make_figures)
    return read_pages(compose_atlas(read_atlas()))


def read_pages(files: dict[str, bytes]) -> dict[str, Page]:
    return {name: read_page(content) for name, content in list_pages(files)}


def read_addresses(files: dict[str, bytes]) -> dict[str, list[str]]:
    """The addresses in each page."""
    found = {name: re.findall(r'(?:href|src)="([^"]*)"', text.decode()) for name, text in list_pages(files)}
    return {name: [unquote(html.unescape(address)) for address in addresses] for name, addresses in found.items()}


def read_ids(files: dict[str, bytes]) -> dict[str, list[str]]:
    return {name: re.findall(r' id="([^"]*)"', text.decode()) for name, text in list_pages(files)}


def list_pages(files: dict[str, bytes]) -> list[tuple[str, bytes]]:
    return [(name, content) for name, content in files.items() if name.endswith(".html")]


def find_broken(files: dict[str, bytes]) -> list[tuple[str, str]]:
    """The addresses that lead to no file or no place in one."""
    ids = read_ids(files)
    broken = []
    for name, addresses in read_addresses(files).items():
        for address in addresses:
            file, _, anchor = address.partition("#")
            target = file or name
            if target not in files or (anchor and anchor not in ids[target]):
                broken.append((name, address))
    return broken


# ---- figures, worked out by hand


def test_the_page_of_a_language(small: dict[str, Page]) -> None:
    page = small["language-tha_thai.html"]
    tokenizers, sizes = page.tables
    assert tokenizers[1:] == [
        ["big", "1", "30.0 [29.0, 31.0] ★fewest", "0 %", "3.00 [2.75, 3.25]", "4.00", "2,000", "exact", "MIT"],
        ["small", "2", "45.0 [44.0, 46.0]", "+50 %", "3.75 [3.50, 4.00]", "4.00", "1,000", "exact", "Apache-2.0"],
        ["loses", "–", "(20.0) [19.0, 21.0]", "–", "(2.50) [2.25, 2.75]", "(4.00)", "1,500", "loses text", "MIT"],
        ["bytes", "–", "140.0 [139.0, 141.0]", "–", "2.80 [2.55, 3.05]", "4.00", "256", "exact", "MIT"],
    ]
    assert sizes[1:] == [
        ["small", "1,000", "45.0 [44.0, 46.0]", "–", "Apache-2.0"],
        ["big", "2,000", "30.0 [29.0, 31.0]", "33 %", "MIT"],
    ]
    for sentence in (
        "Fewest tokens in Thai: big, 30.0 per segment; next is small with 50.0\N{NO-BREAK SPACE}% more.",
        "Premium over English: from 3.00 (big) to 3.75 (small), median 3.38 over ranked tokenizers; number 2 of 2",
        "measured 2026-01-02 with tokbench 0.2.0",
        "Tai-Kadai",
    ):
        assert sentence in page.text


def test_the_page_of_a_tokenizer(small: dict[str, Page]) -> None:
    page = small["tokenizer-small.html"]
    scripts, languages = page.tables
    assert scripts[1:] == [["Latin", "1", "1.00", "1.00", "German", "0"], ["Thai", "1", "3.75", "3.75", "Thai", "0"]]
    assert [row[0] for row in languages[1:]] == ["Thai tha_Thai", "German deu_Latn", "English eng_Latn"]
    assert languages[1][1:] == ["Thai", "3.75 [3.50, 4.00]", "45.0 [44.0, 46.0]", "2", "+50 %", "big", "exact"]
    assert languages[3][1:] == ["Latin", "1.00 [0.75, 1.25]", "12.0 [11.0, 13.0]", "3", "+50 %", "loses", "exact"]
    assert "23.0 tokens per segment, the mean over 3 languages (rank 2 of 2)." in page.text  # (12 + 12 + 45) / 3
    assert "tokbench|tok:small" in page.text
    assert "b" * 64 in page.text
    loses = small["tokenizer-loses.html"]
    assert "14.7 tokens per segment, the mean over 3 languages; loses text in 1 of them (not ranked" in loses.text
    assert [row[0] for row in loses.tables[1][1:]] == ["German deu_Latn", "English eng_Latn", "Thai tha_Thai"]


def test_the_index(small: dict[str, Page]) -> None:
    tokenizers, languages = small["index.html"].tables
    assert tokenizers[1] == ["big", "1", "2,000", "18.3", "2.25", "3.00", "Thai", "–", "MIT"]  # (10 + 15 + 30) / 3
    assert [row[:2] for row in tokenizers[2:]] == [["small", "2"], ["loses", "–"], ["bytes", "–"]]
    assert tokenizers[3][7] == "1"
    assert languages[1:] == [
        ["English eng_Latn", "Latin", "Indo-European", "loses", "8.0", "1.00", "1.00", "1.00"],
        ["German deu_Latn", "Latin", "Indo-European", "small", "12.0", "1.00", "1.50", "2.00"],
        ["Thai tha_Thai", "Thai", "Tai-Kadai", "big", "30.0", "3.00", "3.38", "3.75"],
    ]


def test_pages_equal_rank(files: dict[str, bytes]) -> None:
    for corpus, table, tag, page in (("flores200/dev", 0, "hin_Deva", "hin_deva"), ("ntrex128", 2, "hin", "hin_deva")):
        rows = read_page(files[f"language-{page}.html"]).tables[table][1:]
        expected = tb.rank(tag, corpus=corpus)
        assert [row[0] for row in rows] == expected["tokenizer"].to_list()
        for row, figures in zip(rows, expected.iter_rows(named=True), strict=True):
            low, high = (figures[f"premium_{end}"] for end in ("low", "high"))
            assert row[1] == str(figures["rank"] or "–")
            assert row[2].strip("(").startswith(f"{figures['tokens_per_segment']:,.1f}")
            assert row[4].replace("(", "").replace(")", "") == f"{figures['premium']:.2f} [{low:.2f}, {high:.2f}]"
    rows = read_page(files["tokenizer-llama3.html"]).tables[1][1:]
    premiums = tb.rank(tokenizer="llama3").sort(pl.col("loss") == "lossy", -pl.col("premium"))["premium"]
    assert [row[2].split(" ")[0] for row in rows] == [f"{value:.2f}" for value in premiums]


# ---- the whole


def test_there_is_a_page_per_language_and_per_tokenizer_and_every_link_resolves(files: dict[str, bytes]) -> None:
    names = [tb.rank(corpus=corpus)["language"].to_list() for corpus in ("flores200/dev", "ntrex128")]
    assert sum(name.startswith("language-") for name in files) == len(set(names[0]) | set(names[1]))
    assert sum(name.startswith("tokenizer-") for name in files) == tb.rank()["tokenizer"].n_unique()
    assert find_broken(files) == []
    assert len({name.casefold() for name in files}) == len(files)
    for name, ids in read_ids(files).items():
        assert len(set(ids)) == len(ids), name
        assert b"<style" not in files[name], name
        assert b"style=" not in files[name], name
    addresses = {address for found in read_addresses(files).values() for address in found}
    assert not [address for address in addresses if ":" in address or address.startswith("/")]
    assert {address.partition("#")[0] for address in addresses} - {""} == set(files)


def test_it_repeats_to_the_byte_and_the_committed_page_is_of_this_code(files: dict[str, bytes]) -> None:
    atlas = read_atlas()
    assert compose_atlas(atlas) == files
    committed = (ROOT / "reports" / "atlas.md").read_text(encoding="utf-8")
    assert write_document(lay_out_atlas(atlas), {}) == committed, "run: python reports/build.py atlas"


def test_citations_are_those_of_the_corpora(files: dict[str, bytes]) -> None:
    entries = files["atlas.bib"].decode()
    assert "No Language Left Behind" in entries
    assert "NTREX-128" in entries
    assert entries.strip() in read_page(files["definitions.html"]).text


def test_names_cannot_write_markup_or_leave_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizers = [HOSTILE, "small", "loses", "bytes"] * 3
    tags = ["eng_Latn"] * 4 + ["../" + HOSTILE] * 4 + ["tha_Thai"] * 4
    languages = ["English"] * 4 + [HOSTILE] * 4 + ["Thai"] * 4
    hostile = {name: [HOSTILE] * 12 for name in ("licence", "engine", "signature", "corpus_licence", "bootstrap")}
    plain = make_figures()
    dangerous = make_figures(tokenizer=tokenizers, lang=tags, language=languages, names=[HOSTILE] * 12, **hostile)
    kinds = {}
    for key, table in (("plain", plain), ("hostile", dangerous)):
        monkeypatch.setattr(ranking, "_read_table", lambda table=table: table)
        files = compose_atlas(read_atlas())
        pages = read_pages(files)
        assert find_broken(files) == []
        assert all("/" not in name and "\\" not in name for name in files)
        kinds[key] = {pair for page in pages.values() for pair in page.elements}
        assert not any(b"\x1b" in content or "\u202e".encode() in content for content in files.values())
    assert kinds["hostile"] <= kinds["plain"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=100), max_size=5, unique=True))
def test_file_names_are_portable_and_unique(titles: list[str]) -> None:
    named = name_files("language", {title: title for title in titles})
    assert len(set(named.values())) == len(titles)
    for name in named.values():
        assert len(name) < 120
        assert name == name.lower()
        assert name.isascii()
        assert set(name).isdisjoint('/\\:*?"<>| ')


# ---- the command


def test_the_command_writes_a_folder_and_replaces_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "_read_table", make_figures)
    folder = tmp_path / "new" / "atlas"
    done = run("atlas", "--save", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(str(folder / "index.html"))
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert written == compose_atlas(read_atlas())
    (folder / "language-old.html").write_text("of an earlier version")
    assert run("atlas", "--save", str(folder)).returncode == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == written


def test_the_command_touches_no_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refuse("atlas", "--save", str(tmp_path), says="it holds other files (mine.txt)")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    refuse("atlas", "--save", str(tmp_path / "mine.txt"), says="it is a file")


# ---- in a browser


@pytest.fixture(scope="module")
def folder(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("atlas")
    for name, content in files.items():
        (made / name).write_bytes(content)
    return made


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 400)])
def test_pages_are_silent_alone_and_whole(folder: Path, tmp_path: Path, dark: bool, width: int) -> None:
    with open_browser(dark=dark, width=width) as browser:
        for name in ("index", "definitions", "language-tha_thai", "tokenizer-cl100k_base"):
            browser.get((folder / f"{name}.html").as_uri())
            take_picture(browser, tmp_path / f"{name}-{'dark' if dark else 'light'}-{width}.png")
            assert browser.get_log("browser") == []
            assert {Path(address).name for address in asked_for(browser)} <= {f"{name}.html", "atlas.css", "atlas.js"}
            assert overflow(browser) <= 0
            background = browser.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
            assert background == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")


def test_the_search_finds_a_language_by_any_of_its_names(folder: Path) -> None:
    shown = (
        "return [...document.querySelectorAll('tbody tr')].filter(r => r.offsetHeight).map(r => r.cells[0].innerText)"
    )
    with open_browser() as browser:
        browser.get((folder / "index.html").as_uri())
        box = browser.find_element("id", "find")
        everything = len(browser.execute_script(shown))
        for typed, expected in (("ไทย", "Thai tha_Thai"), ("THA-thai", "Thai tha_Thai"), ("cl100k", "cl100k_base")):
            box.clear()
            box.send_keys(typed)
            assert browser.execute_script(shown) == [expected]
        assert browser.find_element("id", "found").text == f"1 of {everything} rows"
        box.clear()
        box.send_keys(" ")
        assert len(browser.execute_script(shown)) == everything


def test_without_scripts_the_lists_are_there_and_the_search_is_not(folder: Path) -> None:
    with open_browser() as browser:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.get((folder / "index.html").as_uri())
        assert not browser.find_element("id", "find").is_displayed()
        assert browser.find_element("link text", "Thai").is_displayed()
