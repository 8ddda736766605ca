"""Metrics at their edges, by hand: bounds of vocabularies, ties of quantiles, units of resampling, empty sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace

import numpy as np
import polars as pl
import pytest

import tokbench as tb
from helpers.frozen_dataclasses import check_dataclasses
from helpers.measurements import make_measurements
from tokbench.measurement import Measurements
from tokbench.metrics import (
    METRICS,
    Reference,
    _metric,
    _reference,
    _spectra,
    evaluate,
    find_differences,
    find_metrics,
    list_token_lengths,
    resampling,
)
from tokbench.metrics._boundaries import BOUNDARIES
from tokbench.metrics._evaluation import evaluate_across, evaluate_fact
from tokbench.metrics._intervals import Resamples, is_aligned
from tokbench.metrics._lengths import count_characters
from tokbench.metrics._ranks import RANKS
from tokbench.metrics.resampling import (
    Bootstrap,
    bca_interval,
    draw_weights,
    find_detectable,
    percentile_interval,
)


def value(frame: pl.DataFrame, metric: str, lang: str | None = "en", tokenizer: str = "a") -> float | None:
    """The value of one cell, which has one row."""
    return row_of(frame, metric, lang, tokenizer)["value"]  # type: ignore[no-any-return]


def row_of(frame: pl.DataFrame, metric: str, lang: str | None = "en", tokenizer: str = "a") -> dict[str, object]:
    cell = (pl.col("metric") == metric) & (pl.col("tokenizer") == tokenizer)
    (row,) = frame.filter(cell & pl.col("lang").eq_missing(pl.lit(lang))).to_dicts()
    return row


def with_facts(measurements: Measurements, **facts: int | None) -> Measurements:
    columns = [pl.lit(fact, pl.Int64).alias(name) for name, fact in facts.items()]
    return replace(measurements, tokenizers=measurements.tokenizers.with_columns(columns))


def compute(measurements: Measurements, *names: str, reference: Reference | None = None) -> pl.DataFrame:
    return evaluate(measurements, list(names), reference or Reference("en", "a"))


def test_figures_are_shown_with_the_digits_that_differ() -> None:
    """Whole bytes, characters and windows; tenths of tokens; hundredths of ratios above 1; thousandths below."""
    whole = {name for name, metric in METRICS.items() if metric.decimals == 0}
    counted = {f"token_{unit}_{share}" for unit in ("bytes", "chars") for share in ("p50", "p90", "p99", "max")}
    sizes = {"vocab_base", "vocab_total", "vocab_rows"}
    assert whole == {"effective_context", "effective_context_reference", "mean_rank"} | counted | sizes
    tenths = {name for name, metric in METRICS.items() if metric.decimals == 1}
    split = {metric.name for metric in BOUNDARIES if metric.percent}
    assert (
        tenths
        == {"tokens_per_segment", "tokens_per_segment_with_special", "continued_words", "strr_bare", "strr_spaced"}
        | split
    )
    entropies = {metric.name for metric in BOUNDARIES if metric.unit == "bits"}
    hundredths = {name for name, metric in METRICS.items() if metric.decimals == 2}
    assert hundredths == {
        "bytes_per_token", "chars_per_token", "fertility", "bits_per_byte_coded", "bits_per_byte_entropy", "throughput",
        "premium_median", "premium_worst", "premium_worst_five", "length_spread",
        "entropy", "entropy_miller_madow", "entropy_at_10k", "entropy_at_100k", "tokens_per_digit", *entropies,
    }  # fmt: skip
    assert {metric.decimals for metric in METRICS.values()} == {0, 1, 2, 3}


def test_shares_are_shown_in_per_cent() -> None:
    of_one = {"tokens", "words", "word types", "characters", "segments", "ids", "grapheme clusters", "operators"}
    split = {metric.name for metric in BOUNDARIES if metric.unit not in ("ratio", "bits")} - {"tokens_per_digit"}
    shares = {name for name, metric in METRICS.items() if metric.percent}
    assert shares == {
        "continued_words", "unk_rate", "unk_char_rate", "byte_fallback_rate",
        "round_trip_exact", "round_trip_nfc", "round_trip_whitespace",
        "utilisation", "utilisation_at_10k", "utilisation_at_100k", "strr_bare", "strr_spaced", "percentile_frequency",
        *split,
    }  # fmt: skip
    assert {METRICS[name].unit for name in shares} <= of_one


def test_lossy_tokenizers_are_not_ranked_where_losing_text_scores_better() -> None:
    """Rates of unknown tokens and losses tell of a loss, and sizes of no text: those are ranked always."""
    ranked = {name for name, metric in METRICS.items() if not metric.compression}
    lengths = {f"token_{unit}_{share}" for unit in ("bytes", "chars") for share in ("p50", "p90", "p99", "max")}
    assert ranked == lengths | {
        "utf8_premium", "tokenizer_premium", "unk_rate", "unk_char_rate", "byte_fallback_rate",
        "round_trip_exact", "round_trip_nfc", "round_trip_whitespace",
        "entropy", "entropy_miller_madow", "entropy_at_10k", "entropy_at_100k",
        "renyi_efficiency", "renyi_efficiency_observed", "utilisation", "utilisation_at_10k", "utilisation_at_100k",
        "type_token_ratio", "strr_bare", "strr_spaced", *(metric.name for metric in RANKS),
        "vocab_base", "vocab_total", "vocab_rows", "throughput",
    }  # fmt: skip


def test_only_rarefied_entropy_and_ranks_have_no_interval() -> None:
    without = ["entropy_at_10k", "entropy_at_100k", *(metric.name for metric in RANKS)]
    assert [m.name for m in METRICS.values() if not m.interval] == without


def test_a_metric_says_what_it_is_and_keeps_it() -> None:
    metric = tb.Metric("m", "M", "bytes", "segments", "A definition.")
    assert (metric.decimals, metric.percent, metric.compression, metric.interval) == (3, False, False, True)
    assert repr(metric) == "<metric m [bytes]>"
    assert {metric: 1}[metric] == 1  # expressions have no truth: by identity
    assert metric != replace(metric)
    for frozen, field in ((metric, "name"), (Reference("en"), "language"), (Bootstrap(), "seed")):
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, field, "x")
    described = METRICS["fertility"].describe()
    assert described["decimals"] == 2
    assert not {"numerator", "denominator"} & described.keys()


def test_characters_at_the_edges_of_utf8() -> None:
    edges = ["\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"]
    broken = [b"\x80", b"\xff", b"\xc2", b"a\xff", b"\xffa", b"\xed\xb2\x80", b"\xf4\x90\x80\x80"]
    tokens = [*(edge.encode() for edge in edges), *broken, "".join(edges).encode(), b"", b"\n", b"ab"]
    expected = [*[1] * len(edges), *[-1] * len(broken), len(edges), 0, 1, 2]
    for order in (slice(None), slice(None, None, -1)):
        sizes = np.array([*map(len, tokens[order])], np.uint32)
        assert count_characters(tokens[order], sizes).tolist() == expected[order]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # Lengths in bytes of ids 0 to 3: 2, 2, 1, 4; in characters 2, 1, none, 4.
        ([0, 0, 1, 1], {"token_bytes_p50": 1, "token_bytes_p90": 4, "token_chars_p50": 4, "token_chars_max": 4}),
        ([0, 0, 9, 1], {"token_bytes_p50": 1, "token_bytes_p90": 1, "token_bytes_p99": 4, "token_bytes_max": 4}),
        ([9, 89, 1, 1], {"token_bytes_p99": 2, "token_chars_p50": 1, "token_chars_p90": 2, "token_chars_p99": 4}),
        ([0, 0, 1, 0], {"token_bytes_max": 1, "token_chars_p50": None, "token_chars_max": None}),
        ([1, 1, 0, 0], {"token_chars_p50": 1, "token_chars_p90": 2, "token_bytes_p50": 2}),
    ],
)
def test_lengths_are_lower_quantiles(counts: list[int], expected: dict[str, int | None]) -> None:
    frame = compute(make_measurements({"a": {"en": [4]}}, {"en": counts}), *expected)
    assert {name: value(frame, name) for name in expected} == expected


def test_lengths_by_language_and_over_all() -> None:
    measured = make_measurements({"a": {"en": [4], "zh": [4]}}, {"en": [1, 0, 2], "zh": [0, 3, 1]})
    frame = list_token_lengths(measured)
    rows = frame.filter(pl.col("unit") == "bytes").select("lang", "length", "count").rows()
    assert rows == [(None, 1, 3), (None, 2, 4), ("en", 1, 2), ("en", 2, 1), ("zh", 1, 1), ("zh", 2, 3)]
    rows = frame.filter(pl.col("unit") == "characters").select("lang", "length", "count").rows()
    assert rows == [
        (None, None, 3), (None, 1, 3), (None, 2, 1), ("en", None, 2), ("en", 2, 1), ("zh", None, 1), ("zh", 1, 3),
    ]  # fmt: skip
    assert frame["tokenizer"].unique().to_list() == ["a"]
    lengths = compute(measured, "token_bytes_p50", "token_bytes_max")
    assert [row_of(lengths, "token_bytes_p50", lang)["n"] for lang in ("en", "zh", None)] == [1, 1, 2]
    assert value(lengths, "token_bytes_p50", None) == 2.0


def test_special_tokens_have_no_length() -> None:
    measured = make_measurements({"a": {"en": [4]}}, {"en": [5, 1, 1]})
    special = pl.when(pl.col("id") > 0).then("bytes").alias("bytes")
    frame = list_token_lengths(replace(measured, vocab=measured.vocab.with_columns(special)))
    assert frame.filter(pl.col("lang") == "en").select("unit", "length", "count").rows() == [
        ("bytes", 1, 1), ("bytes", 2, 1), ("characters", None, 1), ("characters", 1, 1),
    ]  # fmt: skip


def test_a_special_token_has_no_length_where_its_id_is_a_token_of_another_vocabulary() -> None:
    measured = make_measurements({"a": {"en": [4]}, "b": {"en": [4]}}, {"en": [5, 1]})
    special = pl.when((pl.col("tokenizer") == "a") | (pl.col("id") == 0)).then("bytes").alias("bytes")
    frame = list_token_lengths(replace(measured, vocab=measured.vocab.with_columns(special)))
    rows = frame.filter((pl.col("lang") == "en") & (pl.col("unit") == "characters"))
    assert rows.select("tokenizer", "length", "count").rows() == [("a", 1, 1), ("a", 2, 5), ("b", 2, 5)]


def test_utilisation_is_null_where_added_tokens_are_among_the_types() -> None:
    names = ("utilisation", "utilisation_at_10k", "type_token_ratio")
    full = make_measurements({"a": {"en": [16]}}, {"en": [1000] * 16})  # as many types as V_base
    frame = compute(full, *names)
    assert value(frame, "utilisation") == 1.0
    assert value(frame, "utilisation_at_10k") == pytest.approx(1.0)
    assert value(frame, "type_token_ratio") == 16 / 16_000
    over = compute(make_measurements({"a": {"en": [16]}}, {"en": [1000] * 17}), *names)
    assert [value(over, name) for name in names] == [None, None, 17 / 17_000]
    assert value(compute(with_facts(full, vocab_base=None), "utilisation"), "utilisation") is None


@pytest.mark.parametrize(("base", "expected"), [(0, None), (1, None), (2, 1.0), (4, 0.5), (None, None)])
def test_renyi_efficiency_needs_two_tokens_in_the_vocabulary(base: int | None, expected: float | None) -> None:
    made = with_facts(make_measurements({"a": {"en": [4]}}, {"en": [2, 2]}), vocab_base=base)
    assert value(compute(made, "renyi_efficiency"), "renyi_efficiency") == pytest.approx(expected)


def test_of_two_types_the_efficiency_over_types_is_one() -> None:
    made = make_measurements({"a": {"en": [4]}}, {"en": [7, 7]})
    frame = compute(made, "renyi_efficiency_observed", "entropy", "entropy_miller_madow")
    assert value(frame, "renyi_efficiency_observed") == pytest.approx(1.0)
    assert value(frame, "entropy") == pytest.approx(1.0)
    assert value(frame, "entropy_miller_madow") == pytest.approx(1 + 1 / (2 * 14 * math.log(2)))


@pytest.mark.parametrize(("total", "bits"), [(1, 0), (2, 1), (3, 2), (16, 4), (17, 5), (1 << 17, 17), (None, None)])
def test_ids_are_stored_in_whole_bits(total: int | None, bits: int | None) -> None:
    """3 tokens in 10 bytes of text."""
    made = with_facts(make_measurements({"a": {"en": [3]}}), vocab_total=total)
    expected = None if bits is None else pytest.approx(3 * bits / 10)
    assert value(compute(made, "bits_per_byte_coded"), "bits_per_byte_coded") == expected


@pytest.mark.parametrize(
    ("losses", "exact", "nfc", "space"),
    [([0, 1, 2, 3], 1 / 4, 2 / 4, 3 / 4), ([3, 3], 0, 0, 0), ([1, None], 0, 1, 1), ([None], None, None, None)],
)
def test_round_trips_are_shares_of_the_segments_that_were_decoded(
    losses: list[int | None], exact: float | None, nfc: float | None, space: float | None
) -> None:
    made = make_measurements({"a": {"en": [2] * len(losses)}})
    made = replace(made, counts=made.counts.with_columns(loss=pl.Series(losses, dtype=pl.UInt8)))
    names = ("round_trip_exact", "round_trip_nfc", "round_trip_whitespace")
    frame = compute(made, *names)
    assert [value(frame, name) for name in names] == [exact, nfc, space]
    assert row_of(frame, "round_trip_exact")["n"] == sum(loss is not None for loss in losses)


def lengths_of(*tokens: int) -> Measurements:
    """One tokenizer, one segment a language, `en` first; tokens by language."""
    languages = ["en", *(f"l{i}" for i in range(1, len(tokens)))]
    return make_measurements({"a": {lang: [count] for lang, count in zip(languages, tokens, strict=True)}})


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([2], {"gini": None, "gini_normalised": None, "length_spread": None, "premium_median": None}),
        ([2, 6], {"gini": 4 / 16, "gini_normalised": 4 / 8, "length_spread": 3.0, "premium_median": 3.0}),
        ([0, 4], {"gini": 0.5, "gini_normalised": 1.0, "length_spread": None, "premium_worst": None}),
        ([0, 0], {"gini": None, "length_spread": None}),
        ([4, 4], {"gini": 0.0, "gini_normalised": 0.0, "length_spread": 1.0}),
        ([1, 1, 2, 5], {"gini": 2 * (0 + 1 + 4 + 1 + 4 + 3) / (2 * 16 * 9 / 4), "premium_median": 2.0}),
        ([1, 2, 3, 4, 5], {"premium_worst_five": None, "premium_median": 3.5}),
        ([1, 2, 3, 4, 5, 6], {"premium_worst_five": 4.0, "premium_worst": 6.0, "premium_median": 4.0}),
        ([1, 2, 3, 4, 5, 6, 9], {"premium_worst_five": 27 / 5}),
    ],
)
def test_spread_over_languages_by_hand(tokens: list[int], expected: dict[str, float | None]) -> None:
    frame = compute(lengths_of(*tokens), *expected)
    for name, wanted in expected.items():
        assert value(frame, name, None) == (None if wanted is None else pytest.approx(wanted)), name
        count = len(tokens) - (1 if name.startswith("premium") else 0)
        if all(tokens):
            assert row_of(frame, name, None)["n"] == count


def test_what_one_metric_is_over_is_computed_for_it_and_not_shown() -> None:
    frame = compute(lengths_of(2, 6), "premium_worst")
    assert frame["metric"].unique().to_list() == ["premium_worst"]
    with pytest.raises(ValueError, match="needs `expr`"):
        evaluate_across(frame, replace(METRICS["gini"], expr=None), METRICS["premium"], Reference())
    with pytest.raises(ValueError, match="needs `expr`"):
        evaluate_fact(lengths_of(2), replace(METRICS["vocab_base"], expr=None))


def test_segments_are_counted_where_both_sides_are_known() -> None:
    made = make_measurements({"a": {"en": [2, 4, 6], "zh": [1, 1, 1]}})
    unknown = pl.when(pl.col("segment") > 0).then("partial_tokens").alias("partial_tokens")
    frame = compute(replace(made, counts=made.counts.with_columns(unknown)), "byte_fallback_rate", "fertility")
    assert (value(frame, "byte_fallback_rate"), row_of(frame, "byte_fallback_rate")["n"]) == (5 / 10, 2)
    assert row_of(frame, "byte_fallback_rate", None)["n"] == 4
    assert row_of(frame, "fertility", None)["n"] == 3  # none of zh, which has no words
    assert row_of(frame, "fertility", "zh")["n"] == 0


def test_a_value_that_is_not_finite_is_null() -> None:
    infinite = tb.Metric("i", "i", "i", "tokenizers", "Infinity.", expr=pl.lit(math.inf))
    assert evaluate(lengths_of(2), [infinite])["value"].to_list() == [None]


COUNTS = {"a": {"en": [1, 2, 3, 10], "zh": [4, 4, 8, 6]}, "b": {"en": [2, 2, 2, 2], "zh": [5, 1, 1, 3]}}


def in_documents(names: Sequence[str | None]) -> Measurements:
    documents = pl.DataFrame(
        {"segment": range(len(names)), "document": names}, schema={"segment": pl.UInt32, "document": pl.String}
    )
    made = make_measurements(COUNTS)
    number = pl.col("segment").cast(pl.UInt32)
    return replace(
        made, documents=documents, texts=made.texts.with_columns(number), counts=made.counts.with_columns(number)
    )


def test_whole_documents_are_drawn_unless_segments_are_asked_for() -> None:
    """Documents x (segments 0 and 2) and y (1 and 3), drawn as two units; without documents, four segments."""
    measured = in_documents(["x", "y", "x", "y"])
    for draw, sums in (("documents", [4.0, 12.0]), ("segments", [1.0, 2.0, 3.0, 10.0])):
        bootstrap = Bootstrap(resamples=40, draw=draw)  # type: ignore[arg-type]
        frame = evaluate(measured, ["tokens_per_segment"], Reference(), bootstrap)
        resampled = draw_weights(bootstrap, len(sums)) @ np.array(sums)[:, None] / 4
        row = row_of(frame, "tokens_per_segment")
        assert (row["low"], row["high"]) == pytest.approx(tuple(b[0] for b in percentile_interval(resampled, 0.95)))
    differences = find_differences(measured, find_metrics(["tokens_per_segment"]), "b", Bootstrap(resamples=20))
    assert differences["n"].to_list() == [2] * 3


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_bca_of_a_corpus_is_that_of_its_sums(level: float) -> None:
    bootstrap = Bootstrap(resamples=60, method="bca", level=level, seed=3)
    frame = evaluate(
        make_measurements(COUNTS), ["premium", "nsl", "effective_context"], Reference("en", "b"), bootstrap
    )
    weights = draw_weights(bootstrap, 4)
    drawn = np.concatenate([np.ones((1, 4)), weights, 1 - np.eye(4)])
    sums = {(name, lang): drawn @ np.array(counts, float) for name, x in COUNTS.items() for lang, counts in x.items()}
    chars = drawn @ np.full(4, 8.0)
    expected = {
        ("premium", "zh"): sums["a", "zh"] / sums["a", "en"],
        ("nsl", "zh"): sums["a", "zh"] / sums["b", "zh"],
        ("nsl", None): (sums["a", "zh"] + sums["a", "en"]) / (sums["b", "zh"] + sums["b", "en"]),
        ("effective_context", "en"): 100 * chars / sums["a", "en"],
    }
    for (metric, lang), values in expected.items():
        row = row_of(frame, metric, lang)
        low, high = bca_interval(values[1:61, None], values[:1], values[61:, None], level)
        assert row["value"] == pytest.approx(values[0])
        assert (row["low"], row["high"]) == pytest.approx((low[0], high[0])), metric


def test_intervals_over_languages_are_of_the_languages_of_each_resample() -> None:
    bootstrap = Bootstrap(resamples=30)
    frame = evaluate(make_measurements(COUNTS), ["gini", "premium_median"], Reference("en"), bootstrap)
    sums = [draw_weights(bootstrap, 4) @ np.array(COUNTS["a"][lang], float) for lang in ("en", "zh")]
    ginis = np.abs(sums[0] - sums[1]) / (2 * (sums[0] + sums[1]))
    row = row_of(frame, "gini", None)
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.percentile(ginis, [2.5, 97.5])))
    row = row_of(frame, "premium_median", None)
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.percentile(sums[1] / sums[0], [2.5, 97.5])))


def test_without_its_reference_a_metric_has_no_interval_and_the_others_have() -> None:
    names = ["premium", "nsl", "premium_worst", "fertility", "vocab_base", "gini"]
    for reference in (Reference(), Reference("fr", "c")):
        frame = evaluate(make_measurements(COUNTS), names, reference, Bootstrap(resamples=20))
        for name in ("premium", "nsl", "premium_worst", "vocab_base"):
            rows = frame.filter(pl.col("metric") == name)
            assert rows.height
            assert rows["low"].null_count() == rows["high"].null_count() == rows.height
        assert row_of(frame, "fertility")["low"] is not None
        assert row_of(frame, "gini", None)["low"] is not None
    with pytest.raises(ValueError, match="is not a ratio"):
        Resamples(make_measurements(COUNTS), Bootstrap(2)).ratios(METRICS["gini"], Reference(), pooled=False)


def cut_first(measured: Measurements) -> Measurements:
    """Without the first count, so that segments are not paired."""
    return replace(measured, counts=measured.counts.slice(1))


def test_measurements_with_gaps_have_values_and_no_intervals() -> None:
    whole = make_measurements(COUNTS)
    assert is_aligned(whole)
    gaps = cut_first(whole)
    assert not is_aligned(gaps)
    bootstrap = Bootstrap(resamples=20)
    frame = evaluate(gaps, ["tokens_per_segment", "bytes_per_token"], Reference(), bootstrap)
    assert value(frame, "tokens_per_segment") == 5.0
    assert value(frame, "bytes_per_token") == 30 / 15
    assert row_of(frame, "tokens_per_segment")["n"] == 3
    assert frame["low"].null_count() == frame.height
    assert find_differences(gaps, find_metrics(["fertility"]), "b", bootstrap).is_empty()


def test_no_differences_without_a_baseline_another_tokenizer_a_metric_or_a_bootstrap() -> None:
    measured, tokens = make_measurements(COUNTS), find_metrics(["tokens_per_segment"])
    bootstrap = Bootstrap(resamples=20)
    assert find_differences(measured, tokens, "b", bootstrap).height == 3
    assert find_differences(measured, tokens, "a", bootstrap)["tokenizer"].to_list() == ["b"] * 3
    for nothing in (
        find_differences(measured, tokens, None, bootstrap),
        find_differences(measured, tokens, "c", bootstrap),
        find_differences(measured, tokens, "b", None),
        find_differences(measured, (), "b", bootstrap),
        find_differences(measured.keep(["b"]), tokens, "b", bootstrap),
    ):
        assert nothing.is_empty()
        assert nothing.columns == find_differences(measured, tokens, "b", bootstrap).columns
    with pytest.raises(ValueError, match="is not a ratio"):
        find_differences(measured, [METRICS["gini"]], "b", bootstrap)


def test_differences_of_scaled_ratios_by_hand() -> None:
    """Contexts of 100 and 300: the ratio of characters per token is multiplied by theirs."""
    measured = make_measurements(COUNTS)
    windows = pl.Series("context_window", [100, 300])
    measured = replace(measured, tokenizers=measured.tokenizers.with_columns(windows))
    bootstrap = Bootstrap(resamples=50, level=0.9)
    frame = find_differences(measured, find_metrics(["effective_context", "tokens_per_segment"]), "b", bootstrap)
    rows = {(row["metric"], row["lang"]): row for row in frame.to_dicts()}
    scaled = rows["effective_context", "en"]
    assert scaled["ratio"] == pytest.approx(100 / 16 / (300 / 8))
    drawn = draw_weights(bootstrap, 4) @ np.array([COUNTS["a"]["en"], COUNTS["b"]["en"]], float).T
    ratios = drawn[:, 1] / drawn[:, 0] / 3
    assert (scaled["low"], scaled["high"]) == pytest.approx(tuple(np.percentile(ratios, [5, 95])))
    assert scaled["detectable"] == pytest.approx(find_detectable(ratios[:, None], 0.9)[0])
    assert rows["tokens_per_segment", None]["ratio"] == pytest.approx((16 + 22) / (8 + 10))
    assert set(frame["n"]) == {4}
    assert set(frame["shuffles"]) == {60_000}  # six tests
    # Over all languages each unit adds what it does in either: all 16 swaps of the four segments, by hand.
    gaps = [[2 * s for s in signs] for signs in np.ndindex(2, 2, 2, 2)]
    steps = np.array([(1 + 4) - (2 + 5), (2 + 4) - (2 + 1), (3 + 8) - (2 + 1), (10 + 6) - (2 + 3)])
    swapped = np.abs((1 - np.array(gaps)) @ steps)
    share = float((swapped >= abs(steps.sum())).mean())
    assert rows["tokens_per_segment", None]["p"] == pytest.approx(share, abs=0.01)


def test_what_is_detectable_follows_from_the_resamples_alone() -> None:
    """With BCa the corpus without each segment is at hand too, which is no resample."""
    names = find_metrics(["tokens_per_segment"])
    plain, corrected = (
        find_differences(make_measurements(COUNTS), names, "b", Bootstrap(resamples=9, method=method))  # type: ignore[arg-type]
        for method in ("percentile", "bca")
    )
    assert plain["detectable"].to_list() == corrected["detectable"].to_list()
    drawn = draw_weights(Bootstrap(resamples=9), 4) @ np.array([COUNTS["a"]["zh"], COUNTS["b"]["zh"]], float).T
    expected = find_detectable((drawn[:, 0] / drawn[:, 1])[:, None], 0.95)[0]
    assert plain.filter(pl.col("lang") == "zh")["detectable"].item() == pytest.approx(expected)


def test_metrics_and_what_computes_them_are_frozen() -> None:
    check_dataclasses(_metric, {"Metric"})
    check_dataclasses(_reference, set())
    check_dataclasses(resampling, {"Units"})
    check_dataclasses(_spectra, {"Spectra"})


def test_the_p_of_scaled_ratios_is_the_share_of_all_swaps() -> None:
    """Characters per token, times windows of 3 and 1: numerator and denominator of a segment swap together."""
    measured = make_measurements(COUNTS)
    windows = pl.Series("context_window", [3, 1])
    measured = replace(measured, tokenizers=measured.tokenizers.with_columns(windows))
    frame = find_differences(measured, find_metrics(["effective_context"]), "b", Bootstrap(resamples=5))
    (found,) = frame.filter(pl.col("lang") == "zh")["p"]
    sides = [[(8 * 3, tokens) for tokens in COUNTS["a"]["zh"]], [(8 * 1, tokens) for tokens in COUNTS["b"]["zh"]]]
    gaps = []
    for swaps in np.ndindex(2, 2, 2, 2):
        sums = [np.sum([sides[side ^ swap][i] for i, swap in enumerate(swaps)], axis=0) for side in (0, 1)]
        gaps.append(abs(sums[0][0] / sums[0][1] - sums[1][0] / sums[1][1]))
    share = float(np.mean(np.array(gaps) >= gaps[0] * (1 - 1e-9)))
    assert found == pytest.approx(share, abs=0.01)
    assert 0.1 < share < 0.9


def test_sums_of_long_segments_do_not_wrap() -> None:
    """Counts of 32 bits whose sum has 33."""
    counts = make_measurements({"a": {"en": [2**31 - 1, 2**31 - 1]}})
    counts = replace(counts, counts=counts.counts.cast({"tokens": pl.Int32}))
    frame = evaluate(counts, ["tokens_per_segment"])
    assert frame.filter(pl.col("lang") == "en")["value"].item() == 2**31 - 1
