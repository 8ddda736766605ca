"""The readers of made files: what is read, what is left out, and what is refused, with file and line."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokbench.corpora import LeftOut, ParallelCorpus, load_corpus, parquet
from tokbench.errors import TokbenchError


def write(folder: Path, **files: bytes | str) -> Path:
    for name, content in files.items():
        file = folder / name.replace("__", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def refused(message: str, spec: str | Path, **options: Any) -> str:
    """The one line of the error that a corpus is refused with; `message` is its beginning after the folder."""
    with pytest.raises(TokbenchError, match=re.escape(message)) as caught:
        load_corpus(spec, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


def reading(corpus: ParallelCorpus) -> list[tuple[str, int | None, int | None]]:
    return corpus.reading.select("lang", "bom", "crlf").rows()


# --- lines ----------------------------------------------------------------------------------------------------------


def test_lines_end_at_lf_alone(tmp_path: Path) -> None:
    text = "a\u2028b\u0085c\vd\fe\x1cf\x1dg\x1eh\u2029i\rj\r\r\nnext\x00\r\nlast"
    write(tmp_path, en__txt=b"\xef\xbb\xbf" + text.encode(), zh__txt="1\n2\n3\n")
    corpus = load_corpus(tmp_path)
    assert corpus.texts("en") == ["a\u2028b\u0085c\vd\fe\x1cf\x1dg\x1eh\u2029i\rj\r", "next\x00", "last"]
    assert reading(corpus) == [("en", 1, 2), ("zh", 0, 0)]


def test_a_final_newline_makes_no_line_and_an_empty_line_is_one(tmp_path: Path) -> None:
    write(tmp_path, en__txt="a\n\n", zh__txt="b\n\r\n")
    corpus = load_corpus(tmp_path)
    assert corpus.n == 1
    assert corpus.excluded.rows() == [(1, "empty in en,zh")]
    assert reading(corpus) == [("en", 0, 0), ("zh", 0, 1)]


def test_bad_utf8_names_file_line_and_byte(tmp_path: Path) -> None:
    write(tmp_path, en__txt=b"fine\nab\xffc\n", zh__txt="1\n2\n")
    assert refused("en.txt:2: not UTF-8: byte 0xFF at offset 2 of the line", tmp_path)
    write(tmp_path, en__txt=b"\xef\xbb\xbfa\xe4\xbd", zh__txt="1\n")
    assert refused("en.txt:1: not UTF-8: byte 0xE4 at offset 4 of the line", tmp_path)
    write(tmp_path, en__txt="hello".encode("utf-16"), zh__txt="1\n")
    assert "the file starts like UTF-16" in refused("en.txt:1: not UTF-8: byte 0xFF at offset 0", tmp_path)
    write(tmp_path, en__txt=b"\xed\xa0\x80\n", zh__txt="1\n")
    assert refused("en.txt:1: not UTF-8: byte 0xED", tmp_path)  # half of a surrogate pair, in CESU


def test_lines_ragged_names_both_files(tmp_path: Path) -> None:
    write(tmp_path, en__txt="a\nb\n", ja__txt="a\nb\n", zh__txt="a\n")
    line = refused("the corpus is ragged: ", tmp_path)
    assert f"{tmp_path}/zh.txt has 1 segments, {tmp_path}/en.txt has 2" in line


def test_language_files_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    names = [
        "x.eng_Latn.dev", "y-ref.zho-CN.txt", "y-ref.ja.txt", "y-ref-2.zho-CN.txt", "fr.devtest", "news.de", "README",
        "README.md", "notes.txt", ".hidden.es", "LICENCE.txt", "meta.tsv", "log.txt", "it.tsv", "es.txt.gz",
    ]  # fmt: skip
    for name in names:
        write(folder, **{name: "text\n"})
    corpus = load_corpus(folder)
    assert corpus.languages == ("de", "eng_Latn", "es", "fr", "ja", "zho-CN")
    assert corpus.left_out == (
        LeftOut("it.tsv", ".tsv is not a plain text extension"),
        LeftOut("log.txt", "its name does not end with a known language tag"),
        LeftOut("notes.txt", "its name does not end with a known language tag"),
        LeftOut("LICENCE.txt", "its name does not end with a known language tag"),
        LeftOut("y-ref-2.zho-CN.txt", "y-ref.zho-CN.txt is read for zho-CN"),
    )
    assert corpus.name == "made"


def test_only_the_files_asked_for_are_opened(tmp_path: Path) -> None:
    write(tmp_path, en__txt="a\n", zh__txt="b\n", ja__txt=b"\xff")
    assert load_corpus(tmp_path, languages=["zh", "en"]).languages == ("zh", "en")
    refused("ja.txt:1: not UTF-8", tmp_path)
    assert load_corpus(tmp_path, languages=["eng", "Chinese"]).languages == ("en", "zh")
    assert refused("has no language 'fr'; available: en, ja, zh", tmp_path, languages=["fr"])


def test_a_folder_may_name_its_files(tmp_path: Path) -> None:
    write(tmp_path, **{"source.txt": "a\n", "hyp.txt": "b\n"})
    corpus = load_corpus(f"{tmp_path}:en=source.txt,abc=hyp.txt")
    assert corpus.frame.rows() == [(0, "en", "a"), (0, "abc", "b")]
    refused("there is no file", f"{tmp_path}:en=source.txt,zh=none.txt")


def test_two_files_of_one_language_with_names_as_long(tmp_path: Path) -> None:
    write(tmp_path, **{"a.en": "a\n", "b.en": "b\n", "a.zh": "b\n"})
    write(tmp_path, **{"b.zh": "b\n"})
    line = refused("contains 2 corpora with en: a.* (en, zh), b.* (en, zh)", tmp_path)
    assert line.endswith(f"give one of them: {tmp_path}/a, {tmp_path}/b")


def test_one_level_up(tmp_path: Path) -> None:
    write(tmp_path / "flores", **{"README": "x", "dev/eng_Latn.dev": "a\nb\n", "dev/zho_Hans.dev": "1\n2\n"})
    corpus = load_corpus(tmp_path / "flores")
    assert (corpus.name, corpus.languages) == ("flores-dev", ("eng_Latn", "zho_Hans"))
    assert load_corpus(tmp_path / "flores" / "dev").name == "flores-dev"
    write(tmp_path / "flores", **{"devtest/eng_Latn.devtest": "a\n"})
    line = refused("contains 2 corpora: dev, devtest", tmp_path / "flores")
    assert line.endswith(f"give one of them: {tmp_path}/flores/dev, {tmp_path}/flores/devtest")


def test_documents_of_flores_and_ntrex(tmp_path: Path) -> None:
    write(
        tmp_path, **{"dev/eng_Latn.dev": "a\n\nc\n", "metadata_dev.tsv": "URL\tdomain\nu1\tnews\nu1\tnews\nu2\tbook\n"}
    )
    documents = load_corpus(tmp_path / "dev").documents
    assert documents is not None
    assert documents.to_dict(as_series=False) == {
        "segment": [0, 2], "document": ["u1", "u2"], "register": ["news", "book"],
    }  # fmt: skip
    write(tmp_path, **{"metadata_dev.tsv": "URL\tdomain\nu1\tnews\n"})
    refused("names the documents of 1 segments", tmp_path / "dev")
    write(tmp_path, **{"metadata_dev.tsv": "URL\tdomain\nu1\n"})
    refused("is not FLORES metadata", tmp_path / "dev")
    (tmp_path / "metadata_dev.tsv").unlink()
    write(tmp_path, **{"DOCUMENT_IDS.tsv": "d1\r\nd1\r\nd2\r\n"})
    documents = load_corpus(tmp_path / "dev").documents
    assert documents is not None
    assert documents.rows() == [(0, "d1"), (2, "d2")]


# --- moses ----------------------------------------------------------------------------------------------------------


def test_moses_prefix_and_joined_files(tmp_path: Path) -> None:
    write(
        tmp_path, **{"n.1.en": "a\nb\n", "n.1.zh": "1\n2\n", "n.1.zh.bak.en": "q\n", "n.2.en": "c\n", "other.en": "z\n"}
    )
    pair = load_corpus(f"{tmp_path}/n.1")
    assert (pair.name, pair.format, pair.languages) == ("n.1", "moses", ("en", "zh"))
    joined = load_corpus(f"{tmp_path}/n.1.zh,{tmp_path}/n.1.en")
    assert (joined.name, joined.languages, joined.sha256) == ("n.1", ("zh", "en"), pair.sha256)
    single = load_corpus(tmp_path / "other.en")
    assert (single.name, single.format, single.languages) == ("other.en", "moses", ("en",))
    line = refused("the corpus is ragged", f"{tmp_path}/n.1.zh,{tmp_path}/n.2.en")
    assert f"{tmp_path}/n.2.en has 1 segments, {tmp_path}/n.1.zh has 2" in line
    refused("are both named after the language en", f"{tmp_path}/n.1.en,{tmp_path}/n.2.en")
    refused("does not end with a language tag", f"{tmp_path}/n.1.en,{tmp_path}/none")
    refused("there is no file", f"{tmp_path}/n.1.en,{tmp_path}/none.zh")
    refused("take no columns, but de is given", f"{tmp_path}/n.1:de=1")
    refused("no file is called", f"{tmp_path}/nothing:format=moses")
    refused("has no language 'fr'", f"{tmp_path}/n.1", languages=["fr"])


# --- tables ---------------------------------------------------------------------------------------------------------


def test_tsv_with_and_without_a_header(tmp_path: Path) -> None:
    write(tmp_path, h__tsv='id\tzh\ten\n7\t一\t"a\n8\t二\tb""\n', n__txt="Hi.\t嗨。\tby X\nRun.\t跑。\tby Y\n")
    headed = load_corpus(tmp_path / "h.tsv")
    assert headed.frame.rows() == [(0, "zh", "一"), (1, "zh", "二"), (0, "en", '"a'), (1, "en", 'b""')]
    assert headed.left_out == (LeftOut("column id", "its name is not a known language tag"),)
    bare = load_corpus(f"{tmp_path}/n.txt:zh=2,en=1,document=3")
    assert bare.languages == ("zh", "en")
    assert bare.texts("en") == ["Hi.", "Run."]
    assert bare.documents is not None
    assert bare.documents.rows() == [(0, "by X"), (1, "by Y")]
    line = refused("cannot tell which column is which language; it has 1 'Hi.', 2 '嗨。', 3 'by X'", tmp_path / "n.txt")
    assert line.endswith(f"name them, such as {tmp_path}/n.txt:en=1,zh=2")


def test_tsv_columns_by_name_and_number(tmp_path: Path) -> None:
    write(tmp_path, a__tsv="source\ttarget\tdoc\na\tb\td\n", b__tsv="en\tzh\nx\ty\n")
    by_name = load_corpus(f"{tmp_path}/a.tsv:en=source,zh=target,document=doc")
    assert by_name.frame.rows() == [(0, "en", "a"), (0, "zh", "b")]
    assert by_name.documents is not None
    assert by_name.documents.rows() == [(0, "d")]
    assert load_corpus(f"{tmp_path}/a.tsv:en=1,zh=2,header=yes").texts("en") == ["a"]
    line = refused("the first row may be a header or a text: 'source', 'target'", f"{tmp_path}/a.tsv:en=1,zh=2")
    assert line.endswith(f"say which: {tmp_path}/a.tsv:en=1,zh=2,header=yes or {tmp_path}/a.tsv:en=1,zh=2,header=no")
    assert load_corpus(f"{tmp_path}/a.tsv:en=1,zh=2,header=no").texts("en") == ["source", "a"]
    assert load_corpus(f"{tmp_path}/b.tsv:de=1,zh=2").texts("de") == ["x"]  # two tags are a header
    assert load_corpus(f"{tmp_path}/b.tsv:de=1,zh=2,header=no").texts("de") == ["en", "x"]
    assert load_corpus(f"{tmp_path}/b.tsv:en=1,zh=2", languages=["zh"]).languages == ("zh",)
    assert "did you mean 'source'?" in refused("has no column 'sorce'", f"{tmp_path}/a.tsv:en=sorce")
    assert "its first row has 3" in refused("has no column 4", f"{tmp_path}/a.tsv:en=4")
    refused("has no column 0", f"{tmp_path}/a.tsv:en=0")
    refused("has no header, so the column", f"{tmp_path}/a.tsv:en=source,header=no")
    refused("header=maybe is neither yes nor no", f"{tmp_path}/a.tsv:en=1,header=maybe")
    assert "did you mean 'header'?" in refused("no corpus option is called 'headr'", f"{tmp_path}/a.tsv:headr=no")
    refused("which column is which language", f"{tmp_path}/a.tsv:header=yes")
    assert load_corpus(tmp_path / "b.tsv", languages=["zho"]).languages == ("zh",)
    assert "did you mean 'en'" in refused("has no language 'enn'", tmp_path / "b.tsv", languages=["enn"])


def test_table_rows_that_are_too_short_name_the_line(tmp_path: Path) -> None:
    write(
        tmp_path,
        a__tsv="en\tzh\na\tb\nc\n",
        b__csv='en,zh\n"a\nb",c\nf\nd,e\n',
        c__tsv="en\ten\tzh\na\tb\tc\n",
        e__tsv="",
    )
    refused("a.tsv:3: the row has 1 columns and needs 2", tmp_path / "a.tsv")
    refused("b.csv:4: the row has 1 columns and needs 2", tmp_path / "b.csv")
    line = refused("has two columns 'en', 1 and 2", tmp_path / "c.tsv")
    assert line.endswith(f"choose by number, such as {tmp_path}/c.tsv:en=1,zh=3,header=yes")
    assert load_corpus(f"{tmp_path}/c.tsv:en=2,zh=3").texts("en") == ["b"]
    refused("is empty", tmp_path / "e.tsv")


def test_csv_is_rfc_4180(tmp_path: Path) -> None:
    write(tmp_path, a__csv='en,zh\r\n"a, ""b""\r\nc",一\r\nplain,"\u2028"""\r\n')
    corpus = load_corpus(tmp_path / "a.csv")
    assert corpus.texts("en") == ['a, "b"\r\nc', "plain"]
    assert corpus.texts("zh") == ["一", '\u2028"']
    # More CRs in texts than rows: they end none.
    write(tmp_path, e__csv='en,zh\r\n"a\rb","a\rb"\r\n"a\rb","a\rb"\r\n')
    assert load_corpus(tmp_path / "e.csv").texts("zh") == ["a\rb", "a\rb"]
    write(tmp_path, f__csv='en,zh\r"a","b"\r"c","d"\r')
    assert load_corpus(tmp_path / "f.csv").texts("zh") == ["b", "d"]
    write(tmp_path, b__csv='en,zh\na,b\n"c"d,e\n', c__csv='en,zh\na,"b\nc\n', d__csv="en,zh\na\rb,c\n")
    refused("b.csv:3: not a CSV row", tmp_path / "b.csv")
    refused("c.csv:2: not a CSV row", tmp_path / "c.csv")
    refused("d.csv:2: not a CSV row", tmp_path / "d.csv")


