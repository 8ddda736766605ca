"""Blocks of documents, histograms by block, and intervals from the text without each block."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from helpers.corpora import cut_out, equal, write_corpus
from helpers.measurements import make_measurements
from tokbench import load_tokenizer
from tokbench.adapters import EncodedBatch
from tokbench.measurement import Measurements, measure
from tokbench.measurement.counting import ID_BITS, Histogram, HistogramSum, add_histograms, count_ids, frame_histograms
from tokbench.measurement.jackknife_blocks import BLOCKS, assign_blocks
from tokbench.metrics import METRICS, Reference, _spectra, evaluate
from tokbench.metrics._spectra import evaluate_each, list_spectra, list_texts
from tokbench.metrics.resampling import Bootstrap, student_quantile

REPEATED = [m for m in METRICS.values() if m.level == "ids" and m.interval]
NONE = pl.DataFrame(schema={"segment": pl.UInt32, "document": pl.String})


def block_of(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") % BLOCKS


def test_blocks_follow_from_names_and_numbers() -> None:
    segments = pl.Series([0, 1, 5, 17, 33])
    assert assign_blocks(segments, NONE).rows() == [(0, 0, 0), (1, 1, 1), (5, 5, 5), (17, 17, 1), (33, 33, 1)]
    documents = pl.DataFrame({"segment": [0, 1, 17, 33], "document": ["a", "b", None, "a"]}).with_columns(
        pl.col("segment").cast(pl.UInt32)
    )
    a, b = block_of("a"), block_of("b")
    # Segments 5 and 17 belong to no document.
    assert assign_blocks(segments, documents).rows() == [(0, 0, a), (1, 1, b), (5, 7, 5), (17, 19, 1), (33, 0, a)]


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.tuples(st.lists(st.integers(0, 300)), st.integers(0, BLOCKS - 1)), min_size=1),
    cuts=st.lists(st.integers(0, 20), max_size=4),
)
def test_histograms_of_parts_add_up(texts: list[tuple[list[int], int]], cuts: list[int]) -> None:
    """Counted whole, in parts, and one by one in Python."""

    def count(some: list[tuple[list[int], int]]) -> Histogram:
        return count_ids(
            EncodedBatch.from_lists([ids for ids, _ in some]), pl.Series([b for _, b in some], dtype=pl.UInt8)
        )

    whole = count(texts)
    expected: dict[tuple[int, int], int] = {}
    for ids, block in texts:
        for i in ids:
            expected[block, i] = expected.get((block, i), 0) + 1
    found = {(key >> ID_BITS, key & 2**ID_BITS - 1): n for key, n in zip(*(a.tolist() for a in whole), strict=True)}
    assert found == expected
    assert list(found) == sorted(found)
    bounds = sorted({0, len(texts), *(cut for cut in cuts if cut < len(texts))})
    total = HistogramSum()
    for start, end in pairwise(bounds):
        total.add(count(texts[start:end]))
    rows = [(block, i, n) for (block, i), n in sorted(expected.items())]
    assert frame_histograms([total.total(), whole]).rows() == 2 * rows
    assert all(np.array_equal(*pair) for pair in zip(add_histograms([whole]), whole, strict=True))


blocks_of = st.lists(
    st.dictionaries(st.integers(0, 40), st.integers(1, 9000), max_size=12), min_size=1, max_size=BLOCKS
)


def make_blocks(histograms: dict[str, list[dict[int, int]]]) -> Measurements:
    """Measurements of a segment a block whose ids are given: language -> block -> id -> count."""
    segments = max(map(len, histograms.values()))
    rows = [
        {"tokenizer": "a", "lang": lang, "block": block, "id": i, "count": n}
        for lang, blocks in histograms.items() for block, ids in enumerate(blocks) for i, n in ids.items()
    ]  # fmt: skip
    made = make_measurements({"a": {lang: [1] * segments for lang in histograms}})
    schema = made.ids.schema
    sizes = pl.Series([10 + 3 * i % 7 for i in range(made.texts.height)], dtype=pl.Int64)
    return replace(made, ids=pl.DataFrame(rows, schema=schema), texts=made.texts.with_columns(bytes=sizes))


def test_spectra_of_some_languages_at_a_time_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_blocks({lang: [{i: 1 + i % n, 7: 3} for i in range(n, 9)] for n, lang in enumerate("abcde", 1)})
    whole = evaluate(made, REPEATED, Reference(), Bootstrap())
    for languages in (1, 2, 5):
        monkeypatch.setattr("tokbench.metrics._spectra.LANGUAGES_AT_ONCE", languages)
        assert_frame_equal(evaluate(made, REPEATED, Reference(), Bootstrap()), whole, rel_tol=1e-12)


def values_of(measurements: Measurements) -> dict[tuple[str | None, str], float | None]:
    frame = evaluate(measurements, REPEATED, Reference())
    return {(lang, metric): value for lang, metric, value in frame.select("lang", "metric", "value").iter_rows()}


@settings(max_examples=20, deadline=None)
@given(en=blocks_of, de=blocks_of)
def test_values_without_a_block_are_those_of_the_text_without_it(
    en: list[dict[int, int]], de: list[dict[int, int]]
) -> None:
    """Every metric over ids that has intervals, in each language and over all, by its own expression."""
    whole = make_blocks({"en": en, "de": de})
    (vocab_base,) = whole.tokenizers["vocab_base"]
    texts = list_texts(whole, "a").with_columns(vocab_base=pl.lit(vocab_base))
    (spectra,) = list_spectra(whole, "a", texts)
    rows = evaluate_each(spectra, REPEATED, texts).filter(pl.col("without").is_not_null())
    rows = rows.select("lang", "without", *(metric.name for metric in REPEATED))
    for block in range(max(len(en), len(de))):
        kept = pl.col("segment") % BLOCKS != block
        rest = replace(
            whole,
            ids=whole.ids.filter(pl.col("block") != block),
            counts=whole.counts.filter(kept),
            texts=whole.texts.filter(kept),
        )
        expected = values_of(rest) if rest.counts.height else {}
        own = rows.filter(pl.col("without") == block).unpivot(index=["lang", "without"])
        found = {(lang, metric): value for lang, _, metric, value in own.iter_rows()}
        for cell, value in expected.items():
            got = found.get(cell)
            undefined = got is None or not math.isfinite(got)
            assert undefined if value is None else got == pytest.approx(value, rel=1e-9, abs=1e-9), (block, cell)


def test_intervals_by_hand(tmp_path: Path) -> None:
    """Two segments, "ab" and "aa": two types, of which one is left without the first."""
    corpus = write_corpus(tmp_path / "c", en=["ab", "aa"])
    metrics = [METRICS[name] for name in ("utilisation", "type_token_ratio", "bits_per_byte_entropy", "entropy_at_10k")]
    frame = evaluate(measure([load_tokenizer("utf8")], corpus), metrics, Reference(), Bootstrap(level=0.9))
    rows = {row["metric"]: (row["low"], row["high"]) for row in frame.filter(pl.col("lang") == "en").to_dicts()}
    reach = student_quantile(0.95, 1)
    assert rows["utilisation"] == pytest.approx((0, (2 + reach * 0.5) / 256))  # (1/2 * (0.5^2 + 0.5^2))^(1/2)
    assert rows["type_token_ratio"] == pytest.approx((0, 0.5 + reach * 0.25))  # 1/2 and 2/2
    assert rows["bits_per_byte_entropy"] == pytest.approx(
        (0, 2 - 0.75 * math.log2(3) + reach * 0.5)
    )  # of 0 and 1; of the whole -(1/4 log2 1/4 + 3/4 log2 3/4)
    assert rows["entropy_at_10k"] == (None, None)
    assert evaluate(measure([load_tokenizer("utf8")], corpus), metrics, Reference())["low"].null_count() == frame.height


def test_documents_weigh_by_their_number(tmp_path: Path) -> None:
    """Three documents in two blocks: the block of two weighs twice."""
    names = [f"document {i}" for i in range(100)]
    first = names[0]
    second = next(name for name in names[1:] if block_of(name) == block_of(first))
    other = next(name for name in names if block_of(name) != block_of(first))
    corpus = write_corpus(tmp_path / "c", en=["ab", "cd", "ae", "b"])
    documents = pl.DataFrame({"segment": [0, 1, 2, 3], "document": [first, second, other, other]})
    named = replace(corpus, documents=documents.with_columns(pl.col("segment").cast(pl.UInt32)))
    measured = measure([load_tokenizer("utf8")], named)
    frame = evaluate(measured, [METRICS["utilisation"]], Reference(), Bootstrap())
    row = frame.row(0, named=True)
    # 5 types; 3 without the block of two documents, 4 without the other: pseudo-values 5 + 2 / 2 and 5 + 1 * 2.
    pseudo, mean = (6, 7), (6 * 2 + 7) / 3
    error = math.sqrt((2 * (pseudo[0] - mean) ** 2 + (pseudo[1] - mean) ** 2 / 2) / 2)
    assert row["value"] == 5 / 256
    assert row["high"] == pytest.approx((5 + student_quantile(0.975, 1) * error) / 256)


def test_one_block_has_no_interval(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["ab"])
    frame = evaluate(measure([load_tokenizer("utf8")], corpus), REPEATED, Reference(), Bootstrap())
    assert frame["low"].null_count() == frame["high"].null_count() == frame.height


def test_where_one_block_holds_all_tokens_there_is_no_interval() -> None:
    frame = evaluate(make_blocks({"en": [{1: 3, 2: 1}, {}]}), REPEATED, Reference(), Bootstrap())
    assert frame.filter(pl.col("metric") == "entropy")["value"].null_count() == 0
    assert frame["low"].null_count() == frame.height


def test_documents_split_between_parts_stay_in_their_block(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["the fox", "a dog", "a dog"], de=["der Fuchs", "ein Hund", "ein Hund"])
    documents = pl.DataFrame({"segment": [0, 1, 2], "document": ["x", "y", "y"]}).with_columns(
        pl.col("segment").cast(pl.UInt32)
    )
    named = replace(corpus, documents=documents)
    tokenizer = load_tokenizer("utf8")
    whole = measure([tokenizer], named)
    pieces = [measure([tokenizer], cut_out(named, start, length)) for start, length in ((0, 2), (2, 1))]
    assert equal(pieces[1].merge(pieces[0]), whole)


def test_histograms_of_32_bits_are_full_at_4294967295() -> None:
    keys, most = np.array([7, 9], np.uint32), np.iinfo(np.uint32).max
    full = keys, np.array([most - 1, 5], np.uint32)
    one = keys[:1], np.array([1], np.uint32)
    summed = add_histograms([full, one])
    assert [part.tolist() for part in summed] == [[7, 9], [most, 5]]
    with pytest.raises(OverflowError, match=r"4,294,967,296 of one id"):
        add_histograms([summed, one])
    nothing = np.empty(0, np.uint32), np.empty(0, np.uint32)
    assert [part.tolist() for part in add_histograms([nothing, nothing])] == [[], []]
    assert [part.tolist() for part in add_histograms([nothing, one])] == [[7], [1]]


def test_a_running_sum_is_the_sum_at_any_time() -> None:
    total, expected = HistogramSum(), dict.fromkeys(range(9), 0)
    for round_ in range(1, 12):
        ids = [round_ % 9, (round_ * 5) % 9] if round_ % 3 else [2]
        for i in set(ids):
            expected[i] += round_
        total.add((np.array(sorted(set(ids)), np.uint32), np.full(len(set(ids)), round_, np.uint32)))
        keys, counts = total.total()
        assert dict(zip(keys.tolist(), counts.tolist(), strict=True)) == {i: n for i, n in expected.items() if n}


def test_a_running_sum_merges_once_as_many_rows_wait_as_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    merged: list[int] = []

    def add(histograms: Sequence[Histogram]) -> Histogram:
        merged.append(len(histograms))
        return add_histograms(histograms)

    monkeypatch.setattr("tokbench.measurement.counting.add_histograms", add)
    total, counts = HistogramSum(), np.ones(2, np.uint32)
    for keys in ([1, 2], [3, 4], [5, 6], [7, 8], [9, 10]):
        total.add((np.array(keys, np.uint32), counts))
    assert merged == [2, 3]  # 2 rows and 2, then 4 and 2 + 2; the last pair waits


def test_keys_hold_sixteen_blocks_of_sixteen_million_ids() -> None:
    batch = EncodedBatch.from_lists([[2**ID_BITS - 1, 0], [2**ID_BITS - 1]])
    histogram = count_ids(batch, pl.Series([0, BLOCKS - 1], dtype=pl.UInt8))
    assert (ID_BITS, BLOCKS) == (24, 16)
    assert frame_histograms([histogram]).rows() == [(0, 0, 1), (0, 2**24 - 1, 1), (15, 2**24 - 1, 1)]


def test_segments_apart_from_documents_have_units_of_their_own() -> None:
    documents = pl.DataFrame({"segment": [0], "document": ["a"]}, schema={"segment": pl.UInt32, "document": pl.String})
    units = assign_blocks(pl.Series([0, 1, 2, 40]), documents)["unit"].to_list()
    assert len(set(units)) == 4


def test_texts_are_listed_whole_and_without_each_block() -> None:
    """Segments 0 and 16 are of block 0, segment 1 of block 1; sizes of 10, 13 and 16 bytes, in de 12, 15 and 11."""
    made = make_measurements({"a": {"de": [1, 1, 1], "en": [1, 1, 1]}})
    numbers = pl.Series("segment", [0, 1, 16], dtype=pl.UInt32)
    sizes = pl.Series("bytes", [12, 15, 11, 10, 13, 16], dtype=pl.Int64)
    texts = made.texts.with_columns(sizes, segment=pl.concat([numbers, numbers]))
    counts = made.counts.with_columns(segment=pl.concat([numbers, numbers]))
    listed = list_texts(replace(made, texts=texts, counts=counts))
    assert listed.select("lang", "without", "units", "text_bytes").rows() == [
        (None, None, None, 77), (None, 0, 2, 28), (None, 1, 1, 49),
        ("de", None, None, 38), ("de", 0, 2, 15), ("de", 1, 1, 23),
        ("en", None, None, 39), ("en", 0, 2, 13), ("en", 1, 1, 26),
    ]  # fmt: skip
    fewer = list_texts(replace(made, texts=texts, counts=counts.filter(pl.col("lang") == "en")), "a")
    assert fewer.filter(pl.col("without").is_null()).select("lang", "text_bytes").rows() == [(None, 39), ("en", 39)]


def test_bounds_are_never_below_nought_and_metrics_without_one_have_none() -> None:
    made = make_blocks({"en": [{1: 90, 2: 1}, {1: 90}, {1: 90, 3: 2}]})
    metrics = [METRICS[name] for name in ("entropy", "utilisation", "entropy_at_10k")]
    frame = evaluate(made, metrics, Reference(), Bootstrap())
    rows = {row["metric"]: row for row in frame.filter(pl.col("lang") == "en").to_dicts()}
    # Three types; two without the first block, three without the second, two without the third: pseudo-values 5, 3, 5.
    reach = student_quantile(0.975, 2) * math.sqrt(((5 - 13 / 3) ** 2 * 2 + (3 - 13 / 3) ** 2) / 2 / 3)
    assert rows["utilisation"]["low"] == pytest.approx(max(0, (3 - reach) / 16))
    assert rows["utilisation"]["high"] == pytest.approx((3 + reach) / 16)
    assert rows["entropy"]["low"] == 0.0
    assert rows["entropy_at_10k"]["low"] is None
    assert [rows[name]["n"] for name in rows] == [3, 3, 3]


def test_a_metric_without_an_interval_has_none_where_one_could_be_computed() -> None:
    """Without any of its three blocks, the text still has the 10,000 tokens that the metric needs."""
    made = make_blocks({"en": [{1: 9000, 2: 10}, {1: 9000}, {1: 9000, 3: 20}]})
    frame = evaluate(made, [METRICS["entropy_at_10k"]], Reference(), Bootstrap())
    assert frame["value"].null_count() == 0
    assert frame["low"].null_count() == frame["high"].null_count() == frame.height


def test_a_tokenizer_without_a_token_keeps_its_rows() -> None:
    made = make_measurements({"a": {"en": [0, 0]}, "b": {"en": [1, 2]}}, {"en": [2, 1]})
    made = replace(made, ids=made.ids.filter(pl.col("tokenizer") == "b"))
    frame = evaluate(made, [METRICS["entropy"], METRICS["token_bytes_p50"]], Reference(), Bootstrap())
    rows = frame.select("tokenizer", "lang", "metric", "n").rows()
    assert len(rows) == 8
    assert frame.filter(pl.col("tokenizer") == "a")["value"].null_count() == 4
    assert frame.filter(pl.col("tokenizer") == "b")["value"].null_count() == 0


def test_spectra_of_large_texts_need_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same spectrum by a table of all frequencies, and without one."""
    random = np.random.default_rng(1)
    ids, blocks = np.tile(np.arange(40), 16), np.repeat(np.arange(16), 40)
    counts = random.integers(1, 50, len(ids))
    by_table = _spectra.find_spectra(blocks, ids, counts)
    monkeypatch.setattr(_spectra, "TABLE_SIZE", 0)
    without = _spectra.find_spectra(blocks, ids, counts)
    for name in ("frequencies", "types", "tokens"):
        assert getattr(by_table, name).tolist() == getattr(without, name).tolist()
