"""Every form of text is readable: one file, standard input, folders, JSON, long tables, PO, XLIFF, WMT sets, Arrow.

The number of segments is the one counted by hand in what the test writes, or by another program.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest

from tokbench import TokbenchError, load_corpus
from tokbench.corpora import RawCorpus, folder
from tokbench.corpora._groups import split_text
from tokbench.corpora._loading import read_raw

Texts = dict[str, list[str | None]]


def put(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def texts(raw: RawCorpus) -> Texts:
    return {column.lang: column.texts.slice(0).to_list() for column in raw.columns}


def groups(spec: str | Path, languages: list[str] | None = None) -> Texts:
    """The segments by label of a corpus that is not parallel."""
    raw, _, _ = read_raw(spec, languages)
    assert not raw.aligned
    return texts(raw)


def parallel(spec: str | Path) -> Texts:
    raw, _, _ = read_raw(spec)
    assert raw.aligned
    return texts(raw)


def refusal(spec: str | Path) -> str:
    with pytest.raises(TokbenchError) as caught:
        read_raw(spec)
    line = str(caught.value)
    assert "\n" not in line
    return line


# --- one text -------------------------------------------------------------------------------------------------------

PROSE = "\n\nOne.\n  Two.\r\n\n \nThree.\n\nFour."


@pytest.mark.parametrize(
    ("split", "segments"),
    [
        ("lines", ["\n\nOne.\n", "  Two.\r\n\n \n", "Three.\n\n", "Four."]),
        ("documents", ["\n\nOne.\n  Two.\r\n\n \n", "Three.\n\n", "Four."]),
        ("none", [PROSE]),
    ],
)
def test_a_text_keeps_its_line_ends(tmp_path: Path, split: str, segments: list[str]) -> None:
    put(tmp_path, {"book.txt": PROSE})
    assert groups(f"{tmp_path}/book.txt:split={split}") == {"book": segments}
    assert "".join(segments) == PROSE
    assert groups(f"{tmp_path}/book.txt:label=en,split={split}", ["english"]) == {"en": segments}
    assert "split=words is unknown; known: lines, documents, none" in refusal(f"{tmp_path}/book.txt:split=words")


@pytest.mark.parametrize("split", ["lines", "documents"])
@pytest.mark.parametrize("text", ["", "\n", " \n\n", "a", "a\n", "\na\n\nb\n\n\n", "a\u2028b\x0cc\nd", "a\rb\rc\r\r"])
def test_segments_are_the_whole_text(text: str, split: str) -> None:
    segments = split_text(text, split)
    assert "".join(segments) == text
    assert all(map(str.strip, segments)) or len(segments) <= 1


def test_lines_that_end_in_cr_alone_are_lines() -> None:
    assert split_text("a\rb\r\r\nc", "lines") == ["a\r", "b\r\r\n", "c"]


def test_the_label_of_one_file(tmp_path: Path) -> None:
    put(tmp_path, {"main.py": "x = 1\n\n\ny = 2\n", "README.md": "# One\n", "noise.dat": "one\n", "page.html": "<p>\n"})
    put(tmp_path, {"Program.cs": "using System;\nclass A {\n}\n", "news.cs": "Dobrý den.\nAhoj.\n"})
    assert groups(tmp_path / "main.py") == {"python": ["x = 1\n\n\n", "y = 2\n"]}
    assert list(groups(tmp_path / "README.md")) == ["README"]
    assert groups(tmp_path / "noise.dat") == {"noise": ["one\n"]}
    assert groups(tmp_path / "page.html") == {"page": ["<p>\n"]}
    # Both are named .cs: one is C#, the other Czech.
    assert groups(tmp_path / "Program.cs") == {"csharp": ["using System;\n", "class A {\n", "}\n"]}
    assert parallel(tmp_path / "news.cs") == {"cs": ["Dobrý den.", "Ahoj."]}


def test_a_text_and_a_format_that_is_said(tmp_path: Path) -> None:
    put(tmp_path, {"code.txt": "a\n\nb\n"})
    for reader in ("text", "lines"):
        assert groups(f"{tmp_path}/code.txt:format={reader}") == {"code": ["a\n\n", "b\n"]}
    line = refusal(f"{tmp_path}/code.txt:format=moses")
    assert groups(re.findall(r"as (\S+:format=text)", line)[0]) == {"code": ["a\n\n", "b\n"]}
    line = refusal(f"{tmp_path}/code.txt:format=text,en=1")
    assert groups(line.rpartition("give ")[2]) == {"en": ["a\n\n", "b\n"]}


def test_content_tells_the_reader_where_the_name_does_not(tmp_path: Path) -> None:
    put(tmp_path, {"a.dat": '{"en": "a", "de": "b"}\n', "b.dat": "en\tde\na\tb\n", "c": '[{"en": "a", "de": "b"}]'})
    put(tmp_path, {"d": 'msgid "a"\nmsgstr "b"\n', "e": XLIFF_2.replace('trgLang="de"', 'trgLang="fr"')})
    for name in ("a.dat", "b.dat", "c"):
        assert parallel(tmp_path / name) == {"en": ["a"], "de": ["b"]}
    assert parallel(f"{tmp_path}/d:format=po,target=de") == {"en": ["a"], "de": ["b"]}
    assert list(parallel(tmp_path / "e")) == ["en", "fr"]


class Stdin(io.TextIOWrapper):
    """A standard input of these bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"One.\n\nTwo.\n"))
    assert groups("-") == {"stdin": ["One.\n\n", "Two.\n"]}
    assert groups("-:split=none,label=en") == {"en": ["One.\n\nTwo.\n"]}  # it is read once, and kept
    monkeypatch.setattr(sys, "stdin", Stdin(gzip.compress(b'{"prompt": "One."}\n{"prompt": "Two."}\n')))
    raw, reader, source = read_raw("-")
    assert (texts(raw), reader, source, raw.name) == ({"stdin": ["One.", "Two."]}, "jsonl", "-", "stdin")
    assert raw.columns[0].origin == "standard input, key prompt"
    monkeypatch.setattr(sys, "stdin", Stdin(b"en\tde\na\tb\n"))
    assert parallel("-") == {"en": ["a"], "de": ["b"]}
    monkeypatch.setattr(sys, "stdin", Stdin(b"PK\x03\x04"))
    assert "is damaged (zip)" in refusal("-")
    monkeypatch.setattr(sys, "stdin", Stdin(b""))
    assert "standard input is an empty pipe" in refusal("-")


