"""No file is misread in silence: it is read by the reader of its content, or refused with what works."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest

from tokbench import TokbenchError, load_corpus
from tokbench.corpora import READERS, ParallelCorpus, _sliced_file, lines
from tokbench.corpora._languages import parse_tag

ENGLISH, GERMAN = ["one", "two", "three"], ["eins", "zwei", "drei"]
RECORDS = "".join(json.dumps({"en": a, "de": b}) + "\n" for a, b in zip(ENGLISH, GERMAN, strict=True))
TABLE = "en\tde\n" + "".join(f"{a}\t{b}\n" for a, b in zip(ENGLISH, GERMAN, strict=True))
TMX = (
    '<?xml version="1.0"?><tmx version="1.4"><body>'
    + "".join(
        f'<tu><tuv xml:lang="en"><seg>{a}</seg></tuv><tuv xml:lang="de"><seg>{b}</seg></tuv></tu>'
        for a, b in zip(ENGLISH, GERMAN, strict=True)
    )
    + "</body></tmx>"
)
XLIFF = '<?xml version="1.0"?>\n<xliff version="1.2"><file source-language="en"><body/></file></xliff>\n'
SGM = '<srcset setid="n" srclang="any">\n<doc docid="1">\n<seg id="1">one</seg>\n</doc>\n</srcset>\n'
PO = '# made\nmsgid "one"\nmsgstr "eins"\n\nmsgid "two"\nmsgstr "zwei"\n'
ARRAY = json.dumps([{"en": a, "de": b} for a, b in zip(ENGLISH, GERMAN, strict=True)])


def put(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def refusal(spec: str | Path) -> str:
    """The one line that a corpus is refused with, checked to be one."""
    with pytest.raises(TokbenchError) as caught:
        load_corpus(spec)
    line = str(caught.value)
    assert "\n" not in line
    return line


def texts_of(corpus: ParallelCorpus) -> dict[str, list[str]]:
    return {lang: corpus.texts(lang) for lang in corpus.languages}


# --- a file that LANGUAGE=FILE names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("both.jsonl", RECORDS),
        ("both.ndjson", RECORDS),
        ("both.json", RECORDS),
        ("both.JSONL", RECORDS),
        ("both.tsv", TABLE),
        ("both.TSV", TABLE),
        ("both.csv", TABLE.replace("\t", ",")),
        ("both.csv", TABLE.replace("\t", ";")),
        ("both.tmx", TMX),
    ],
)
def test_a_named_file_is_read_by_the_reader_of_its_content(tmp_path: Path, name: str, content: str) -> None:
    put(tmp_path, {name: content, "de.txt": "eins\nzwei\ndrei\n"})
    both = load_corpus(f"{tmp_path}:en={name},de={name}")
    assert texts_of(both) == {"en": ENGLISH, "de": GERMAN}
    mixed = load_corpus(f"{tmp_path}:en={name},de=de.txt")
    assert texts_of(mixed) == {"en": ENGLISH, "de": GERMAN}
    assert mixed.sha256 == both.sha256 == load_corpus(f"{tmp_path}/{name}").sha256
    assert "has no language 'fr'" in refusal(f"{tmp_path}:fr={name}")


def test_a_named_parquet_file_is_read_by_its_content(tmp_path: Path) -> None:
    pl.DataFrame({"en": ENGLISH, "de": GERMAN}).write_parquet(tmp_path / "part-0")
    assert texts_of(load_corpus(f"{tmp_path}:de=part-0")) == {"de": GERMAN}


@pytest.mark.parametrize(
    ("name", "content", "what", "works"),
    [
        ("a.txt", ARRAY, "contains a JSON array", "give {}:format=json"),
        ("a.txt", json.dumps(json.loads(ARRAY), indent=1), "contains JSON", "give {}:format=json"),
        ("a.txt", XLIFF, "contains XLIFF", "give {}:format=xliff"),
        ("a.txt", SGM, "contains SGML", "give {}:format=sgm"),
        (
            "a.txt",
            f'<?xml version="1.0"?>\n<dataset id="n">\n{SGM}</dataset>',
            "contains WMT XML",
            "give {}:format=wmt",
        ),
        ("a.html", "<!DOCTYPE html>\n<p>one</p>\n", "contains XML or SGML", "give {}:format=text"),
        ("a.txt", PO, "contains a gettext catalogue (PO)", "give {}:format=po"),
        ("a.dat", RECORDS, "contains JSON Lines", "give {}:format=jsonl"),
        ("a.txt", RECORDS, "contains JSON Lines", "give {}:format=jsonl"),
        ("a.txt", TABLE, "contains a table of 2 tab-separated columns", "give {}:format=tsv"),
        ("a.xml", TMX, "contains TMX", "give {}:format=tmx"),
        ("a.txt", TMX, "contains TMX", "give {}:format=tmx"),
        ("a.en", XLIFF, "contains XLIFF", "give {}:format=xliff"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0", "is compressed (7z)", "7z x {}"),
        ("a.txt", b"\x04\x22\x4d\x18", "is compressed (lz4)", "unlz4 -k {}"),
        ("a.txt", "one\ntwo\n".encode("utf-16"), "not UTF-8", "iconv -f UTF-16 -t UTF-8 {}"),
        ("a.txt", "one\ntwo\n".encode("utf-16-le"), "looks like UTF-16LE", "iconv -f UTF-16LE -t UTF-8 {}"),
        ("a.txt", "one\ntwo\n".encode("utf-16-be"), "looks like UTF-16BE", "iconv -f UTF-16BE -t UTF-8 {}"),
        ("a.txt", "one\ntwo\nthree\n".encode("utf-32-le"), "looks like UTF-32LE", "iconv -f UTF-32LE"),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_a_named_file_that_is_no_plain_text_is_refused(
    tmp_path: Path, name: str, content: bytes | str, what: str, works: str, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {name: content})
    if large:
        monkeypatch.setattr(lines, "LARGE_BYTES", 0)
        monkeypatch.setattr(_sliced_file, "_READ_BYTES", 5)
    line = refusal(f"{tmp_path}:en={name}")
    assert f"{tmp_path / name}" in line
    assert what in line
    assert works.format(tmp_path / name) in line


@pytest.mark.parametrize("end", ["", "\r", "\n"])
@pytest.mark.parametrize("large", [False, True])
def test_lines_that_end_in_cr_alone(tmp_path: Path, end: str, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"en.txt": f"one\rtwo\rthree{end}", "de.txt": f"eins\rzwei\r\ndrei{end}"})
    if large:
        monkeypatch.setattr(lines, "LARGE_BYTES", 0)
        monkeypatch.setattr(_sliced_file, "_READ_BYTES", 5)
    corpus = load_corpus(tmp_path, languages=["en"])
    assert texts_of(corpus) == {"en": ENGLISH}
    put(tmp_path, {"de.txt": f"eins\rzwei\rdrei{end}"})
    assert texts_of(load_corpus(tmp_path)) == {"de": GERMAN, "en": ENGLISH}


def test_what_is_said_to_be_lines_is_read_so(tmp_path: Path) -> None:
    put(tmp_path, {"x.txt": RECORDS, "t.en": "a\tb\nc\td\n", "t.de": "e\nf\n"})
    line = refusal(f"{tmp_path}:en=x.txt")
    assert line.endswith(f"if each line is one text: {tmp_path}:en=x.txt,format=lines")
    assert load_corpus(f"{tmp_path}:en=x.txt,format=lines").texts("en") == RECORDS.splitlines()
    line = refusal(f"{tmp_path}/t")
    assert line.endswith(f"if each line is one text: {tmp_path}/t:format=moses")
    assert load_corpus(f"{tmp_path}/t:format=moses").texts("en") == ["a\tb", "c\td"]


@pytest.mark.parametrize(
    "text",
    [
        "[Applause]",
        "[1] one",
        "{curly} words",
        "<3 you",
        "< Auto >",
        "msgid is a word",
        "a\tb\nplain",
        "\tx\n\ty",
        "[1]",
    ],
)
def test_odd_plain_text_is_read_as_it_is(tmp_path: Path, text: str) -> None:
    put(tmp_path, {"en.txt": text})
    assert load_corpus(tmp_path).texts("en") == text.split("\n")


def test_a_folder_that_is_named_as_a_file(tmp_path: Path) -> None:
    put(tmp_path, {"et/a.txt": "x\n"})
    assert refusal(f"{tmp_path}:et=et").endswith(f"{tmp_path}/et is a folder, not a file; name one of its files: "
                                                f"{tmp_path}/et/a.txt")  # fmt: skip
    assert "there is no file" in refusal(f"{tmp_path}:et=et/b.txt")


# --- which corpus of a folder ---------------------------------------------------------------------------------------

PAIR = {"{}.en": "one\n", "{}.de": "eins\n"}


def arguments_in(line: str, folder: Path) -> list[str]:
    """The corpus arguments that an error offers."""
    offered = line.rpartition("; ")[2]
    found = re.findall(rf"{re.escape(str(folder))}[^\s]*", offered)
    return [argument.rstrip(",)") for argument in found]


@pytest.mark.parametrize(
    ("files", "offered"),
    [
        (["train.en", "train.de", "dev.en", "dev.de", "test.en", "test.de"], ["/dev", "/test", "/train"]),
        (["train.en.txt", "train.de.txt", "test.en.txt", "test.de.txt"], ["/test", "/train"]),
        (["train.en", "train.de", "train.en.txt", "train.de.txt"], [":de=train.de,en=train.en", ":de=train.de.txt,"]),
        (["en.dev", "de.dev", "en.test", "de.test"], [":de=de.dev,en=en.dev", ":de=de.test,en=en.test"]),
        (["train.en", "dev.en"], ["/dev.en", "/train.en"]),
        (["train.en", "train.de", "dev.en"], ["/dev.en", "/train"]),
        (["et/a.txt", "it/b.txt"], [":et=et/a.txt,it=it/b.txt"]),
        (["et/a.txt", "et/b.txt", "it/a.txt", "it/b.txt"], [":et=et/a.txt,it=it/a.txt", ":et=et/b.txt,it=it/b.txt"]),
        (["et/news.et", "it/news.it"], [":et=et/news.et,it=it/news.it"]),
        (["sub/et/a.txt", "sub/it/a.txt"], ["/sub"]),
        (["train/en.txt", "train/de.txt", "dev/en.txt", "dev/de.txt"], ["/dev", "/train"]),
        (["all.tsv", "more.tsv"], ["/all.tsv", "/more.tsv"]),
        (["a.jsonl"], ["/a.jsonl"]),
    ],
)
def test_a_folder_of_several_corpora_asks_which(tmp_path: Path, files: list[str], offered: list[str]) -> None:
    content = {".tsv": TABLE, ".jsonl": RECORDS}
    put(tmp_path, {name: content.get(Path(name).suffix, f"{name}\n") for name in files})
    line = refusal(tmp_path)
    arguments = arguments_in(line, tmp_path)
    assert len(arguments) == len(offered)
    for argument, expected in zip(sorted(arguments), sorted(offered), strict=True):
        assert argument.startswith(f"{tmp_path}{expected}")
        # What is offered is read, or asks in turn.
        if expected == "/sub":
            (argument,) = arguments_in(refusal(argument), tmp_path)
        assert load_corpus(argument).n >= 1


def test_another_version_in_one_language_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, {"n-ref.en.txt": "a\n", "n-ref.de.txt": "b\n", "n-ref-2.de.txt": "c\n"})
    corpus = load_corpus(tmp_path)
    assert corpus.texts("de") == ["b"]
    assert corpus.left_out == (("n-ref-2.de.txt", "n-ref.de.txt is read for de"),)
    assert load_corpus(f"{tmp_path}/n-ref").sha256 == corpus.sha256


def test_a_folder_that_holds_nothing_to_read(tmp_path: Path) -> None:
    put(tmp_path, {"other/a.bin": b"\0", "other/.hidden": "a\n"})
    assert "contains no text; give a folder with files of text" in refusal(tmp_path / "other")
    assert "contains no text" in refusal(tmp_path)


def test_packed_files_of_a_prefix(tmp_path: Path) -> None:
    put(tmp_path, {"g.en.gz": gzip.compress(b"a\n", mtime=0), "g.de.gz": gzip.compress(b"b\n")})
    packed = load_corpus(f"{tmp_path}/g")
    assert texts_of(packed) == {"de": ["b"], "en": ["a"]}
    assert texts_of(load_corpus(f"{tmp_path}/g.en.gz")) == {"en": ["a"]}
    put(tmp_path, {"g.en": "a\n", "g.de": "b\n"})
    # A compressed copy beside a file is not another corpus.
    assert load_corpus(tmp_path).sha256 == packed.sha256
    assert texts_of(load_corpus(f"{tmp_path}/g")) == {"de": ["b"], "en": ["a"]}


def test_locales_in_lower_case(tmp_path: Path) -> None:
    put(tmp_path, {"OpenSubtitles.en-pt_br.pt_br": "a\nb\n", "OpenSubtitles.en-pt_br.en": "c\nd\n"})
    assert load_corpus(f"{tmp_path}/OpenSubtitles.en-pt_br").languages == ("en", "pt_br")
    assert parse_tag("zh_tw") == ("zh", None, "TW")
    assert [parse_tag(pair) for pair in ("en_de", "en-de", "pt-br", "de_en", "is_ok")] == [None] * 5


# --- one file, whatever is in it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "works"),
    [
        ("a.tsv", "one\teins\nplain two\tzwei\n", "{}/a.tsv:en=1,zh=2"),
        ("a.tsv", "plain one\nplain two\n", "{}/a.tsv:en=1"),
        ("a.tsv", "en\nplain one\n", None),
        ("a.csv", "one;eins\nplain two;zwei\n", "{}/a.csv:en=1,zh=2"),
        ("a.csv", "one|eins\nplain two|zwei\n", "{}/a.csv:en=1,zh=2"),
        ("a.jsonl", '{"source": "one", "n": 1, "target": "eins"}\n', "{}/a.jsonl:en=source,zh=target"),
        ("a.jsonl", '{"t": {"source": "one", "target": "eins"}}\n', "{}/a.jsonl:en=t.source,zh=t.target"),
        ("a.jsonl", '{"n": 1}\n', None),
    ],
)
def test_the_argument_that_an_error_offers_works(tmp_path: Path, name: str, content: str, works: str | None) -> None:
    put(tmp_path, {name: content})
    line = refusal(tmp_path / name)
    if works is None:
        return
    argument = works.format(tmp_path)
    assert line.endswith(argument)
    assert load_corpus(argument).n >= 1


def test_what_an_error_offers_keeps_the_format_that_was_said(tmp_path: Path) -> None:
    put(tmp_path, {"a.dat": "plain one\tplain eins\n", "b.dat": '{"source": "one"}\n', "c.dat": "en\none two\n"})
    put(tmp_path, {"d.dat": "plain; one\nplain two\n"})
    (argument,) = arguments_in(refusal(f"{tmp_path}/a.dat:format=tsv"), tmp_path)
    assert texts_of(load_corpus(argument)) == {"en": ["plain one"], "zh": ["plain eins"]}
    (argument,) = arguments_in(refusal(f"{tmp_path}/b.dat:format=jsonl"), tmp_path)
    assert load_corpus(argument).texts("en") == ["one"]
    argument = refusal(f"{tmp_path}/c.dat:format=csv,en=1").rpartition(" or ")[2]
    assert load_corpus(argument).texts("en") == ["en", "one two"]
    argument = refusal(f"{tmp_path}/d.dat:format=csv,en=1").rpartition(" or ")[2]
    assert load_corpus(argument).texts("en") == ["plain; one", "plain two"]


def test_a_plain_text_in_a_folder_with_a_manifest(tmp_path: Path) -> None:
    put(tmp_path, {"manifest.toml": "", "book.txt": "one\n", "empty.txt": ""})
    assert load_corpus(f"{tmp_path}:en=book.txt,format=lines").texts("en") == ["one"]
    assert f"{tmp_path}/empty.txt is empty" in refusal(tmp_path / "empty.txt")


def test_a_header_is_not_counted_as_a_text_by_following_the_hint(tmp_path: Path) -> None:
    put(tmp_path, {"a.tsv": "en\nplain one\n"})
    (argument,) = arguments_in(refusal(tmp_path / "a.tsv"), tmp_path)
    first, _, second = refusal(argument).rpartition(" or ")
    assert load_corpus(first.rpartition(" ")[2]).texts("en") == ["plain one"]
    assert load_corpus(second).texts("en") == ["en", "plain one"]


@pytest.mark.usefixtures("untried")
def test_parquet_columns_are_offered_by_name(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pl.DataFrame({"n": [1], "source": ["one"], "target": ["eins"]}).write_parquet(file)
    assert refusal(file).endswith(f"such as {file}:en=source,zh=target")
    assert texts_of(load_corpus(f"{file}:en=2,zh=3")) == {"en": ["one"], "zh": ["eins"]}
    pl.DataFrame({"en": ["one"], "fr": [b"un"], "de": [["eins"]], "id": [1]}).write_parquet(file)
    assert load_corpus(file).left_out == (
        ("column de", "it holds List(String), not text"),
        ("column fr", "it holds Binary, not text"),
    )


WRITERS: dict[str, Callable[[list[tuple[str, str]], str], dict[str, str]]] = {
    "a.tsv": lambda rows, end: {
        "a.tsv": "".join(f"{a}\t{b}{end}" if a or b else end for a, b in [("en", "de"), *rows])
    },
    "a.csv": lambda rows, end: {"a.csv": "".join(f"{a},{b}{end}" if a or b else end for a, b in [("en", "de"), *rows])},
    "a.jsonl": lambda rows, end: {
        "a.jsonl": "".join((json.dumps({"en": a, "de": b}, ensure_ascii=False) if a else "") + end for a, b in rows)
    },
    "a": lambda rows, end: {"a.en": "".join(a + end for a, _ in rows), "a.de": "".join(b + end for _, b in rows)},
    "": lambda rows, end: {"en.txt": "".join(a + end for a, _ in rows), "de.txt": "".join(b + end for _, b in rows)},
}


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", list(WRITERS))
def test_every_reader_of_lines_agrees(tmp_path: Path, name: str, end: str, bom: str) -> None:
    odd = "x\u2028y\u0085z\fw\x1cv\u2029u"
    rows = [("one", "eins"), ("", ""), (odd, "zwei"), ("three\x00", "drei"), ("", "")]
    put(tmp_path, {file: bom + content for file, content in WRITERS[name](rows, end).items()})
    corpus = load_corpus(f"{tmp_path}/{name}" if name else tmp_path)
    assert texts_of(corpus) == {"en": ["one", odd, "three\x00"], "de": ["eins", "zwei", "drei"]}
    assert sorted(corpus.excluded.rows()) in (
        [(1, "empty in en,de"), (4, "empty in en,de")],
        [(1, "empty in de,en"), (4, "empty in de,en")],
    )
    assert corpus.reading["bom"].to_list() == [int(bool(bom))] * 2


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_reader_of_lines_takes_mixed_ends_cr_alone_and_compressed_files(tmp_path: Path, name: str) -> None:
    rows = list(zip(ENGLISH, GERMAN, strict=True))
    files = WRITERS[name](rows, "\n")
    spec = f"{tmp_path}/{name}" if name else str(tmp_path)
    put(tmp_path, {file: content.replace("\n", "\r\n", 1) for file, content in files.items()})
    assert texts_of(load_corpus(spec)) == {"en": ENGLISH, "de": GERMAN}
    put(tmp_path, {file: content.replace("\n", "\r") for file, content in files.items()})
    assert texts_of(load_corpus(spec)) == {"en": ENGLISH, "de": GERMAN}
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        put(tmp_path, {file: pack(content.encode()) for file, content in files.items()})
        assert texts_of(load_corpus(spec)) == {"en": ENGLISH, "de": GERMAN}
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-16"):
        put(tmp_path, {file: content.encode(encoding) for file, content in files.items()})
        assert "UTF-16" in (line := refusal(spec)) or "UTF-32" in line


def test_blank_lines_before_a_header_are_no_segments(tmp_path: Path) -> None:
    put(tmp_path, {"a.tsv": "\n \nen\tde\none\teins\n \t \n", "b.tsv": "\none\teins\n", "c.tsv": "\n\n"})
    corpus = load_corpus(tmp_path / "a.tsv")
    assert (corpus.segments.to_list(), corpus.excluded.rows()) == ([0], [(1, "empty in en,de")])
    bare = load_corpus(f"{tmp_path}/b.tsv:en=1,de=2")
    assert (bare.segments.to_list(), bare.excluded.rows()) == ([1], [(0, "empty in en,de")])
    assert "is empty" in refusal(tmp_path / "c.tsv")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "en\tde\none\teins\tmore\n", "a.tsv:2: the row has 3 columns, the first has 2"),
        ("a.csv", "en,de\none, two,eins\n", "a.csv:2: the row has 3 columns, the first has 2"),
        ("a.csv", "en;de\none;eins;more\n", "a.csv:2: the row has 3 columns between ';', the first has 2"),
        ("a.csv", "sep=;\nen;de\none;eins;more\n", "a.csv:3: the row has 3 columns, the first has 2"),
        ("a.csv:en=1", "plain; one\nplain two\n", "a.csv:2: the row has 1 columns between ';', the first has 2"),
        ("a.csv:delimiter=semi", "en;de\n", "no delimiter is called 'semi'"),
        ("a.tsv", 'en\tde\n"say ""one"""\teins\n', "its cells are quoted as in CSV"),
        ("a.tsv:en=1,de=2", '"one"\t"eins"\n"two"\t"zwei"\n', "its cells are quoted as in CSV"),
        ("a.tsv:quotes=csv", "en\tde\n", "quotes=csv is not supported"),
        ("a.tsv:en=text", "text\ttext\none\teins\n", "has two columns 'text', 1 and 2"),
        (
            "a.jsonl",
            '{"en": "a", "de": "b", "en": "c"}\n',
            "a.jsonl:1: the JSON cannot be read: the key 'en' is repeated",
        ),
    ],
)
def test_tables_and_records_that_would_be_misread(tmp_path: Path, name: str, content: str, message: str) -> None:
    file, colon, options = name.partition(":")
    put(tmp_path, {file: content})
    assert message in refusal(f"{tmp_path}/{file}{colon}{options}")


