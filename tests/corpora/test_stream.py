"""Streams: the texts of their shards are those of the indexed corpus, however they are cut."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokbench import TokbenchError, load_corpus
from tokbench.corpora import Stream, extent, open_stream, read_shard, read_window
from tokbench.corpora import _stream_bytes as stream_bytes

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
        assert "contains no text" in error.message or "is empty" in error.message, error
        return None
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