WAS_REFUSED: list[tuple[dict[str, bytes | str], str, dict[str, int]]] = [
    ({"OpenSubtitles.en-pt_br.en": "a\nb\n", "OpenSubtitles.en-pt_br.pt_br": "c\nd\n"}, "OpenSubtitles.en-pt_br",
     {"en": 2, "pt_br": 2}),
    ({"mac.en": "one\rtwo\rthree\r", "mac.de": "eins\rzwei\rdrei\r"}, "mac", {"de": 3, "en": 3}),
    ({"g.en.gz": gzip.compress(b"a\nb\n"), "g.de.gz": gzip.compress(b"x\ny\n")}, "g", {"de": 2, "en": 2}),
    ({"g.en.gz": gzip.compress(b"a\nb\n")}, "g.en.gz", {"en": 2}),
    ({"en.txt.gz": gzip.compress(b"a\n"), "de.txt.gz": gzip.compress(b"x\n")}, "", {"de": 1, "en": 1}),
    ({"s.csv": "en;de\nhello;hallo\n"}, "s.csv", {"en": 1, "de": 1}),
    ({"e.jsonl": '{"en":"a","de":"b"}\n\n'}, "e.jsonl", {"en": 2, "de": 2}),  # the blank line is an empty segment
    ({"l.json": '[{"en":"a","de":"b"}]'}, "l.json", {"en": 1, "de": 1}),
    ({"l.json": '[\n{"en": "a", "de": "b"},\n{"en": "c", "de": "d"}\n]'}, "l.json", {"en": 2, "de": 2}),
    ({"book.txt": "a\nb\n"}, "book.txt", {"book": 2}),
    ({"book": "a\nb\n"}, "book", {"book": 2}),
    ({"book.txt.gz": gzip.compress(b"a\nb\n")}, "book.txt.gz", {"book": 2}),
    ({"a.jsonl": '{"text": "a"}\n'}, "a.jsonl", {"a": 1}),
    ({"a.jsonl": '{"content": "a"}\n{"content": "b"}\n'}, "a.jsonl", {"a": 2}),
    ({"a.json": '["a", "b", "c"]'}, "a.json", {"a": 3}),
    ({"a.ndjson.gz": gzip.compress(b'{"prompt": "a"}\n')}, "a.ndjson.gz", {"a": 1}),
    ({"src/a.py": "x = 1\n", "src/b.rs": "fn main() {}\n"}, "src", {"python": 1, "rust": 1}),
    ({"hyp.txt": "a\n", "ref.txt": "b\n"}, "", {"text": 2}),
    ({"a.po": 'msgid ""\nmsgstr "Language: de\\n"\n\nmsgid "a"\nmsgstr "b"\n'}, "a.po", {"en": 1, "de": 1}),
    ({"a.srt.dat": "en\tde\na\tb\n"}, "a.srt.dat", {"en": 1, "de": 1}),
    ({"a.csv": "sep=;\nen;de\na;b\n"}, "a.csv", {"en": 1, "de": 1}),
    ({"a.csv": "en^de\na, x^b\nc^d\n"}, "a.csv", {"en": 2, "de": 2}),
    ({"a.csv": "sentence_en,sentence_de\na,b\n"}, "a.csv", {"en": 1, "de": 1}),
    ({"m_en.tsv": "a?\t1\nb?\t2\n", "m_de.tsv": "x?\t1\ny?\t2\n"}, "", {"de": 2, "en": 2}),
    ({"a.html": "<!DOCTYPE html>\n<p>one</p>\n"}, "a.html", {"a": 2}),
    ({"notes.md": "# A\n\ntext\n"}, "notes.md", {"notes": 2}),
    ({"Main.java": "class A {\n}\n"}, "Main.java", {"java": 2}),
    ({"code.txt": "\tx\ny\n"}, "code.txt:format=lines", {"code": 2}),
    ({"code.txt": "x\ny\n"}, "code.txt:label=en,split=none", {"en": 1}),
    ({"a.txt": "x\n"}, "a.txt:en=1,header=no", {"en": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("files", "name", "counts"), WAS_REFUSED)
def test_what_was_refused_is_read(
    tmp_path: Path, files: dict[str, bytes | str], name: str, counts: dict[str, int]
) -> None:
    put(tmp_path, files)
    raw, _, _ = read_raw(f"{tmp_path}/{name}" if name else str(tmp_path))
    assert {column.lang: column.texts.len() for column in raw.columns} == counts


# --- folders --------------------------------------------------------------------------------------------------------


def test_a_folder_of_code(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "src/a.py": "x = 1\n", "src/deep/b.py": "y = 2\n", "src/c.h": "int x;\n", "src/d.ts": "let x = {\n};\n",
        "README.md": "# One\n\ntext\n", "Makefile": "all:\n\ttrue\n", "x.unknown": "words\n", "empty.py": "",
        "logo.png": b"\x89PNG\0", "latin1.c": b"// \xe9\n", ".hidden/a.py": "z\n", "node_modules/a.js": "z\n",
        "src/__pycache__/a.py": "z\n", "pack.py.gz": gzip.compress(b"w = 3\n", mtime=0),
    }  # fmt: skip
    put(tmp_path / "project", files)
    (tmp_path / "project" / "link.py").symlink_to("src/a.py")
    raw, reader, _ = read_raw(tmp_path / "project")
    assert (reader, raw.name, raw.aligned) == ("folder", "project", False)
    assert texts(raw) == {
        "c": ["int x;\n"], "makefile": ["all:\n\ttrue\n"], "markdown": ["# One\n\ntext\n"],
        "python": ["w = 3\n", "x = 1\n", "y = 2\n"], "typescript": ["let x = {\n};\n"], "unknown": ["words\n"],
    }  # fmt: skip
    origins = {text.lang: text.origin.removeprefix(str(tmp_path)) for text in raw.columns}
    assert origins["c"] == "/project, 1 file"
    assert origins["python"] == "/project, 3 files"
    assert {why: what for what, why in raw.left_out} == {
        "hidden": ".hidden", "a symbolic link": "link.py", "empty": "empty.py", "not UTF-8 text": "latin1.c, logo.png",
        "installed or generated": "node_modules, src/__pycache__",
    }  # fmt: skip
    assert list(groups(f"{tmp_path}/project:group=folder")) == ["project", "src"]
    assert groups(f"{tmp_path}/project/src:label=code,split=lines")["code"] == [
        "x = 1\n", "int x;\n", "let x = {\n", "};\n", "y = 2\n",
    ]  # fmt: skip
    assert list(groups(tmp_path / "project", ["python", "c"])) == ["python", "c"]
    raw, _, _ = read_raw(f"{tmp_path}/project/src:split=lines", ["typescript", "python"])
    assert raw.documents is not None
    assert raw.documents["document"].to_list() == ["d.ts", "d.ts", "a.py", "deep/b.py"]


def test_suffixes_of_builds_are_no_languages(tmp_path: Path) -> None:
    put(tmp_path / "made", {"Makefile.am": "bin_PROGRAMS = x\n", "main.c": "int x;\n", "README": "words\n"})
    assert groups(tmp_path / "made") == {"am": ["bin_PROGRAMS = x\n"], "c": ["int x;\n"], "text": ["words\n"]}
    put(tmp_path / "linked", {"libx.so": b"\x7fELF\x02\x01\x01\x00", "libx.la": "words\n", "main.c": "int x;\n"})
    assert groups(tmp_path / "linked") == {"c": ["int x;\n"], "la": ["words\n"]}
    put(tmp_path / "deep", {"README": "words\n", "src/Makefile.am": "x = y\n", "src/main.c": "int x;\n"})
    assert list(groups(tmp_path / "deep")) == ["am", "c", "text"]
    put(tmp_path / "pair", {"news.am": "a\n", "news.so": "b\n", "prepare.py": "x = 1\n"})
    assert parallel(tmp_path / "pair") == {"am": ["a"], "so": ["b"]}
    put(tmp_path / "alone", {"de.txt": "a\n", "about.yaml": "x: y\n"})
    assert parallel(tmp_path / "alone") == {"de": ["a"]}
    put(tmp_path / "wide", {"news.am": "a\n", "news.so": "b\n".encode("utf-16")})
    assert "news.so:1: not UTF-8" in refusal(tmp_path / "wide")


def test_the_number_of_files_of_this_package(tmp_path: Path) -> None:
    package = Path(__file__).parents[2] / "tokbench" / "corpora"
    found = subprocess.run(["find", package, "-type", "f", "-size", "+0"], capture_output=True, text=True, check=True)
    suffixes = Counter(Path(name).suffix for name in found.stdout.split() if "__pycache__" not in name)
    expected = {"python": suffixes[".py"], "toml": suffixes[".toml"]}
    assert {label: len(texts) for label, texts in groups(package).items()} == expected


def test_prose_is_grouped_by_sub_folder(tmp_path: Path) -> None:
    put(tmp_path, {"poems/a.txt": "a\n", "poems/b.txt": "b\n", "novels/deep/c.txt": "c\n", "d.txt": "d\n"})
    assert groups(tmp_path) == {"novels": ["c\n"], "poems": ["a\n", "b\n"], tmp_path.name: ["d\n"]}
    assert groups(f"{tmp_path}:group=suffix") == {"text": ["d\n", "c\n", "a\n", "b\n"]}
    put(tmp_path, {"e.md": "e\n"})
    assert list(groups(tmp_path)) == ["markdown", "text"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_folders_of_the_system_are_no_corpus() -> None:
    for place in ("/proc/self", "/dev", "/sys"):
        with pytest.raises(TokbenchError, match="holds no texts, but what the system says of itself"):
            folder.read(Path(place), {}, None)
    # Whose target nobody may enter.
    assert folder._unread(Path("/proc/1/cwd"), 0) == "a symbolic link"


def test_a_folder_that_holds_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tokbench.corpora import folder

    put(tmp_path, {f"{i}.txt": "words\n" for i in range(5)})
    monkeypatch.setattr(folder, "MOST_FILES", 4)
    assert "holds more than 4 files; give one of its folders" in refusal(tmp_path)
    monkeypatch.setattr(folder, "MOST_FILES", 50)
    monkeypatch.setattr(folder, "MOST_BYTES", 12)
    assert "of text; give one of its folders" in refusal(tmp_path)


# --- a table or records per language --------------------------------------------------------------------------------


def test_one_table_per_language(tmp_path: Path) -> None:
    """As MGSM: a question, and a number as its answer, without a header."""
    put(
        tmp_path,
        {"mgsm_en.tsv": 'Two and two?\t4\nSix "times" seven?\t42\n', "mgsm_de.tsv": "Zwei?\t4\nSechs?\t1.042\n"},
    )
    assert parallel(tmp_path) == {"de": ["Zwei?", "Sechs?"], "en": ["Two and two?", 'Six "times" seven?']}
    put(tmp_path / "two", {"q_en.tsv": "one?\tyes\n", "q_zh_cn.tsv": "一\t是\n"})
    line = refusal(tmp_path / "two")
    assert line.endswith(f"name the column of the texts: {tmp_path}/two:en=q_en.tsv,zh_cn=q_zh_cn.tsv,text=COLUMN")
    assert parallel(f"{tmp_path}/two:en=q_en.tsv,zh_cn=q_zh_cn.tsv,text=2") == {"en": ["yes"], "zh_cn": ["是"]}
    assert parallel(f"{tmp_path}/two:text=1") == {"en": ["one?"], "zh_cn": ["一"]}


def test_records_per_language_in_folders(tmp_path: Path) -> None:
    """As XCOPA: a folder per language, several keys of text."""
    for lang, text in (("et", "Üks"), ("it", "Uno")):
        record = json.dumps({"premise": text, "choice1": "x"}) + "\n"
        put(tmp_path, {f"{lang}/val.{lang}.jsonl": record * 2, f"{lang}/test.{lang}.jsonl": record * 3})
    line = refusal(tmp_path)
    argument = line.rpartition("name the files: ")[2].split(" or ")[1]
    line = refusal(argument)
    assert line.endswith("text=COLUMN")
    argument = line.rpartition("texts: ")[2].replace("text=COLUMN", "text=premise")
    assert parallel(argument) == {"et": ["Üks"] * 2, "it": ["Uno"] * 2}


# --- JSON -----------------------------------------------------------------------------------------------------------

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image"}]},
]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"text": "a\\nb\\n", "n": 1}\n\n{"text": null}\n{"text": "c"}', ["a\nb\n", None, "c"]),
        ('{"content": "a", "id": "x"}\n{"content": "b", "id": "y"}\n', ["a", "b"]),
        ('{"prompt": "a"}\n', ["a"]),
        (json.dumps({"messages": CHAT}) + "\n", ["Be brief.\nHi"]),
        (json.dumps({"conversations": [{"from": "human", "value": "Hi"}]}) + "\n", ["Hi"]),
        ('"a"\n"b"\n', ["a", "b"]),
        ('["a", "b\\n"]', ["a", "b\n"]),
        ('[{"text": "a"},\n {"text": "b"}]', ["a", "b"]),
        ('{"text": ["a", "b"]}', ["a", "b"]),
        ('{"data": [{"text": "a", "geo": null}]}', ["a"]),
    ],
)
def test_texts_in_json(tmp_path: Path, content: str, expected: list[str | None]) -> None:
    name = "chat.json" if content.startswith("[") or '": [' in content[:10] else "chat.jsonl"
    put(tmp_path, {name: content})
    label = "text" if content == '{"text": ["a", "b"]}' else "chat"
    spec = f"{tmp_path}/{name}" + (",label=text".replace(",", ":") if label == "text" else "")
    assert groups(spec) == {label: expected}


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"content": [{"type": "text", "text": "Hello"}, {"type": "image", "text": None}]}], "Hello"),
        ([{"content": "Hi"}, None, {"content": "Yo"}], "Hi\nYo"),
        ([{"content": None, "value": "Hi"}, {"content": "Yo", "value": None}], "Hi\nYo"),
        (["Hi", None], "Hi"),
        ([{"content": None}], None),
    ],
)
def test_conversations_in_records_and_columns(tmp_path: Path, messages: list[object], expected: str | None) -> None:
    put(tmp_path, {"chat.jsonl": json.dumps({"messages": messages}) + "\n"})
    pl.read_ndjson(tmp_path / "chat.jsonl").write_parquet(tmp_path / "chat.parquet")
    assert groups(tmp_path / "chat.jsonl") == groups(tmp_path / "chat.parquet") == {"chat": [expected]}