# --- records --------------------------------------------------------------------------------------------------------


def test_jsonl_keys(tmp_path: Path) -> None:
    rows = [{"en": "a", "index": 0, "zh": "一", "url": "u"}, {"en": "b", "zh": None, "url": "v"}]
    write(tmp_path, a__jsonl="\r\n".join(json.dumps(row) for row in rows))
    corpus = load_corpus(tmp_path / "a.jsonl")
    assert corpus.frame.rows() == [(0, "en", "a"), (0, "zh", "一")]
    assert corpus.excluded.rows() == [(1, "missing in zh")]
    assert corpus.left_out == (LeftOut("key url", "its name is not a known language tag"),)
    assert reading(corpus) == [("en", 0, 1), ("zh", 0, 1)]
    documents = load_corpus(f"{tmp_path}/a.jsonl:de=en,document=url").documents
    assert documents is not None
    assert documents.rows() == [(0, "u"), (1, "v")]
    write(tmp_path, t__jsonl='{"id": "x", "translation": {"en": "a", "fr": "b"}}\n')
    nested = load_corpus(tmp_path / "t.jsonl")
    assert nested.frame.rows() == [(0, "en", "a"), (0, "fr", "b")]
    assert load_corpus(f"{tmp_path}/t.jsonl:de=translation.fr").texts("de") == ["b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"en": "b", "zh": ', ":2: not JSON: Expecting value at column 19"),
        ("x", ":2: not JSON"),
        ("[1]", ":2: the line is a JSON list, not an object"),
        ('{"en": "b"}', ":2 has no key 'zh'"),
        ('{"en": "b", "zh": 3}', ":2: the key 'zh' is not text but 3"),
        ('{"en": "b", "zh": "\\ud800"}', ":2: the key 'zh' contains half of a surrogate pair"),
        ('{"en": "b", "zh": ' + "1" * 5000 + "}", ":2: the JSON cannot be read: Exceeds the limit"),
        ("[" * 100_000, ":2: the JSON is nested too deeply"),
    ],
    ids=["cut", "word", "list", "no key", "number", "surrogate", "long number", "nested"],
)
def test_jsonl_lines_that_are_refused(tmp_path: Path, line: str, message: str) -> None:
    write(tmp_path, a__jsonl=f'{{"en": "a", "zh": "1"}}\n{line}\n')
    refused(f"a.jsonl{message}", tmp_path / "a.jsonl")