def test_what_a_quoted_table_offers(tmp_path: Path) -> None:
    put(tmp_path, {"a.tsv": 'en\tde\n"say ""one"""\teins\n'})
    as_csv, as_text = arguments_in(refusal(tmp_path / "a.tsv"), tmp_path)
    assert load_corpus(as_csv).texts("en") == ['say "one"']
    assert load_corpus(as_text).texts("en") == ['"say ""one"""']
    # One mark that stands otherwise tells that they are text.
    put(tmp_path, {"a.tsv": 'en\tde\n"say ""one"""\teins\nsay "two"\tzwei\n"whole"\tganz\n'})
    assert load_corpus(tmp_path / "a.tsv").n == 3


def test_a_delimiter_can_be_said(tmp_path: Path) -> None:
    put(tmp_path, {"a.csv": "plain; one\nplain two\n", "b.csv": "en,x;de\none,y;eins\n", "c.csv": "one;1\n\ntwo;2\n"})
    line = refusal(f"{tmp_path}/a.csv:en=1")
    assert load_corpus(line.rpartition(" or ")[2]).texts("en") == ["plain; one", "plain two"]
    assert load_corpus(f"{tmp_path}/b.csv:de=2,delimiter=semicolon,header=yes").texts("de") == ["eins"]
    corpus = load_corpus(f"{tmp_path}/c.csv:en=1,de=2")
    assert (corpus.texts("de"), corpus.excluded.rows()) == (["1", "2"], [(1, "empty in en,de")])