@pytest.mark.usefixtures("untried")
def test_lists_of_numbers_are_no_conversations(tmp_path: Path) -> None:
    pl.DataFrame({"text": [[1, 2]]}).write_parquet(tmp_path / "a.parquet")
    assert "the column 'text' holds List(Int64), not text" in refusal(tmp_path / "a.parquet")


def test_splits_and_keys_of_records(tmp_path: Path) -> None:
    put(tmp_path, {"a.jsonl": '{"text": "a\\nb\\n\\nc", "note": "x"}\n{"text": "d", "note": "y"}\n'})
    assert groups(f"{tmp_path}/a.jsonl:split=lines,label=en") == {"en": ["a\n", "b\n\n", "c", "d"]}
    assert groups(f"{tmp_path}/a.jsonl:split=documents")["a"] == ["a\nb\n\n", "c", "d"]
    assert groups(f"{tmp_path}/a.jsonl:text=note") == {"a": ["x", "y"]}
    assert read_raw(tmp_path / "a.jsonl")[0].left_out == [("key note", "text is read")]
    assert "the key 'text' is not text but 1" in refusal(put(tmp_path, {"b.jsonl": '{"text": 1}'}) / "b.jsonl")
    assert "text= and en= are both given" in refusal(f"{tmp_path}/a.jsonl:text=note,en=text")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "the JSON is nested too deeply"),
        ("[[1]]", "a.json, item 1: a JSON list, not a text or an object"),
        ('["a", {"text": "b"}]', "an object among JSON strings"),
        ('[{"text": "b"}, "a"]', "a JSON string among objects"),
        ("[]", "holds no array of texts"),
        ('{"en": ["a"],\n "de": ["b", "c"]}', "different lengths: en 1, de 2"),
        ('["a"', "not JSON"),
        ('["\\ud800"]', "half of a surrogate pair"),
    ],
)
def test_json_that_is_refused(tmp_path: Path, content: str, message: str) -> None:
    put(tmp_path, {"a.json": content})
    assert message in refusal(tmp_path / "a.json")