def test_jsonl_without_languages(tmp_path: Path) -> None:
    write(tmp_path, a__jsonl='{"source": "a", "n": 1}\n', e__jsonl="")
    line = refused("cannot tell which key is which language; it has 'source'", tmp_path / "a.jsonl")
    assert line.endswith(f"such as {tmp_path}/a.jsonl:en=source")
    refused("is empty", tmp_path / "e.jsonl")


@pytest.mark.usefixtures("untried")
def test_parquet_columns_and_structs(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pl.DataFrame({"en": ["a", None], "n": [1, 2], "zh": ["一", "二"]}).with_columns(
        pl.col("zh").cast(pl.Categorical)
    ).write_parquet(file)
    corpus = load_corpus(f"{file}:en=en,zh=3,document=n")
    assert corpus.frame.rows() == [(0, "en", "a"), (0, "zh", "一")]
    assert corpus.excluded.rows() == [(1, "missing in en")]
    assert corpus.documents is not None
    assert corpus.documents.rows() == [(0, "1")]
    assert reading(corpus) == [("en", None, None), ("zh", None, None)]
    assert load_corpus(file).sha256 == corpus.sha256
    refused("the column 'n' holds Int64, not text", f"{file}:en=n")
    assert "did you mean 'en'?" in refused("has no column 'enn'", f"{file}:de=enn")
    pl.DataFrame({"translation": [{"en": "a", "fr": "b"}]}).write_parquet(tmp_path / "t")
    assert load_corpus(tmp_path / "t").frame.rows() == [(0, "en", "a"), (0, "fr", "b")]
    assert "did you mean 'translation.fr'?" in refused("has no column", f"{tmp_path}/t:de=translation.fra")
    (tmp_path / "broken.parquet").write_bytes(file.read_bytes()[:-20])
    refused("cannot be read as Parquet", tmp_path / "broken.parquet")


@pytest.mark.parametrize("bit", [39 * 8, 39 * 8 + 2, 41 * 8], ids=["abort", "panic", "panic of a thread"])
def test_parquet_that_ends_its_reader(tmp_path: Path, bit: int, capfd: pytest.CaptureFixture[str]) -> None:
    """Polars aborts for a size of petabytes, and panics at others, with lines of its own."""
    file = tmp_path / "a.parquet"
    pl.DataFrame({"en": ["a"], "zh": ["b"]}).write_parquet(file)
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)
    refused("cannot be read as Parquet", file)
    assert capfd.readouterr().err == ""