def test_keys_that_are_called_like_languages_are_told(tmp_path: Path) -> None:
    put(tmp_path, {"a.jsonl": '{"en": "a", "de": "b", "fr": ["c"], "is": true}\n{"en": "a", "de": "b", "it": "d"}\n'})
    with pytest.raises(TokbenchError, match="has no key"):
        load_corpus(f"{tmp_path}/a.jsonl:it=it")
    assert load_corpus(tmp_path / "a.jsonl").left_out == (
        ("key fr", "it holds an array, not text"),
        ("key is", "it holds true or false, not text"),
        ("key it", "the first object has no such key"),
    )


def test_no_segment_in_all_languages_tells_how_many_each_has(tmp_path: Path) -> None:
    unit = '<tu><tuv xml:lang="{}"><seg>a</seg></tuv><tuv xml:lang="{}"><seg>b</seg></tuv></tu>'
    body = unit.format("en", "be") * 2 + unit.format("en", "es")
    put(tmp_path, {"a.tmx": f'<tmx version="1.4"><body>{body}</body></tmx>'})
    assert refusal(tmp_path / "a.tmx").endswith("texts per language: en 3, be 2, es 1")


@pytest.mark.usefixtures("untried")
def test_every_reader_refuses_what_is_not_its_own(tmp_path: Path) -> None:
    odd = {
        "gz": gzip.compress(gzip.compress(b"en\tde\n", mtime=0), mtime=0),
        "wide": "en\tde\n".encode("utf-16-le"),
        "nothing": b"",
        "bytes": b"\xff\xfe\0",
    }
    put(tmp_path, {f"{name}.en": content for name, content in odd.items()})
    for name in odd:
        for reader in READERS:
            with pytest.raises(TokbenchError) as caught:
                load_corpus(f"{tmp_path}/{name}.en:format={reader}")
            assert "\n" not in str(caught.value)


def test_real_files_in_the_wild_are_read_or_refused(shared_data: Path) -> None:
    found: dict[str, int] = {}
    for file in sorted((shared_data / "corpora" / "formats").rglob("*")):
        if file.is_file():
            try:
                key = load_corpus(str(file)).format
            except TokbenchError as error:
                key = "refused" if len(str(error).splitlines()) == 1 else "several lines"
            found[key] = found.get(key, 0) + 1
    assert set(found) == {"tmx", "xliff", "po", "wmt", "text", "refused"}
    assert found["refused"] <= 26


def test_the_command_ends_with_status_2_and_one_line(tmp_path: Path) -> None:
    put(tmp_path, {"et/a.txt": "x\n", "it/a.txt": "y\n"})
    command = [sys.executable, "-m", "tokbench", "corpus", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