def test_a_repeated_key_among_many_is_found_in_one_pass(tmp_path: Path) -> None:
    # Counting every key took minutes.
    keys = [f'"k{i}":0' for i in range(200_000)]
    put(tmp_path, {"a.jsonl": "{" + ",".join([*keys, keys[-1]]) + "}\n"})
    assert "the JSON cannot be read: the key 'k199999' is repeated; fix the line" in refusal(tmp_path / "a.jsonl")


def test_arrays_by_language(tmp_path: Path) -> None:
    put(tmp_path, {"a.json": '{"en": ["a", "b"],\n "de": ["c", "d"]}'})
    put(tmp_path, {"b.json": '{"rows": [{"row_idx": 0, "row": {"translation": {"en": "a", "de": "b"}}}]}'})
    assert parallel(tmp_path / "a.json") == {"en": ["a", "b"], "de": ["c", "d"]}
    assert parallel(tmp_path / "b.json") == {"en": ["a"], "de": ["b"]}


# --- long tables, prefixes, delimiters ------------------------------------------------------------------------------

LONG = [("en", "7", "one"), ("de", "8", "zwei"), ("de", "7", "eins"), ("en", "8", "two"), ("en", "9", "three")]
ALIGNED = {"en": ["one", "two", "three"], "de": ["eins", "zwei", None]}


