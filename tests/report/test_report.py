"""Reports as documents: what they say, that nothing in the data becomes markup, that they repeat to the byte."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokbench as tb
from helpers.commands import refuse, run
from helpers.comparisons import make_comparison
from helpers.corpora import write_corpus
from helpers.data import ROOT, needs_data
from tokbench.comparison import Comparison
from tokbench.report import check_format, render, render_all
from tokbench.report._charts import choose_labelled
from tokbench.report._document import compose, name_anchor, write_command
from tokbench.report._escaping import escape_html, escape_latex, escape_markdown, reveal, reveal_bytes
from tokbench.report._markdown_document import write_document
from tokbench.report._numbers import find_numbers
from tokbench.report._scripts import name_script
from tokbench.report._side_by_side import find_mismatches
from tokbench.report._verdict import write_verdict
from tokbench.report._vocabulary_section import count_kinds, count_lengths

polars_testing = pytest.importorskip("polars.testing")
html5lib = pytest.importorskip("html5lib", reason="no HTML5 parser: install tokbench[test]")
pytest.importorskip("vl_convert", reason="no charts: install tokbench[html]")

spec = importlib.util.spec_from_file_location("reports_build", ROOT / "reports" / "build.py")
assert spec is not None
assert spec.loader is not None
reports_build = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = reports_build
spec.loader.exec_module(reports_build)

HOSTILE = (
    "<script>alert(1)</script>",
    "a|b",
    "`code`",
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "\\",
    "$x_1$",
    "**bold** _it_ ~s~ [l](https://e.org) @user www.e.org",
    "a\nb\r\u2028c",
    "\x00\x7f",
    "%\\input{/etc/passwd}",
    '"><img src=x onerror=alert(1)>',
    "</script>",
    "]]>",
    "&lt;",
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return make_comparison(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(result: Comparison) -> str:
    """The result as HTML."""
    return render(result, "html")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two vocabularies of hostile strings, one in a file of a hostile name, on a corpus of them."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "<b>x|y_`$.txt"
    words = sorted(
        {word for text in HOSTILE for word in text.split() if "\x00" not in word}
        | set("abcdefghijklmnopqrstuvwxyz<>|`$&%#{}\\\"'")
    )
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    corpus = folder / "corpus"
    corpus.mkdir()
    lines = [" ".join(text.split()) for text in HOSTILE if text.split() and "\x00" not in text]
    for lang in ("en", "de"):
        extra = f" {HOSTILE[0]}" if lang == "de" else ""
        (corpus / f"{lang}.txt").write_text("".join(f"{line}{extra}\n" for line in lines), encoding="utf-8")
    whole = folder / "rwkv_vocab.txt"
    known: list[str | bytes] = [bytes([b]) for b in range(256)]
    longer = (text for text in HOSTILE if len(text.encode()) > 1)
    sized = ((token, len(token.encode() if isinstance(token, str) else token)) for token in (*known, *longer))
    whole.write_text("".join(f"{i} {t!r} {size}\n" for i, (t, size) in enumerate(sized, 1)), encoding="utf-8")
    return tb.compare([str(path), str(whole)], tb.load_corpus(corpus), throughput=False)


def cells(line: str) -> int:
    """The cells of a row of GitHub's markdown: bars that no backslash precedes, less one."""
    return len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) - 1