def test_parquet_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.parquet"
    pl.DataFrame({"en": ["a"], "zh": ["b"]}).write_parquet(file)
    first = load_corpus(file)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it was tried again"))
    assert load_corpus(file).sha256 == first.sha256


# --- tmx ------------------------------------------------------------------------------------------------------------

TMX = '<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4"><body>\n{}\n</body></tmx>'


def tmx(folder: Path, *units: str) -> Path:
    write(folder, a__tmx=TMX.format("\n".join(units)))
    return folder / "a.tmx"


def test_tmx_inline_markup_and_tags(tmp_path: Path) -> None:
    file = tmx(
        tmp_path,
        '<tu><tuv xml:lang="EN-us"><seg>One <bpt i="1">&lt;b&gt;</bpt>bold<ept i="1">&lt;/b&gt;</ept> <hi>high <ph/>'
        'light</hi> a &amp; b.</seg></tuv><tuv lang="zh"><seg>一<ph>x<sub>y</sub></ph>。</seg></tuv></tu>',
        '<tu><tuv xml:lang="en-US"><seg>two</seg></tuv><tuv xml:lang="zh"><seg/></tuv></tu>',
        '<tu><tuv xml:lang="en-US"><seg>three</seg></tuv></tu>',
        '<tu><tuv xml:lang="en-US"><seg>four</seg></tuv><tuv xml:lang="zh"><seg>四</seg></tuv>'
        '<tuv xml:lang="zh"><seg>肆</seg></tuv></tu>',
    )
    corpus = load_corpus(file)
    assert corpus.frame.rows() == [
        (0, "en-US", "One bold high light a & b."), (3, "en-US", "four"), (0, "zh", "一。"), (3, "zh", "四"),
    ]  # fmt: skip
    assert corpus.excluded.rows() == [(1, "empty in zh"), (2, "missing in zh")]
    assert corpus.left_out == (LeftOut("1 variants in zh", "their units have an earlier variant of this language"),)
    assert load_corpus(file, languages=["en-US"]).n == 4
    assert load_corpus(file, languages=["english"]).languages == ("en-US",)