def _long_csv(file: Path) -> None:
    file.write_text("code,key,text\n" + "".join(f"{a},{b},{c}\n" for a, b, c in LONG))


def _long_tsv(file: Path) -> None:
    file.write_text("code\tkey\ttext\n" + "".join(f"{a}\t{b}\t{c}\n" for a, b, c in LONG))


def _long_jsonl(file: Path) -> None:
    file.write_text("".join(json.dumps({"code": a, "key": int(b), "text": c}) + "\n" for a, b, c in LONG))


def _long_json(file: Path) -> None:
    file.write_text(json.dumps([{"code": a, "key": b, "text": c} for a, b, c in LONG]))


def _long_parquet(file: Path) -> None:
    pl.DataFrame([(a, int(b), c) for a, b, c in LONG], schema=["code", "key", "text"], orient="row").write_parquet(file)


def _long_arrow(file: Path) -> None:
    pl.DataFrame(LONG, schema=["code", "key", "text"], orient="row").write_ipc(file)


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("write", [_long_csv, _long_tsv, _long_jsonl, _long_json, _long_parquet, _long_arrow])
def test_long_tables(tmp_path: Path, write: Callable[[Path], None]) -> None:
    file = tmp_path / f"a.{write.__name__.removeprefix('_long_')}"
    write(file)
    assert parallel(f"{file}:lang=code,text=text,id=key") == ALIGNED
    assert groups(f"{file}:lang=code,text=text") == {"en": ["one", "two", "three"], "de": ["zwei", "eins"]}
    assert load_corpus(f"{file}:lang=code,text=text,id=key").texts("german") == ["eins", "zwei"]
    assert "lang= is given without text=" in refusal(f"{file}:lang=code")
    assert groups(file) == {"a": ["one", "zwei", "eins", "two", "three"]}


def test_long_tables_that_are_refused(tmp_path: Path) -> None:
    put(tmp_path, {"a.csv": "language,id,sentence\nen,1,a\nen,1,b\n,2,c\n"})
    line = refusal(f"{tmp_path}/a.csv:header=yes")
    argument = line.rpartition("such as ")[2]
    assert argument == f"{tmp_path}/a.csv:lang=language,text=sentence,id=id"
    assert "row 3: the language is '', not text" in refusal(argument)
    put(tmp_path, {"a.csv": "language,id,sentence\nen,1,a\nen,1,b\n"})
    assert "row 2: the id '1' occurs twice in en" in refusal(argument)
    assert parallel(f"{tmp_path}/a.csv:id=sentence,header=yes") == {"id": ["a", "b"]}  # Indonesian


@pytest.mark.usefixtures("untried")
def test_columns_with_a_prefix(tmp_path: Path) -> None:
    put(tmp_path, {"a.csv": "id,sentence_eng_Latn,topic,sentence_zho_Hans\n1,a,t,b\n"})
    put(tmp_path, {"b.jsonl": '{"text_en": "a", "text_de": "b", "url": "u"}\n'})
    put(tmp_path, {"c.csv": "src_en,src_de,ref_en,ref_de\na,b,c,d\n"})
    assert parallel(tmp_path / "a.csv") == {"eng_Latn": ["a"], "zho_Hans": ["b"]}
    assert parallel(tmp_path / "b.jsonl") == {"en": ["a"], "de": ["b"]}
    assert "cannot tell which column is which language" in refusal(tmp_path / "c.csv")
    frame = pl.DataFrame({"sentence_eng_Latn": ["a"], "sentence_deu_Latn": ["b"]})
    frame.write_parquet(tmp_path / "d.parquet")
    assert parallel(tmp_path / "d.parquet") == {"eng_Latn": ["a"], "deu_Latn": ["b"]}