def elements(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    for element in tree.iter():
        if isinstance(element.tag, str):
            yield element.tag, dict(element.attrib)


def test_invisible_characters_are_written_out() -> None:
    assert reveal("plain ä 你 é") == "plain ä 你 é"
    assert reveal("\x1b[0m\u202e\u00a0\n") == "\\x1b[0m\\u202e\\xa0\\n"
    assert reveal_bytes(b"\xe4\xbd \xff") == "\\xe4\\xbd \\xff"


@pytest.mark.smoke
def test_each_format_escapes_its_own_marks() -> None:
    assert escape_html("<a href='x'>&") == "&lt;a href=&#x27;x&#x27;&gt;&amp;"
    assert escape_markdown("a|b `c` <d> p50k_base _e_ @f") == "a\\|b \\`c\\` &lt;d&gt; p50k_base \\_e\\_ &#64;f"
    assert escape_markdown("2.0 [1, 3] [l](u) [^1] a [x]: y") == "2.0 [1, 3] [l\\](u) \\[^1] a [x\\]: y"
    assert escape_markdown("1. x") == "1&#8203;. x"
    assert escape_markdown("# x") == "\\# x"
    assert escape_latex("50% of a_b & $c$ -- 你") == "50\\% of a\\_b \\& \\$c\\$ -{}- \\textbackslash{}u4f60"
    assert escape_latex("[x") == "{[}x"


@given(st.text())
def test_html_text_comes_back_from_a_parser_as_itself(text: str) -> None:
    parsed = html5lib.parseFragment(
        f'<p title="{escape_html(text)}">{escape_html(text)}</p>', namespaceHTMLElements=False
    )
    (element,) = list(parsed)
    assert not list(element)
    assert (element.text or "") == reveal(text)
    assert element.attrib["title"] == reveal(text)


@given(st.text())
def test_markdown_text_keeps_to_its_cell(text: str) -> None:
    written = escape_markdown(text)
    assert "\n" not in written
    assert cells(f"| {written} | b |") == 2
    assert "<" not in written
    assert written.isprintable() or "\u200b" not in text


@given(st.text())
def test_latex_text_has_balanced_braces_and_no_bare_marks(text: str) -> None:
    written = escape_latex(text)
    assert all(ord(c) < 0x100 for c in written)
    bare = re.sub(r"\\[{}$&#%_]|\\text[a-z]+\{\}|\\[a-z]+|\$\\[a-z]+\$|\$-\$", "", written)
    assert not set("$&#%_^\\") & set(bare)
    depth = 0
    for c in re.sub(r"\\[{}]", "", written):
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0


def test_numbers_of_the_verdict_are_those_of_the_frame(result: Comparison) -> None:
    utf8 = next(n for n in find_numbers(result, "tokens_per_segment") if n.tokenizer == "utf8")
    assert utf8.write().startswith("10.2 [") or utf8.write().startswith("10.3 [")
    lossy = [sentence for sentence in write_verdict(result) if "loses text" in sentence]
    said = "loses text in 2 of 4 segments, in 1 of 2 languages, and is not ranked on length where it does."
    assert lossy == [f"{result.names[1]} {said}"]


def test_one_page_holds_all_sections_and_passes_a_strict_parser(page: str) -> None:
    found = list(elements(page))
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"verdict", "summary", "premiums", "compression", "throughput", "boundaries", "vocabularies"} <= set(ids)
    assert {"examples", "losses", "method"} <= set(ids)
    assert not {"reading", "what-if", "memory"} & set(ids)
    links = {attributes["href"][1:] for tag, attributes in found if tag == "a" and attributes["href"].startswith("#")}
    assert links <= set(ids)


def test_a_page_asks_nobody_for_anything(page: str) -> None:
    for tag, attributes in elements(page):
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not {"src", "action", "background", "srcset"} & attributes.keys()
        for name in ("href", "{http://www.w3.org/1999/xlink}href"):
            assert attributes.get(name, "#").startswith(
                ("#", "data:application/gzip;", "data:text/csv;", "data:image/svg+xml;")
            )
    assert "default-src 'none'" in page


def test_every_chart_has_a_caption_a_name_and_its_numbers_as_a_table(result: Comparison, page: str) -> None:
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    figures = list(tree.iter("figure"))
    assert len(figures) == len(compose({"small": result}).figures) >= 5
    for figure in figures:
        drawn = list(figure.iter("{http://www.w3.org/2000/svg}svg"))
        heat = [div for div in figure.iter("div") if "heat" in div.attrib.get("class", "").split()]
        assert len(drawn) + len(heat) == 1
        assert (drawn or heat)[0].attrib["role"] == ("img" if drawn else "region")
        assert (drawn or heat)[0].attrib["aria-label"]
        assert figure.find("figcaption").text
        assert next(figure.iter("table")) is not None
    for header in tree.iter("th"):
        assert header.attrib["scope"] in ("row", "col")
    assert all(table.find("caption").text for table in tree.iter("table"))