def test_tmx_that_is_refused(tmp_path: Path) -> None:
    refused("contains no translation unit", tmx(tmp_path))
    for encoding in ("nope", "hex"):
        declared = TMX.replace('"1.0"?', f'"1.0" encoding="{encoding}"?', 1).format("")
        write(tmp_path, coded__tmx=declared)
        refused(encoding, tmp_path / "coded.tmx")
    refused("a variant names no language: 'words'", tmx(tmp_path, "<tu><tuv><seg>words</seg></tuv></tu>"))
    refused("a.tmx:4: not valid XML: mismatched tag (column", tmx(tmp_path, "<tu></tuv>"))
    write(tmp_path, a__tmx=b'<?xml version="1.0"?>\n<tmx><body>\n\xff</body></tmx>')
    refused("a.tmx:3: not valid XML: not well-formed", tmp_path / "a.tmx")
    deep = "<hi>" * 5000 + "</hi>" * 5000
    refused("is nested too deeply", tmx(tmp_path, f'<tu><tuv xml:lang="en"><seg>{deep}</seg></tuv></tu>'))
    bomb = '<?xml version="1.0"?><!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><tmx><body>&b;</body></tmx>'
    write(tmp_path, a__tmx=bomb)
    refused("is rejected: it uses the entity 'a'", tmp_path / "a.tmx")
    write(tmp_path, a__tmx='<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><tmx><body>&x;</body></tmx>')
    refused("is rejected: ", tmp_path / "a.tmx")
    refused("names its languages itself", f"{tmx(tmp_path)}:en=1")
    for subset in ("", "[%undeclared;]"):
        write(tmp_path, a__tmx=f'<!DOCTYPE t SYSTEM "t.dtd" {subset}>\n<tmx>&undeclared;</tmx>')
        refused("is rejected: it uses the entity 'undeclared'", tmp_path / "a.tmx")


