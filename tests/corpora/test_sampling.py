"""Pieces of a stream: every place in exactly one, drawn in an order that the seed fixes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tokbench.corpora import Shard, Stream, extent, open_stream, read_shard
from tokbench.corpora._sample_reading import read_pieces
from tokbench.corpora._sampling import (
    PIECE_BYTES,
    Drawing,
    Piece,
    Stratum,
    shuffle,
    stratify,
)


def make_shard(name: str, start: int, end: int, number: int = 0) -> Shard:
    return Shard(number, f"/data/{name}", name, "text", start, end, end - start)


def find_bytes(shard: Shard) -> tuple[int, int] | None:
    return None if shard.name.endswith(".gz") else (shard.start, shard.end)


LENGTHS = st.lists(st.integers(2, 5 * PIECE_BYTES), min_size=1, max_size=5)


@given(LENGTHS)
def test_every_byte_belongs_to_exactly_one_piece(lengths: list[int]) -> None:
    shards = [make_shard(f"{i}.txt", 0, length, i) for i, length in enumerate(lengths)]
    stratum = Stratum("all", shards, find_bytes)
    found = sorted((p.shard.number, p.start, p.end) for p in stratum.draw(0))
    assert len(found) == len(stratum)
    for number, length in enumerate(lengths):
        own = [(start, end) for shard, start, end in found if shard == number]
        assert own[0][0] == 0
        assert own[-1][1] == length
        assert all(end == start for (_, end), (start, _) in pairwise(own))
        assert all(0 < end - start <= PIECE_BYTES for start, end in own)
    assert sum(p.size for p in stratum.draw(1)) == stratum.size == sum(lengths)


def test_the_grid_goes_through_the_shards_of_a_file() -> None:
    whole = Stratum("all", [make_shard("a", 0, 10 * PIECE_BYTES)], find_bytes)
    halves = [make_shard("a", 0, 6 * PIECE_BYTES), make_shard("a", 6 * PIECE_BYTES, 10 * PIECE_BYTES)]
    grids = [[(p.start, p.end) for p in stratum.draw(3)] for stratum in (whole, Stratum("all", halves, find_bytes))]
    assert grids[0] == grids[1]


def test_a_shard_that_is_read_whole_is_one_piece() -> None:
    stratum = Stratum(
        "all", [Shard(0, "a.gz", "a.gz", "text", 0, 1, 700), make_shard("b", 0, PIECE_BYTES + 1)], find_bytes
    )
    pieces = sorted(stratum.draw(0), key=lambda piece: piece.number)
    assert [(p.shard.name, p.start, p.end, p.size) for p in pieces] == [
        ("a.gz", None, None, 700),
        ("b", 0, PIECE_BYTES, PIECE_BYTES),
        ("b", PIECE_BYTES, PIECE_BYTES + 1, 1),
    ]


@given(st.integers(0, 300), st.text(max_size=5))
def test_a_shuffle_is_a_permutation(total: int, key: str) -> None:
    assert sorted(shuffle(total, key)) == list(range(total))


def test_a_shuffle_is_the_same_everywhere() -> None:
    # The swaps of Fisher-Yates, by the little-endian BLAKE2b of "k 0", "k 1", ... modulo the numbers left.
    numbers = list(range(7))
    for place in range(7):
        draw = int.from_bytes(hashlib.blake2b(f"k {place}".encode(), digest_size=16).digest(), "little")
        other = place + draw % (7 - place)
        numbers[place], numbers[other] = numbers[other], numbers[place]
    assert list(shuffle(7, "k")) == numbers


def test_the_first_of_a_huge_source_take_no_memory() -> None:
    assert len(set(islice(shuffle(10**15, "0 en"), 1000))) == 1000


def test_each_order_is_equally_likely() -> None:
    orders = Counter(tuple(shuffle(4, str(seed))) for seed in range(24 * 200))
    assert len(orders) == 24
    # Chi-square with 23 degrees of freedom: 49.7 is exceeded by chance in 1 of 1,000.
    assert sum((count - 200) ** 2 / 200 for count in orders.values()) < 49.7


@given(st.integers(0, 50), st.integers(1, 40), st.integers(1, 40))
def test_a_larger_sample_contains_the_smaller(seed: int, first: int, more: int) -> None:
    stratum = Stratum("en", [make_shard("a", 0, 60 * PIECE_BYTES)], find_bytes)
    twice, once = Drawing(stratum, seed), Drawing(stratum, seed)
    small, rest = twice.extend(first), twice.extend(first + more)
    large = once.extend(first + more)
    assert {*small, *rest} == {*large}
    assert len(small) + len(rest) == len(large) == min(first + more, 60)
    assert sorted(piece.place for piece in large) == list(range(len(large)))
    assert twice.exhausted == (first + more >= 60)


def test_the_draws_of_a_group_depend_on_its_label_and_seed() -> None:
    def draw(label: str, seed: int) -> list[int]:
        return [piece.number for piece in Stratum(label, [make_shard("a", 0, 99 * PIECE_BYTES)], find_bytes).draw(seed)]

    assert draw("en", 0) == draw("en", 0)
    assert draw("en", 0) != draw("de", 0)
    assert draw("en", 0) != draw("en", 1)


def test_strata_are_groups_of_files() -> None:
    shards = tuple(make_shard(name, 0, 100, i) for i, name in enumerate(["de/1", "en/1", "en/2"]))
    strata = stratify(Stream("s", "s", "text", shards), lambda shard: shard.name.partition("/")[0], find_bytes)
    assert [(s.label, len(s), s.size) for s in strata] == [("de", 1, 100), ("en", 2, 200)]


WORDS = st.sampled_from(["a", "bcd", "\u00fc\u00fc", "\u4e2d\u6587", " ", "x" * 900])
LINES = st.lists(st.lists(WORDS, max_size=12).map(" ".join), min_size=1, max_size=40)


def write(folder: Path, kind: str, lines: list[str]) -> str:
    path = folder / f"texts.{kind}"
    if kind == "txt":
        path.write_text("\n".join(lines), encoding="utf-8", newline="")
    elif kind == "jsonl":
        path.write_text("".join(json.dumps({"text": line, "n": 1}) + "\n" for line in lines), encoding="utf-8")
    else:
        pl.DataFrame({"text": lines}).write_parquet(path, row_group_size=7)
    return f"{path}:stream=yes" + (",format=text" if kind == "txt" else "")


@pytest.mark.parametrize("kind", ["txt", "jsonl", "parquet"])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(lines=LINES, piece_bytes=st.integers(1, 400))
def test_every_segment_is_in_exactly_one_piece(tmp_path: Path, kind: str, lines: list[str], piece_bytes: int) -> None:
    assume(any(line.strip() for line in lines))
    stream = open_stream(write(tmp_path, kind, lines))
    stratum = Stratum("texts", stream.shards, extent, piece_bytes)
    drawn = sorted(stratum.draw(0), key=lambda piece: piece.number)
    faults: list[object] = []
    found = [text for part in read_pieces(drawn, lambda *fault: faults.append(fault)) for text in part.texts]
    assert found == [text for shard in stream.shards for part in read_shard(shard) for text in part.texts]
    assert not faults


def test_pieces_are_the_documents_of_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("aaaa\n" * 9)
    (tmp_path / "b.txt").write_text("bbbb\n" * 9)
    stream = open_stream(f"{tmp_path}/*.txt:format=text,group=file")
    pieces = [
        Piece(number, place, stream.shards[shard], start, start + 10, 10)
        for number, place, shard, start in ((1, 7, 0, 10), (2, 2, 0, 20), (0, 5, 1, 0))
    ]
    batches = [(t.group, t.texts, t.segments, t.documents) for t in read_pieces(pieces, pytest.fail)]
    assert [(group, *(column.to_list() for column in columns)) for group, *columns in batches] == [
        ("a", ["aaaa\n"] * 4, [0, 1, 2, 3], [7, 7, 2, 2]),
        ("b", ["bbbb\n"] * 2, [4, 5], [5, 5]),
    ]


def test_a_piece_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"aaaa\n" * 4 + b"a\xffaa\n" + b"aaaa\n" * 3)
    stream = open_stream(f"{tmp_path}/a.txt:stream=yes,format=text")
    faults: list[str] = []
    stratum = Stratum("a", stream.shards, extent, 10)
    pieces = sorted(stratum.draw(0), key=lambda piece: piece.number)
    parts = list(read_pieces(pieces, lambda piece, error: faults.append(f"{piece.start} {error}")))
    assert [len(part.texts) for part in parts] == [6]
    assert len(faults) == 1
    assert faults[0].startswith("20 ")
    assert "not UTF-8: byte 0xFF at byte 21" in faults[0]