def test_the_page_carries_the_comparison_once(result: Comparison, page: str) -> None:
    (link,) = [a for tag, a in elements(page) if tag == "a" and a["href"].startswith("data:application/gzip;")]
    packed = base64.b64decode(link["href"].partition(",")[2])
    carried = Comparison.from_document(json.loads(gzip.decompress(packed))).frame
    polars_testing.assert_frame_equal(carried, result.frame, rel_tol=1e-6, abs_tol=0)


def test_hostile_strings_are_inert_in_html(hostile: Comparison) -> None:
    page = render(hostile, "html")
    found = list(elements(page))
    assert [tag for tag, _ in found].count("script") == 1
    assert not [tag for tag, _ in found if tag in ("img", "b")]
    assert not [name for _, attributes in found for name in attributes if name.startswith("on")]
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</bdi>" in page
    assert "&lt;b&gt;x|y_`$" in page


def test_hostile_strings_are_inert_in_notebooks(hostile: Comparison) -> None:
    shown = [tag for tag, _ in elements(f"<!DOCTYPE html><title>x</title>{hostile._repr_html_()}")]
    assert "table" in shown
    assert not {"script", "img", "b"} & set(shown)


def test_hostile_strings_are_inert_in_markdown(hostile: Comparison) -> None:
    text = render_all({"a|b": hostile}, "markdown")
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) > 8
    for table in tables:
        assert len({cells(line) for line in table.splitlines()}) == 1
    assert "<script" not in text
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("several", [False, True])
def test_hostile_strings_are_inert_in_latex(hostile: Comparison, tmp_path: Path, several: bool) -> None:
    text = render_all({"a_b": hostile, "%": hostile} if several else {"a": hostile}, "latex")
    for table in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        shape, body = table
        rows = [row for row in body.splitlines() if row.endswith(r"\\")]
        assert rows
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(shape)}
    compiler = shutil.which("pdflatex")
    if compiler is None:
        pytest.skip("the rest needs a TeX: pdflatex is not here")
    (tmp_path / "tables.tex").write_text(text, encoding="utf-8")
    document = (
        r"\documentclass{article}\usepackage{booktabs,graphicx,textcomp}\begin{document}\input{tables}\end{document}"
    )
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    done = subprocess.run(
        [compiler, "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")
    assert (tmp_path / "all.pdf").stat().st_size > 1000


@pytest.mark.parametrize("name", ["html", "markdown", "latex"])
def test_reports_repeat_to_the_byte(result: Comparison, name: str) -> None:
    first, second = (render_all({"small": result}, name) for _ in range(2))
    assert first == second
    assert first.endswith("\n")


def test_charts_of_a_file_follow_the_viewer_and_stand_beside_the_text(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path / "saved")
    done = run("report", str(tmp_path / "saved"), "-o", str(tmp_path / "r.md"), "--charts")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[.*?\]\((.*?)\)\n", text)
    assert len(pictures) >= 5
    for picture in pictures:
        drawing = (tmp_path / picture).read_text(encoding="utf-8")
        assert drawing.startswith("<svg")
        assert "prefers-color-scheme:dark" in drawing
        assert re.findall(r"https?://[^\"' ]+", drawing.replace("http://www.w3.org", "")) == []


def test_report_writes_several_formats_of_several_results(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path / "first")
    other = make_comparison(
        tmp_path / "other-input" if (tmp_path / "other-input").mkdir() is None else tmp_path, reference="zh"
    )
    other.save(tmp_path / "second")
    targets = [tmp_path / name for name in ("r.html", "r.md", "r.tex")]
    done = run("report", str(tmp_path / "first"), str(tmp_path / "second"), *(f"-o{target}" for target in targets))
    assert done.returncode == 0, done.stderr
    assert "The signatures do not match, reference language: en in first, zh in second." in done.stderr
    for target in targets:
        text = target.read_text(encoding="utf-8")
        assert "reference language" in text
    assert "> [!WARNING]" in targets[1].read_text(encoding="utf-8")


def test_one_command_makes_a_page_and_one_more_another(tmp_path: Path) -> None:
    corpus = write_corpus_files(tmp_path)
    done = run(
        *("compare", "utf8", "byt5", "-c", str(corpus), "-q"),
        *("-o", str(tmp_path / "r.html"), "--save", str(tmp_path / "kept")),
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    done = run("report", str(tmp_path / "kept"), "-o", str(tmp_path / "again.html"))
    assert done.returncode == 0, done.stderr
    pages = [(tmp_path / name).read_text(encoding="utf-8") for name in ("r.html", "again.html")]
    assert pages[0].replace("of pair", "of kept") == pages[1]


def write_corpus_files(folder: Path) -> Path:
    """A Moses pair."""
    (folder / "pair.en").write_text("the quick fox\nthe dog\n", encoding="utf-8")
    (folder / "pair.zh").write_text("你好，世界\n你好\n", encoding="utf-8")
    return folder / "pair"


def test_equal_signatures_give_no_warning(result: Comparison) -> None:
    assert find_mismatches({"a": result, "b": result}) == []
    together = compose({"a": result, "b": result}).chapters[0]
    assert [part.rows[0][0].text for part in together.sections[0].parts if hasattr(part, "rows")] == ["a"]


def test_refusals_are_one_line(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path / "a")
    result.save(tmp_path / "b")
    both = (str(tmp_path / "a"), str(tmp_path / "b"))
    refuse("report", *both, "-o", str(tmp_path / "x.csv"), says="csv holds one result, not 2")
    refuse("report", both[0], both[0], "-o", str(tmp_path / "x.md"), says="two results are called 'a'")
    refuse("report", both[0], "-o", str(tmp_path / "x.xyz"), says="cannot tell the format")
    refuse("report", both[0], "-o", str(tmp_path / "x.html"), "--charts", says="--charts is for Markdown")
    refuse("report", str(tmp_path / "none"), "-o", str(tmp_path / "x.html"), says="cannot read")


def test_json_alone_gives_a_report_without_what_needs_counts(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path / "saved")
    alone = tb.load(tmp_path / "saved" / "comparison.json")
    names = {section.name for section in compose({"x": alone}).chapters[0].sections}
    assert {"summary", "examples"} <= names
    assert not {"vocabularies", "reading", "what-if", "memory"} & names


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    with pytest.raises(tb.TokbenchError, match=re.escape("pip install 'tokbench[html]'")):
        check_format("html")


def test_examples_are_the_worst_segments(result: Comparison) -> None:
    worst = result.examples[0]
    assert (worst.lang, worst.segment) == ("zh", 0)
    utf8 = worst.cuts[0]
    assert utf8.tokens == len("你好，世界".encode()) == 15
    assert b"".join(bytes.fromhex(piece or "") for piece in utf8.pieces).decode() == "你好，世界"


def test_scripts_of_languages() -> None:
    tags = {
        "en": "Latin",
        "zh": "Chinese, simplified",
        "zho_Hant": "Chinese, traditional",
        "srp_Latn": "Latin",
        "sr": "Cyrillic",
    }
    tags |= {"mar": "Devanagari", "arb": "Arabic", "swh": "Latin", "???": "other", "prs": "Arabic", "pbt": "Arabic"}
    tags |= {"zho-TW": "Chinese, traditional", "shi": "Tifinagh", "arz": "Arabic", "acm": "Latin", "ii": "Yiii"}
    assert {tag: name_script(tag) for tag in tags} == tags


def test_shares_of_a_vocabulary_are_counted_by_hand(result: Comparison) -> None:
    tokens = [b"a", "я".encode(), b"\xff", b"12", b"!", b"  ", "你好".encode(), b"ab", None, b""]
    vocab = pl.DataFrame(
        {"tokenizer": ["utf8"] * len(tokens), "id": range(len(tokens)), "bytes": pl.Series(tokens, dtype=pl.Binary)}
    )
    kinds = dict(count_kinds(result, vocab).select("kind", "share").iter_rows())
    assert kinds == {
        "Latin": 2 / 8,
        "Cyrillic": 1 / 8,
        "Han, kana and Hangul": 1 / 8,
        "digits": 1 / 8,
        "punctuation and symbols": 1 / 8,
        "white space and controls": 1 / 8,
        "parts of characters": 1 / 8,
    }
    lengths = dict(count_lengths(result, vocab).select("label", "share").iter_rows())
    assert lengths == {"1": 3 / 8, "2": 4 / 8, "6": 1 / 8}


def test_labels_that_would_run_into_each_other_are_left_out() -> None:
    points = pl.DataFrame({"tokenizer": ["a", "b", "c"], "rows": [1000, 1010, 90_000], "nsl": [1.0, 1.001, 1.0]})
    assert choose_labelled(points, (0, 100_000), (0.5, 1.5))["tokenizer"].to_list() == ["a", "c"]


def test_names_of_anchors_and_the_command(result: Comparison) -> None:
    assert name_anchor("<b>X y</b>", 2) == "2-b-x-y-b"
    assert name_anchor("你", 1) == "1"
    assert write_command(result).startswith("tokbench compare utf8 ")


@needs_data
@pytest.mark.parametrize("name", reports_build.EXAMPLES)
def test_committed_reports_are_of_this_code(name: str) -> None:
    def mask(text: str) -> list[str]:
        """The lines without dates and versions of engines."""
        engines = r"(tokenizers|sentencepiece|tiktoken|ahocorasick_rs)(==| )\d[\w.]*"
        text = re.sub(r"(?<=Measured on )[\d-]+(?= with)", "", text)
        return [line for line in re.sub(engines, r"\1", text).splitlines() if not line.startswith("Measured on ")]

    example = reports_build.EXAMPLES[name]
    result = reports_build.measure(example)
    document = compose({name: result}, addenda=reports_build.compute_costs(example, result))
    fresh = write_document(document, {figure: f"{name}_files/{figure}.svg" for figure in document.figures})
    committed = (ROOT / "reports" / f"{name}.md").read_text(encoding="utf-8")
    assert mask(fresh) == mask(committed), f"run: python reports/build.py {name}"
    for figure in document.figures:
        assert (ROOT / "reports" / f"{name}_files" / f"{figure}.svg").is_file()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=2, unique=True))