# --- every format gives back what was written, and one hash --------------------------------------------------------

Texts = list[tuple[str, str]]


def _jsonl(file: Path, rows: Texts) -> None:
    file.write_bytes("".join(json.dumps({"en": a, "zh": b}, ensure_ascii=False) + "\n" for a, b in rows).encode())


def _csv(file: Path, rows: Texts) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("en", "zh"), *rows])


def _tsv(file: Path, rows: Texts) -> None:
    file.write_bytes("".join(f"{a}\t{b}\n" for a, b in [("en", "zh"), *rows]).encode())


def _lines(file: Path, rows: Texts) -> None:
    file.mkdir()
    write(file, en__txt="\n".join(a for a, _ in rows), zh__txt="".join(f"{b}\r\n" for _, b in rows))


def _moses(file: Path, rows: Texts) -> None:
    write(
        file.parent,
        **{f"{file.name}.en": "".join(f"{a}\n" for a, _ in rows), f"{file.name}.zh": "\n".join(b for _, b in rows)},
    )


def _parquet(file: Path, rows: Texts) -> None:
    pl.DataFrame(rows, schema={"en": pl.String, "zh": pl.String}, orient="row").write_parquet(file)


def _tmx(file: Path, rows: Texts) -> None:
    unit = '<tu><tuv xml:lang="en"><seg>{}</seg></tuv><tuv xml:lang="zh"><seg>{}</seg></tuv></tu>'
    file.write_bytes(TMX.format("".join(unit.format(escape(a), escape(b)) for a, b in rows)).encode())


