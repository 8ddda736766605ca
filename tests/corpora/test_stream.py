"""Streams: the texts of their shards are those of the indexed corpus, however they are cut."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.commands import run
from helpers.object_server import serve_folder
from tokbench import TokbenchError, load_corpus
from tokbench.corpora import (
    Stream,
    _stream_opening,
    _stream_polars,
    extent,
    is_streamed,
    open_stream,
    read_shard,
    read_window,
)
from tokbench.corpora import _stream_bytes as stream_bytes
from tokbench.corpora._stream_cutting import NOT_BLANK
from tokbench.corpora._stream_footer import read_row_groups
from tokbench.errors import UnavailableError

many = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
piece = st.text(st.sampled_from("ab \t\x1c\x85\u2028é世😀\x00"), max_size=5)
line_end = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n \n"])
splits = st.sampled_from(["lines", "documents", "none"])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_bytes, "BLOCK_BYTES", 7)
    monkeypatch.setattr(stream_bytes, "_STEP", 3)


def texts_of(stream: Stream) -> dict[str, list[str]]:
    """The texts by group; the numbers in each shard increase."""
    groups: dict[str, list[str]] = {}
    for shard in stream.shards:
        numbers: dict[str, list[int]] = {}
        for part in read_shard(shard):
            groups.setdefault(part.group, []).extend(part.texts.to_list())
            numbers.setdefault(part.group, []).extend(part.segments.to_list())
            assert part.documents.is_sorted()
            assert part.segments.dtype == part.documents.dtype == pl.UInt32
            assert len(part.texts) == len(part.segments) == len(part.documents) > 0
        for own in numbers.values():
            assert own == sorted(set(own))
    return groups


def texts_of_corpus(spec: str, split: str | None = None) -> dict[str, list[str]] | None:
    """The texts of the indexed corpus; None if there are none."""
    try:
        corpus = load_corpus(spec, split=split)
    except TokbenchError as error:
        if "contains no text" in error.message or "is empty" in error.message:
            return None
        raise
    return {label: corpus.texts(label) for label in corpus.languages}


@many
@given(
    lines=st.lists(st.tuples(piece, line_end), min_size=1, max_size=12),
    last=piece,
    bom=st.booleans(),
    split=splits,
    shard=st.integers(1, 60),
    packed=st.booleans(),
)
def test_a_stream_of_text_has_the_segments_of_the_file(
    tmp_path: Path, lines: list[tuple[str, str]], last: str, bom: bool, split: str, shard: int, packed: bool
) -> None:
    data = (b"\xef\xbb\xbf" if bom else b"") + ("".join(text + end for text, end in lines) + last).encode()
    path = tmp_path / ("a.txt.gz" if packed else "a.txt")
    path.write_bytes(gzip.compress(data) if packed else data)
    expected = texts_of_corpus(f"{path}:format=text", split)
    stream = open_stream(f"{path}:format=text", split=split, shard_bytes=shard)
    assert texts_of(stream) == (expected or {})


record = st.one_of(
    st.just(""),
    st.just("  "),
    st.fixed_dictionaries(
        {
            "text": st.one_of(
                st.none(), piece, st.lists(st.tuples(piece, line_end).map("".join), max_size=4).map("".join)
            )
        },
        optional={"meta": st.sampled_from([{"text": "x"}, 3, None]), "id": st.integers(0, 3)},
    ),
)


@many
@given(
    records=st.lists(record, min_size=1, max_size=10),
    first=piece,
    ascii_only=st.booleans(),
    split=st.one_of(st.none(), splits),
    shard=st.integers(1, 200),
    packed=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_stream_of_records_has_the_segments_of_the_file(
    tmp_path: Path,
    records: list[object],
    first: str,
    ascii_only: bool,
    split: str | None,
    shard: int,
    packed: bool,
    end: str,
) -> None:
    rows = [
        row if isinstance(row, str) else json.dumps(row, ensure_ascii=ascii_only) for row in [{"text": first}, *records]
    ]
    path = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    data = end.join(rows).encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    assert texts_of(open_stream(str(path), split=split, shard_bytes=shard)) == (texts_of_corpus(str(path), split) or {})


@pytest.mark.usefixtures("untried")
@many
@given(
    texts=st.lists(st.one_of(st.none(), piece, st.just("a\n\nb\r\nc")), min_size=1, max_size=12),
    split=st.one_of(st.none(), splits),
    shard=st.integers(1, 2000),
    group=st.integers(1, 4),
)
def test_a_stream_of_parquet_has_the_segments_of_the_file(
    tmp_path: Path, texts: list[str | None], split: str | None, shard: int, group: int
) -> None:
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"n": range(len(texts)), "text": pl.Series(texts, dtype=pl.String)})
    frame.write_parquet(path, row_group_size=group)
    stream = open_stream(str(path), split=split, shard_bytes=shard)
    assert texts_of(stream) == (texts_of_corpus(str(path), split) or {})
    assert sum(shard.size for shard in stream.shards) == path.stat().st_size


@many
@given(
    lines=st.lists(st.tuples(piece, line_end), min_size=1, max_size=12),
    split=st.sampled_from(["lines", "documents"]),
    cuts=st.lists(st.integers(0, 90), max_size=4),
    shard=st.integers(1, 60),
)
def test_windows_that_meet_have_each_segment_once(
    tmp_path: Path, lines: list[tuple[str, str]], split: str, cuts: list[int], shard: int
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("".join(text + end for text, end in lines).encode())
    found: list[str] = []
    for piece_of_file in open_stream(f"{path}:format=text", split=split, shard_bytes=shard).shards:
        whole = extent(piece_of_file)
        assert whole == (piece_of_file.start, piece_of_file.end)
        bounds = sorted({*whole, *(min(max(cut, whole[0]), whole[1]) for cut in cuts)})
        for start, end in pairwise(bounds):
            found += [text for part in read_window(piece_of_file, start, end) for text in part.texts]
    assert found == texts_of(open_stream(f"{path}:format=text", split=split)).get("a", [])


def test_a_window_reads_little_more_than_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    path = tmp_path / "a.txt"
    path.write_bytes(b"0123456789\n" * 200_000)
    [shard] = open_stream(path).shards
    texts = [text for part in read_window(shard, 1_100_000, 1_100_022) for text in part.texts]
    assert texts == ["0123456789\n"] * 2
    with pytest.raises(StopIteration):
        next(read_window(shard, 1_100_001, 1_100_011))


def test_windows_of_parquet_are_rows_of_its_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"text": [f"{n}" for n in range(10)]}).write_parquet(path, row_group_size=3)
    shards = open_stream(path, shard_bytes=1).shards
    assert [(shard.start, shard.end, extent(shard)) for shard in shards] == [
        (0, 1, (0, 3)),
        (1, 2, (0, 3)),
        (2, 3, (0, 3)),
        (3, 4, (0, 1)),
    ]
    [part] = read_window(shards[1], 1, 9)
    assert part.texts.to_list() == ["4", "5"]
    assert part.segments.to_list() == part.documents.to_list() == [0, 1]


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, newline="")


def test_files_of_a_glob_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    write_files(tmp_path, {"d/b.txt": "b\n", "d/a.txt": "a\n", "d/e/c.txt": "c\n", "d/.h.txt": "h", "d/empty.txt": ""})
    stream = open_stream(f"{tmp_path}/d/**/*.txt")
    assert [(shard.number, shard.name, shard.start, shard.end, shard.size) for shard in stream.shards] == [
        (0, "a.txt", 0, 2, 2),
        (1, "b.txt", 0, 2, 2),
        (2, "e/c.txt", 0, 2, 2),
    ]
    assert (stream.name, stream.format, stream.size) == ("d", "text", 6)
    assert texts_of(stream) == {"d": ["a\n", "b\n"], "e": ["c\n"]}
    assert texts_of(open_stream(f"{tmp_path}/d/**/*.txt", languages=["e"])) == {"e": ["c\n"]}
    assert texts_of(open_stream(f"file://{tmp_path}/d/e/*")) == {"text": ["c\n"]}
    with pytest.raises(TokbenchError, match="group 'x'"):
        open_stream(f"{tmp_path}/d/**/*.txt", languages=["x"])


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ("", ["python", "text"]),
        (":label=all", ["all", "all"]),
        (":group=file", ["a", "b"]),
        (":group=folder", ["x", "y"]),
        (":group=suffix", ["python", "text"]),
    ],
)
def test_groups_of_files(tmp_path: Path, options: str, labels: list[str]) -> None:
    write_files(tmp_path, {"x/a.py": "1\n", "y/b.txt": "2\n"})
    stream = open_stream(f"{tmp_path}/*/*{options}")
    assert [dict(shard.settings)["label"] for shard in stream.shards] == labels


def test_groups_and_documents_of_records(tmp_path: Path) -> None:
    rows = [("en", "u", "a\nb"), ("de", "u", "c"), ("en", "v", "d"), ("en", "u", " "), ("en", "w", "f")]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"l": x, "d": y, "t": z}) + "\n" for x, y, z in rows))
    stream = open_stream(f"{tmp_path}/a.jsonl:text=t,lang=l,document=d,split=lines")
    parts = {part.group: part for part in read_shard(stream.shards[0])}
    assert parts["en"].texts.to_list() == ["a\n", "b", "d", "f"]
    assert parts["en"].segments.to_list() == [0, 1, 3, 5]
    assert parts["en"].documents.to_list() == [0, 0, 1, 3]
    assert parts["de"].texts.to_list() == ["c"]
    only = open_stream(f"{tmp_path}/a.jsonl:text=t,lang=l", languages=["de"])
    assert texts_of(only) == {"de": ["c"]}


content = st.one_of(
    st.none(),
    piece,
    st.lists(st.one_of(piece, st.fixed_dictionaries({"text": st.one_of(st.none(), piece)})), max_size=2),
)
message = st.one_of(
    piece,
    st.none(),
    st.fixed_dictionaries({"role": piece}, optional=dict.fromkeys(("content", "value", "text"), content)),
)


@many
@given(chats=st.lists(st.one_of(piece, st.none(), st.lists(message, max_size=3)), min_size=1, max_size=4))
def test_conversations_of_any_form_are_those_of_the_file(tmp_path: Path, chats: list[object]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"x": {"chat": chat}}) + "\n" for chat in chats))
    spec = f"{path}:text=x.chat"
    assert texts_of(open_stream(spec)) == (texts_of_corpus(spec) or {})


@pytest.mark.usefixtures("untried")
def test_conversations_are_joined_as_in_an_indexed_corpus(tmp_path: Path) -> None:
    chats = [
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        [{"role": "user", "content": "é"}, {"role": "assistant", "content": None}],
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"messages": chat}) + "\n" for chat in chats))
    pl.DataFrame({"messages": chats}).write_parquet(tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert texts_of(open_stream(tmp_path / name)) == texts_of_corpus(str(tmp_path / name)) == {"a": ["a\nb", "é"]}


@pytest.mark.parametrize(
    "line",
    [
        '{"text": 5}',
        '{"text": {"a": 1}}',
        '{"text": "\\ud800"}',
        '{"x": 1}',
        "[1]",
        '{"text"',
    ],
)
def test_a_wrong_record_is_named_by_its_byte(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n' + line + "\n")
    stream = open_stream(path, shard_bytes=14)
    assert [part.texts.to_list() for part in read_shard(stream.shards[0])] == [["a"]]
    with pytest.raises(TokbenchError, match=re.escape(f"{path}, byte 14")):
        [*read_shard(stream.shards[1])]


def test_invalid_utf_8_is_named_by_its_byte(tmp_path: Path) -> None:
    for name, data in {"a.txt": b"ab\ncd\xff\n", "a.jsonl": b'{"text": "a"}\n{"text": "\xff"}\n'}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(TokbenchError, match=f"byte 0xFF at byte {data.index(0xFF)} of the file"):
            texts_of(open_stream(f"{tmp_path / name}:format={'text' if name == 'a.txt' else 'jsonl'}"))


@pytest.mark.parametrize("damage", ["cut", "footer", "pages", "empty"])
def test_damaged_parquet_fails_alone(tmp_path: Path, damage: str) -> None:
    for name in ("a", "b"):
        pl.DataFrame({"text": [f"{name} {n}" for n in range(500)]}).write_parquet(tmp_path / f"{name}.parquet")
    data = bytearray((tmp_path / "b.parquet").read_bytes())
    if damage == "cut":
        data = data[:-20]
    elif damage == "footer":
        data[-60:-30] = b"\xff" * 30
    elif damage == "pages":
        data[4:60] = b"\xff" * 56
    else:
        data = bytearray(b"PAR1")
    (tmp_path / "b.parquet").write_bytes(data)
    stream = open_stream(f"{tmp_path}/*.parquet")
    assert [shard.name for shard in stream.shards] == ["a.parquet", "b.parquet"]
    assert sum(len(part.texts) for part in read_shard(stream.shards[0])) == 500
    with pytest.raises(TokbenchError, match=r"b\.parquet cannot be read"):
        [*read_shard(stream.shards[1])]


def test_a_cut_archive_says_so(tmp_path: Path) -> None:
    data = gzip.compress(random.Random(1).randbytes(4000).hex().encode())
    (tmp_path / "a.txt.gz").write_bytes(data[:-900])
    [shard] = open_stream(f"{tmp_path}/a.txt.gz:format=text").shards
    assert (shard.start, shard.end, shard.size, extent(shard)) == (0, 1, len(data) - 900, None)
    with pytest.raises(TokbenchError, match=r"a\.txt\.gz is damaged \(gzip\)"):
        [*read_shard(shard)]
    with pytest.raises(TokbenchError, match="can only be read whole"):
        [*read_window(shard, 0, 1)]


@pytest.mark.parametrize(
    ("files", "spec", "message"),
    [
        ({}, "*.txt", "no file matches"),
        ({"a.txt": ""}, "*.txt", "are empty"),
        ({"a.txt": "a", "b.jsonl": '{"text": "b"}'}, "*", "several formats"),
        ({"a.csv": "a,b\n1,2\n"}, "*", "is read as csv, which cannot be read as a stream"),
        ({"a.jsonl": '{"en": "a", "de": "b"}'}, "*", "has a column per language"),
        ({"a.jsonl": '{"text": "a"}'}, "*:group=size", "group=size is none of"),
        ({"a.jsonl": '{"text": "a"}'}, "*:lang=l,text=text,id=i", "rows with ids are parallel"),
        ({"a.txt": "a"}, "*:en=1", "is a plain text"),
        ({"a.txt": "a"}, "*:split=words", "split=words is unknown"),
        ({"d/a.txt": "a"}, "d:stream=yes", "is a folder"),
        ({"a.txt": "a"}, "b.txt:stream=yes", "cannot be read: No such file"),
        ({"a.txt": "a"}, "a.txt:stream=maybe", "stream=maybe"),
    ],
)
def test_what_cannot_be_opened(tmp_path: Path, files: dict[str, str], spec: str, message: str) -> None:
    write_files(tmp_path, files)
    with pytest.raises(TokbenchError, match=re.escape(message)):
        open_stream(f"{tmp_path}/{spec}")


def test_a_column_of_texts_is_none_of_languages(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": "x", "id": f"n{n}"}) + "\n" for n in range(1001)))
    with pytest.raises(TokbenchError, match=re.escape(f"{path}: the column lang= has more than 1,000")):
        texts_of(open_stream(f"{path}:text=text,lang=id"))


def test_a_file_that_has_gone_fails_alone(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": "a\n", "b.txt": "b\n"})
    pl.DataFrame({"text": ["c"]}).write_parquet(tmp_path / "c.parquet")
    shards = [*open_stream(f"{tmp_path}/*.txt").shards, *open_stream(tmp_path / "c.parquet").shards]
    for name in ("b.txt", "c.parquet"):
        (tmp_path / name).unlink()
    assert [part.texts.to_list() for part in read_shard(shards[0])] == [["a\n"]]
    for shard in shards[1:]:
        with pytest.raises(TokbenchError, match=f"there is no file {re.escape(shard.file)}"):
            [*read_shard(shard)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    with pytest.raises(TokbenchError, match="is a pipe"):
        open_stream(f"{tmp_path}/*.txt")


def test_a_segment_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_bytes, "MOST_SEGMENT", 64)
    for name, data in {"a.txt": b"a\n" + b"x" * 500, "a.jsonl": b'{"text": "a"}\n{"text": "' + b"x" * 500}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(TokbenchError, match="longer than"):
            texts_of(open_stream(tmp_path / name))


def test_what_is_read_as_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"a.txt": "a\n" * 9, "p.jsonl": '{"en": "abc", "de": "b"}', "[x].txt": "x" * 20})
    monkeypatch.setattr(_stream_opening, "STREAM_BYTES", 10)
    expected = {
        "a.txt": True,
        "a.txt:stream=no": False,
        "p.jsonl": False,
        "p.jsonl:stream=yes": True,
        "*.txt": True,
        "[x].txt": True,
        "missing.txt": False,
    }
    assert {spec: is_streamed(f"{tmp_path}/{spec}") for spec in expected} == expected
    assert is_streamed("s3://bucket/a=b/*.parquet")
    assert not is_streamed("tokbench14")
    assert not is_streamed({"en": ["a"]})
    assert load_corpus(f"{tmp_path}/a.txt:stream=no").n == 9


def test_a_corpus_in_memory_is_no_stream(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": "a\n"})
    for spec in (f"{tmp_path}/*.txt", f"{tmp_path}/a.txt:stream=yes", "s3://bucket/a.parquet:text=body"):
        with pytest.raises(TokbenchError, match="which only compare, plan and corpus can use"):
            load_corpus(spec)


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address of the folder, which is also the bucket `s3://bucket`."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with serve_folder(tmp_path) as served:
        secrets = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1"}
        for name, value in {**secrets, "AWS_ENDPOINT_URL": served, "AWS_ALLOW_HTTP": "true"}.items():
            monkeypatch.setenv(name, value)
        _stream_polars._end_all()  # a process that does not know these variables
        yield served
    _stream_polars._end_all()


@pytest.mark.skipif(not hasattr(pl, "scan_lines"), reason="this version of polars reads no lines at addresses")
def test_lines_at_addresses_are_read_by_polars(tmp_path: Path, address: str) -> None:
    write_files(tmp_path, {"a.txt": "\ufeffa\n\nb\n", "a.jsonl": '{"text": "x"}\n\n{"text": "y\\nz"}\n'})
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"text": "packed"}'))
    assert texts_of(open_stream(f"{address}/a.txt")) == {"a": ["a\n\n", "b\n"]}
    assert texts_of(open_stream("s3://bucket/a.jsonl:split=lines")) == {"a": ["x", "y\n", "z"]}
    assert texts_of(open_stream(f"{address}/b.jsonl.gz")) == {"b": ["packed"]}


def test_parquet_at_addresses_is_read_by_polars(tmp_path: Path, address: str) -> None:
    for name in ("p", "q"):
        pl.DataFrame({"body": [name, None, "r"]}).write_parquet(tmp_path / f"{name}.parquet")
    [shard] = open_stream(f"{address}/p.parquet:text=body").shards
    assert (shard.start, shard.end, shard.size, extent(shard)) == (0, 1, 0, (0, 3))
    assert [part.texts.to_list() for part in read_window(shard, 1, 3)] == [["r"]]
    both = open_stream("s3://bucket/*.parquet:text=body")
    assert [shard.name for shard in both.shards] == ["p.parquet", "q.parquet"]
    assert texts_of(both) == {"bucket": ["p", "r", "q", "r"]}


def test_a_reading_process_that_ends_fails_one_shard(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = 200_000
    pl.DataFrame({"text": [f"text number {n}" for n in range(rows)]}).write_parquet(path)
    _stream_polars._end_all()
    [shard] = open_stream(path).shards
    [waiting] = _stream_polars._idle
    texts = _stream_polars.read_rows(shard.file, 0, rows, {"text": "text"})
    next(texts)
    waiting._process.kill()
    with pytest.raises(TokbenchError, match=r"a\.parquet cannot be read: its process was ended by SIGKILL"):
        sum(len(frame) for frame in texts)
    assert not _stream_polars._idle
    assert sum(len(part.texts) for part in read_shard(shard)) == rows


def test_offline_no_address_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match="offline"):
        open_stream("s3://bucket/a.parquet", offline=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UnavailableError, match="offline"):
        open_stream("hf://datasets/a/b/c.parquet")


def test_blank_characters_are_those_of_python() -> None:
    characters = pl.Series([chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000])
    filled = characters.str.contains(NOT_BLANK)
    assert filled.to_list() == [not character.isspace() for character in characters]


def test_a_stream_is_described_without_reading_it(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "x = 1\n" * 4, "b.txt": "\n\x1b[0m hello\n"})
    document = json.loads(run("corpus", f"{tmp_path}/*", "--json").stdout)
    assert (document["format"], document["files"], document["bytes"], document["shards"]) == ("text", 2, 36, 2)
    assert document["groups"] == [
        {"group": "python", "files": 1, "shards": 1, "bytes": 24, "first": "x = 1\n"},
        {"group": "text", "files": 1, "shards": 1, "bytes": 12, "first": "\n\x1b[0m hello\n"},
    ]
    shown = run("corpus", f"{tmp_path}/*").stdout
    assert "2 files, 36 bytes, 2 shards" in shown
    assert "\x1b" not in shown


def test_other_commands_say_that_they_read_no_stream(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": "a\n"})
    done = run("vocab", "utf8", "-c", f"{tmp_path}/*.txt")
    assert done.returncode == 2
    assert "which only compare, plan and corpus can use" in done.stderr
    assert run("corpus", "a" * 5000).returncode == 2


def test_row_groups_are_those_that_pyarrow_sees(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = 25
    columns = {"n": [*range(rows)], "yes": [n % 2 == 0 for n in range(rows)], "text": ["é" * n for n in range(rows)]}
    table = pyarrow.table({**columns, "inner": [{"a": [1.5], "b": None}] * rows})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=10, write_page_index=True, compression="zstd")
    pl.DataFrame(columns).write_parquet(tmp_path / "b.parquet", row_group_size=1)
    for name, count in {"a.parquet": 3, "b.parquet": rows}.items():
        seen = parquet.read_metadata(tmp_path / name)
        groups = [seen.row_group(number) for number in range(seen.num_row_groups)]
        found = read_row_groups(tmp_path / name)
        assert len(found) == count
        assert [tuple(group) for group in found] == [(group.num_rows, group.total_byte_size) for group in groups]


def test_relative_paths_follow_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that reads Parquet outlives a change of the working folder."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        pl.DataFrame({"text": [f"{name} text"]}).write_parquet(tmp_path / name / "one.parquet")
        monkeypatch.chdir(tmp_path / name)
        stream = open_stream("one.parquet:stream=yes")
        assert [part.texts.to_list() for part in read_shard(stream.shards[0])] == [[f"{name} text"]]