def test_names_of_results_are_inert(result: Comparison, names: list[str]) -> None:
    text = render_all(dict.fromkeys(names, result), "markdown")
    assert "<script" not in text


def test_a_lorenz_curve_is_shown_language_by_language(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["ab", "ab"], zh=["\u4f60\u597d", "\u4f60\u597d"])
    result = tb.compare(["utf8"], corpus, throughput=False)
    lines = render(result, "table", "lorenz").splitlines()
    rows = [line.split() for line in lines if line.startswith(("English", "Chinese"))]
    assert rows == [
        ["English", "(en)", "2.0", "1.00", "50.0", "%", "25.0", "%"],
        ["Chinese", "(zh)", "6.0", "3.00", "100.0", "%", "100.0", "%"],
    ]
    assert "Lorenz curve of utf8: Gini 0.250, Gini, normalised 0.500, max/min 3.00" in render(
        result, "markdown", "lorenz"
    )
    without = tb.compare(["utf8"], corpus, metrics=["fertility"])
    with pytest.raises(tb.TokbenchError, match="add: -m tokens_per_segment"):
        render(without, "table", "lorenz")


def test_lengths_of_tokens_are_shown_with_parts_of_characters_apart(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["abcd"], zh=["\u4f60\u597d"])
    result = tb.compare(["utf8"], corpus, throughput=False)
    shown = render(result, "table", "lengths")
    assert re.search(r"part of a character +60\.00 %\n1 +40\.00 %\n", shown)
    result.save(tmp_path / "saved")
    assert render(tb.load(tmp_path / "saved"), "table", "lengths") == shown
    with pytest.raises(tb.TokbenchError, match="load the folder of --save"):
        render(tb.load(tmp_path / "saved" / "comparison.json"), "table", "lengths")