@pytest.mark.parametrize(
    ("delimiter", "said"),
    [(";", ";"), ("|", "pipe"), ("\t", "tab"), ("^", "^"), ("~", "~"), (":", "colon"), ("\x1f", None)],
)
def test_delimiters(tmp_path: Path, delimiter: str, said: str | None) -> None:
    rows = [("en", "de"), ("one, two", "eins"), ("three", "drei")]
    put(tmp_path, {"a.csv": "".join(delimiter.join(row) + "\n" for row in rows)})
    expected = {"en": ["one, two", "three"], "de": ["eins", "drei"]}
    assert parallel(tmp_path / "a.csv") == expected
    if said is not None:
        assert parallel(f"{tmp_path}/a.csv:delimiter={said}") == expected
    put(tmp_path, {"a.csv": f"sep={delimiter}\r\n" + "".join(delimiter.join(row) + "\r\n" for row in rows)})
    assert parallel(tmp_path / "a.csv") == expected


def test_a_column_of_texts(tmp_path: Path) -> None:
    put(tmp_path, {"a.csv": 'text,label\n"a\nb",1\n\n"c",0\n', "b.tsv": "one\t1\ntwo\t2\n"})
    assert groups(tmp_path / "a.csv") == {"a": ["a\nb", "c"]}
    assert groups(f"{tmp_path}/b.tsv:text=1,label=en,header=no") == {"en": ["one", "two"]}


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_documents_beside_a_column_of_texts(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({"url": ["x", "y", "x"], "text": ["a\nb\n", "c", "d"], "topic": ["p", "q", "r"]})
    frame = frame.with_columns(code=pl.Series(["en", "en", "de"]), key=pl.Series(["1", "2", "1"]))
    file = tmp_path / f"a.{suffix}"
    {"jsonl": frame.write_ndjson, "csv": frame.write_csv, "parquet": frame.write_parquet}[suffix](file)
    corpus = load_corpus(f"{file}:text=text,document=url")
    assert corpus.documents is not None
    assert corpus.documents.rows() == [(0, "x"), (1, "y"), (2, "x")]
    assert not [what for what, _ in corpus.left_out if "url" in what]

    def documents(options: str, languages: list[str] | None = None) -> list[str] | None:
        named = read_raw(f"{file}:{options}", languages)[0].documents
        return None if named is None else named["document"].to_list()

    assert documents("document=url") == ["x", "y", "x"]
    assert documents("text=text,document=url,split=lines") == ["x", "x", "y", "x"]
    assert documents("text=text,split=lines") == ["1", "1", "2", "3"]
    assert documents("text=text") is None
    assert documents("lang=code,text=text,document=url", ["de", "en"]) == ["x", "x", "y"]
    assert documents("lang=code,text=text,id=key,document=url") == ["x", "y"]
    assert "'nosuch'" in refusal(f"{file}:text=text,document=nosuch")


def test_a_single_text_that_is_cut_is_no_document(tmp_path: Path) -> None:
    put(tmp_path, {"a.jsonl": '{"text": "a\\nb"}\n'})
    assert read_raw(f"{tmp_path}/a.jsonl:split=lines")[0].documents is None


# --- PO, XLIFF, WMT -------------------------------------------------------------------------------------------------

CATALOGUE = r"""
msgid ""
msgstr ""
"Language: de\n"
"Content-Type: text/plain; charset=ISO-8859-1\n"

#: a.c:1
msgid "One \"word\"\n"
"and more"
msgstr "Ein \"Wort\"\n"
"und mehr"

#, fuzzy, c-format
msgid "Two"
msgstr "Dwei"

msgctxt "menu"
msgid "File"
msgid_plural "Files"
msgstr[0] "Datei für"
msgstr[1] "Dateien"

msgid "Not yet"
msgstr ""

#~ msgid "Old"
#~ msgstr "Alt"
"""


def test_catalogues(tmp_path: Path) -> None:
    put(tmp_path, {"app.po": CATALOGUE.encode("iso-8859-1")})
    raw, _, _ = read_raw(tmp_path / "app.po")
    assert texts(raw) == {
        "en": ['One "word"\nand more', "File", "Not yet"], "de": ['Ein "Wort"\nund mehr', "Datei für", None],
    }  # fmt: skip
    assert raw.left_out == [("1 messages", "they are fuzzy"), ("1 plural forms", "the singular is read")]
    assert load_corpus(tmp_path / "app.po").n == 2
    bare = 'msgid "a"\nmsgstr "b"\n'
    put(tmp_path, {"fr.po": bare, "pt_br/LC_MESSAGES/app.po": bare, "x.po": bare, "x.pot": 'msgid "a"\nmsgstr ""\n'})
    assert list(parallel(tmp_path / "fr.po")) == ["en", "fr"]
    assert list(parallel(tmp_path / "pt_br/LC_MESSAGES/app.po")) == ["en", "pt_BR"]
    assert parallel(tmp_path / "x.pot") == {"en": ["a"]}
    argument = refusal(tmp_path / "x.po").rpartition("give it: ")[2]
    assert parallel(argument) == {"en": ["a"], "de": ["b"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('msgid "a\nmsgstr "b"\n', "a.po:1: not a line of a gettext catalogue"),
        ('msgid "a" b"\nmsgstr "b"\n', "a.po:1: a string does not end"),
        ('msgid "a"\nmsgid "b"\nmsgstr "c"\nmsgstr "d"\n', "a.po:4: msgstr is out of place"),
        ("", "contains no message"),
        (CATALOGUE.replace("ISO-8859-1", "punycode"), "its charset 'punycode' is unknown"),
        (CATALOGUE.replace("ISO-8859-1", "ascii"), "it is not in the charset of its header, ascii"),
    ],
)
def test_catalogues_that_are_refused(tmp_path: Path, content: str, message: str) -> None:
    put(tmp_path, {"a.po": content})
    assert message in refusal(tmp_path / "a.po")


def test_a_fuzzy_obsolete_message_leaves_the_next_alone(tmp_path: Path) -> None:
    obsolete = '#, fuzzy\n#~ msgid "Old"\n#~ msgstr "Alt"\n\n'
    put(tmp_path, {"de.po": obsolete + 'msgid "One"\nmsgstr "Eins"\n\n#, fuzzy\n#| msgid "Too"\nmsgid "Two"\n'})
    assert parallel(tmp_path / "de.po") == {"en": ["One"], "de": ["Eins"]}


def test_escaped_bytes_are_in_the_charset(tmp_path: Path) -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset={}\\n"\n\n'
    utf8 = head.format("UTF-8") + r'msgid "caf\303\251 \xe2\x82\xAC \\303 \101\t"' + '\nmsgstr "x"\n'
    put(tmp_path, {"de.po": utf8})
    assert parallel(tmp_path / "de.po") == {"en": ["café € \\303 A\t"], "de": ["x"]}
    put(tmp_path, {"de.po": head.format("ISO-8859-15") + r'msgid "caf\351 \xA4"' + '\nmsgstr "x"\n'})
    assert parallel(tmp_path / "de.po") == {"en": ["café €"], "de": ["x"]}
    for wrong in (r"\303", r"\777"):
        put(tmp_path, {"de.po": utf8.replace('"x"', f'"{wrong}"')})
        assert f"de.po:5: {wrong} is no text in UTF-8" in refusal(tmp_path / "de.po")


XLIFF_1 = """<?xml version="1.0"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
<file source-language="en-us" target-language="de" datatype="plaintext"><header><note>no</note></header><body>
<trans-unit id="1"><source>One <g id="1">bold</g><x id="2"/> &amp; <bpt id="3">&lt;b></bpt>more</source>
<seg-source><mrk mtype="seg">no</mrk></seg-source><target>Eins <mrk mtype="seg">fett</mrk></target>
<alt-trans><source>no</source><target>nein</target></alt-trans><note>no</note></trans-unit>
<group><trans-unit id="2"><source>Two</source></trans-unit></group>
<trans-unit id="3" translate="no"><source>no</source></trans-unit>
</body></file></xliff>"""
XLIFF_2 = """<?xml version="1.0"?>
<xliff version="2.0" xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="en" trgLang="de"><file id="f"><notes>
<note>no</note></notes><unit id="1"><originalData><data id="d">no</data></originalData>
<segment><source>One <pc id="1">bold</pc><ph id="2"/>.</source><target>Eins<cp hex="000C"/>.</target></segment>
<ignorable><source> </source></ignorable>
<segment><source>Two.</source><target>Zwei.</target></segment></unit></file></xliff>"""


def test_xliff(tmp_path: Path) -> None:
    put(tmp_path, {"a.xlf": XLIFF_1, "b.xliff": XLIFF_2, "c.xlf": XLIFF_1.replace(' target-language="de"', "")})
    raw, _, _ = read_raw(tmp_path / "a.xlf")
    assert texts(raw) == {"en-US": ["One bold & more", "Two"], "de": ["Eins fett", None]}
    assert raw.left_out == [("1 units", 'they say translate="no"')]
    assert parallel(tmp_path / "b.xliff") == {"en": ["One bold.", "Two."], "de": ["Eins\x0c.", "Zwei."]}
    argument = refusal(tmp_path / "c.xlf").rpartition("such as ")[2]
    assert parallel(argument)["de"] == ["Eins fett", None]
    put(tmp_path, {"d.xlf": '<!DOCTYPE a [<!ENTITY b "b">]>' + XLIFF_2.partition("?>")[2].replace("Two", "&b;")})
    assert "is rejected: it uses the entity 'b'" in refusal(tmp_path / "d.xlf")
    put(tmp_path, {"e.xlf": XLIFF_2.replace("Two.", "<g>" * 2000 + "</g>" * 2000)})
    assert "nested too deeply" in refusal(tmp_path / "e.xlf")


def test_the_language_of_a_unit_is_its_own(tmp_path: Path) -> None:
    own = XLIFF_1.replace("<source>One", '<source xml:lang="fr">One').replace("<target>", '<target xml:lang="it">')
    put(tmp_path, {"a.xlf": own.replace("Two</source>", "Two</source><target>Zwei</target>")})
    assert parallel(tmp_path / "a.xlf") == {
        "fr": ["One bold & more", None], "it": ["Eins fett", None], "en-US": [None, "Two"], "de": [None, "Zwei"],
    }  # fmt: skip


WMT = """<?xml version='1.0' encoding='utf-8'?>
<dataset id="newstest"><doc origlang="en" id="d1">
<src lang="en"><p><seg id="1">One &amp; two</seg><seg id="2">Three</seg></p></src>
<ref lang="de" translator="A"><p><seg id="2">Drei</seg><seg id="1">Eins</seg></p></ref>
<ref lang="de" translator="B"><p><seg id="1">no</seg></p></ref>
<hyp system="x" lang="de"><p><seg id="1">no</seg></p></hyp></doc>
<doc id="d2"><src lang="en"><p><seg id="1">Four</seg></p></src></doc></dataset>"""


def test_wmt_sets(tmp_path: Path) -> None:
    put(tmp_path, {"a.xml": WMT})
    raw, reader, _ = read_raw(tmp_path / "a.xml")
    assert (reader, texts(raw)) == ("wmt", {"en": ["One & two", "Three", "Four"], "de": ["Eins", "Drei", None]})
    assert raw.documents is not None
    assert raw.documents["document"].to_list() == ["d1", "d1", "d2"]
    assert raw.left_out == [
        ("outputs of systems", "they are not references"), ("references in de by B", "another one is read"),
    ]  # fmt: skip
    put(tmp_path, {"a.xml": WMT.replace('<src lang="en">', "<src>", 1)})
    assert "names no language" in refusal(tmp_path / "a.xml")


def test_sgm_sets(tmp_path: Path) -> None:
    source = '<srcset setid="n" srclang="any">\n<doc docid="d1">\n<seg id="1">One &amp; two < three</seg>\n<p>\n'
    source += '<seg id="2"> Three </seg></p></doc><DOC docid="d2"><seg id="1">Four</seg></DOC></srcset>'
    target = '<refset trglang="zh"><doc docid="d1"><seg id=1>一</seg><seg id=2>二</seg></doc>'
    target += "<doc><seg>三</seg></doc></refset>"
    put(tmp_path, {"n-enzh-src.en.sgm": source, "n-enzh-ref.zh.sgm.gz": gzip.compress(target.encode())})
    for name in ("n-enzh-src.en.sgm", "n-enzh-ref.zh.sgm.gz"):
        raw, _, _ = read_raw(tmp_path / name)
        assert texts(raw) == {"en": ["One & two < three", "Three", "Four"], "zh": ["一", "二", "三"]}
        assert raw.documents is not None
        assert (raw.name, raw.documents["document"].to_list()) == ("n-enzh", ["d1", "d1", "d2"])
    put(tmp_path, {"n-enzh-ref.zh.sgm": target})  # beside its compressed copy
    assert load_corpus(tmp_path / "n-enzh-src.en.sgm").languages == ("en", "zh")
    put(tmp_path, {"x.en.sgm": "<srcset><doc>\n<seg>One</doc></srcset>", "y.en.sgm": "<srcset></srcset>"})
    assert "x.en.sgm:2: a segment does not end" in refusal(tmp_path / "x.en.sgm")
    assert "contains no segment" in refusal(tmp_path / "y.en.sgm")


# --- Arrow ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untried")
def test_arrow(tmp_path: Path) -> None:
    pl.DataFrame({"en": ["a", "b"], "de": ["c", None]}).write_ipc(tmp_path / "a.feather")
    pl.DataFrame({"text": ["a", "b"]}).write_ipc_stream(tmp_path / "b.arrow")
    assert parallel(tmp_path / "a.feather") == {"en": ["a", "b"], "de": ["c", None]}
    assert groups(tmp_path / "b.arrow") == {"b": ["a", "b"]}


def test_a_damaged_arrow_file_is_tried_in_a_process_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame({"en": ["a", "b"]}).write_ipc(tmp_path / "a.arrow")
    content = (tmp_path / "a.arrow").read_bytes()
    put(tmp_path, {"a.arrow": content[: len(content) // 2]})
    assert "cannot be read as Arrow" in refusal(tmp_path / "a.arrow")
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("untried")
def test_saved_datasets(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    pairs = [{"en": f"a{i}", "de": f"b{i}"} for i in range(5)]
    datasets.Dataset.from_dict({"translation": pairs}).save_to_disk(tmp_path / "pairs", num_shards=2)
    assert parallel(tmp_path / "pairs") == {"en": ["a0", "a1", "a2", "a3", "a4"], "de": ["b0", "b1", "b2", "b3", "b4"]}
    chats = datasets.Dataset.from_dict(
        {"messages": [[{"role": "user", "content": "Hi"}, {"role": "x", "content": "Yo"}]]}
    )
    datasets.DatasetDict({"train": chats, "test": chats}).save_to_disk(tmp_path / "chats")
    line = refusal(tmp_path / "chats")
    assert line.endswith(f"has 2 splits; give one of them: {tmp_path}/chats/test, {tmp_path}/chats/train")
    assert groups(tmp_path / "chats" / "test") == {"test": ["Hi\nYo"]}
    state = json.loads((tmp_path / "pairs" / "state.json").read_text())
    state["_data_files"][0]["filename"] = "../chats/test/data-00000-of-00001.arrow"
    put(tmp_path, {"pairs/state.json": json.dumps(state)})
    assert "names no data file of its folder" in refusal(tmp_path / "pairs")
    state["_data_files"][0]["filename"] = "data-00007-of-00009.arrow"
    put(tmp_path, {"pairs/state.json": json.dumps(state)})
    assert "data-00007-of-00009.arrow, which state.json names, is missing" in refusal(tmp_path / "pairs")


# --- archives -------------------------------------------------------------------------------------------------------


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_archives(tmp_path: Path) -> None:
    pair = {"README": "x", "OpenSubtitles.en-pt_br.en": "a\nb\n", "OpenSubtitles.en-pt_br.pt_br": "c\nd\n"}
    put(tmp_path, {"opus.zip": zipped(pair), "one.zip": zipped({"deep/a.jsonl": '{"text": "a"}\n'})})
    put(tmp_path, {"code.zip": zipped({"p/a.py": "x\n", "p/b.c": "y\n", "../../evil.py": "z\n", "/abs.py": "z\n"})})
    assert parallel(tmp_path / "opus.zip") == {"en": ["a", "b"], "pt_br": ["c", "d"]}
    assert parallel(f"{tmp_path}/opus.zip/OpenSubtitles.en-pt_br") == {"en": ["a", "b"], "pt_br": ["c", "d"]}
    assert groups(tmp_path / "one.zip") == {"a": ["a"]}
    assert groups(tmp_path / "code.zip") == {"c": ["y\n"], "python": ["x\n"]}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["code.zip", "one.zip", "opus.zip"]  # nothing unpacked
    assert "there is no corpus" in refusal(f"{tmp_path}/opus.zip/nothing")
