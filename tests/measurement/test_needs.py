"""What is counted follows from the metrics; what is not counted is null, and everything copes with that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from helpers.commands import run
from helpers.made import make_sentencepiece
from tokbench import Metric, ParallelCorpus, compare
from tokbench.adapters import load_tokenizer
from tokbench.measurement import EVERYTHING, Measurements, Needs, measure
from tokbench.measurement.boundaries import COLUMNS as BOUNDARIES
from tokbench.measurement.needs import COLUMNS
from tokbench.metrics import DEFAULT_METRICS, evaluate, find_metrics, find_needs

TEXTS = {"en": ["the letter", "an elephant"], "de": ["der Brief", "déjà vu \U0001f600"]}


def need(*metrics: str, ranked: bool = False) -> Needs:
    return find_needs(find_metrics(metrics), ranked=ranked)


NOTHING = Needs.of((), ids=False)


def test_metrics_tell_what_is_counted() -> None:
    everything = need(*DEFAULT_METRICS)
    assert replace(everything, boundaries=()) == EVERYTHING
    assert {"judged_segments", "wide_split", "graphemes", "word_ends"} < {*everything.boundaries} < {*BOUNDARIES}
    assert need("operators_isolated").boundaries == ("operators", "operators_isolated", "judged_segments")
    assert need("tokens_per_segment", "premium_worst", "vocab_total") == NOTHING
    assert NOTHING.only_tokens
    assert need("continued_words") == Needs.of({"words", "continued_words"}, ids=False)
    assert need("entropy") == Needs.of((), ids=True)
    assert need("unk_rate") == Needs.of({"unk_tokens"}, ids=False)
    assert need("fertility", "byte_fallback_rate") == Needs.of({"words", "partial_tokens"}, ids=False)


def test_losses_are_counted_where_a_metric_of_compression_ranks() -> None:
    assert not need("tokens_per_segment").losses
    assert need("tokens_per_segment", ranked=True) == Needs.of({"loss"}, ids=False)
    assert not need("unk_rate", "tokenizer_premium", ranked=True).losses
    assert need("gini", ranked=True).losses


def test_own_metrics_and_the_base_of_one_over_languages_count_what_they_read() -> None:
    own = Metric("x", "x", "x", "segments", "x", numerator=pl.col("words"), denominator=pl.col("unk_chars"))
    over = Metric("y", "y", "y", "languages", "y", base_metric="x", expr=pl.col("value").mean())
    assert find_needs(find_metrics([over, own]), ranked=False) == Needs.of({"words", "unk_chars"}, ids=False)
    spread = Metric("z", "z", "z", "languages", "z", base_metric="fertility", expr=pl.col("value").mean())
    assert find_needs(find_metrics([spread]), ranked=False).words


@pytest.mark.parametrize("column", [*COLUMNS, "ids"])
def test_each_count_is_the_same_alone_and_the_others_are_null(tmp_path: Path, column: str) -> None:
    tokenizer = load_tokenizer(str(make_sentencepiece(tmp_path)))
    corpus = ParallelCorpus.from_texts(TEXTS)
    whole = measure([tokenizer], corpus)
    found = measure([tokenizer], corpus, needs=Needs.of({column}, ids=column == "ids"))
    assert found.counts["tokens"].equals(whole.counts["tokens"])
    for name in COLUMNS:
        frame, all_of_it = (m.texts if name == "words" else m.counts for m in (found, whole))
        if name == column:
            assert frame[name].equals(all_of_it[name], null_equal=True)
            assert frame[name].null_count() == 0
        else:
            assert frame[name].null_count() == frame.height
            assert frame.schema == all_of_it.schema
    assert found.ids.equals(whole.ids) if column == "ids" else found.ids.is_empty()


def test_metrics_of_what_was_not_counted_are_null(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(make_sentencepiece(tmp_path)))
    counted = measure([tokenizer], ParallelCorpus.from_texts(TEXTS), needs=NOTHING)
    values = evaluate(counted)
    known = set(values.drop_nulls("value")["metric"])
    assert "tokens_per_segment" in known
    unknown = {"fertility", "continued_words", "round_trip_exact", "unk_rate", "unk_char_rate", "byte_fallback_rate"}
    unknown |= {"entropy", "utilisation", "type_token_ratio", "token_bytes_p50", "token_chars_max"}
    assert not known & unknown


def test_a_saved_comparison_without_losses_says_so(tmp_path: Path) -> None:
    model = str(make_sentencepiece(tmp_path))
    result = compare([model], TEXTS, metrics="tokens_per_segment", throughput=False)
    (tokenizer,) = result.tokenizers
    assert not tokenizer.decoded
    assert "losses were not counted, since no metric needs them" in result.to_markdown()
    result.save(tmp_path / "kept")
    assert Measurements.load(tmp_path / "kept").counts["loss"].null_count() == 4
    assert run("report", str(tmp_path / "kept"), "-o", str(tmp_path / "x.html")).returncode == 0