_any = st.characters(exclude_categories=["Cs"])
# More CRs alone than LFs are line ends, and the same number of tabs in every line is a table: both are refused.
_line = st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\t")
_cell = _line
# XML has no other control characters, and turns CR into LF.
_xml = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
_ODD = st.sampled_from(
    ["\u2028", "\u0085", "\x0b", "\x0c", "\x1c", "\x00", "\ufeff", "\ufffd", "\u200d", '"', ",", "'", "\\", " "]
)
FORMATS: list[tuple[str, Callable[[Path, Texts], None], Any, bool]] = [
    ("c.jsonl", _jsonl, _any, True),
    ("c.csv", _csv, _any, True),
    ("c.parquet", _parquet, _any, True),
    ("c.tsv", _tsv, _cell, True),
    ("c", _lines, _line, True),
    ("prefix", _moses, _line, True),
    ("c.tmx", _tmx, _xml, False),
]


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("name", "writer", "alphabet", "odd"), FORMATS, ids=[writer.__name__ for _, writer, _, _ in FORMATS]
)
def test_what_is_written_is_read(name: str, writer: Callable[[Path, Texts], None], alphabet: Any, odd: bool) -> None:
    # A letter first keeps a text from being empty or a byte order mark, one last from ending in CR.
    text = st.text(alphabet | _ODD if odd else alphabet).map(lambda inner: f"a{inner}b")

    @given(st.lists(st.tuples(text, text), min_size=1, max_size=8))
    @settings(max_examples=25, deadline=None)
    def run(rows: Texts) -> None:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / name
            writer(place, rows)
            corpus = load_corpus(str(place))
            assert corpus.texts("en") == [a for a, _ in rows]
            assert corpus.texts("zh") == [b for _, b in rows]
            assert corpus.n == len(rows)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parquet, "try_reading", lambda *_: None)  # a process for each of 60 files
        run()


def test_one_hash_whatever_the_format(tmp_path: Path) -> None:
    rows = [("one, two", "一「二」"), ('"three"', "三\u2028四"), ("é ", "五")]
    hashes = set()
    for name, writer, _, _ in FORMATS:
        (tmp_path / writer.__name__).mkdir()
        writer(tmp_path / writer.__name__ / name, rows)
        corpus = load_corpus(tmp_path / writer.__name__ / name)
        hashes.add(corpus.sha256)
    assert len(hashes) == 1
