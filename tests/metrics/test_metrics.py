"""Metrics on numbers worked out by hand, as properties, and on published figures."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokbench as tb
from helpers.corpora import write_corpus
from helpers.data import needs_data
from helpers.made import make_wordpiece
from helpers.measurements import make_measurements
from tokbench.measurement import Measurements
from tokbench.measurement.single_token_words import measure_isolated
from tokbench.metrics import (
    METRICS,
    Reference,
    evaluate,
    find_differences,
    find_metrics,
    find_tested,
    list_token_lengths,
    trace_lorenz,
)
from tokbench.metrics._boundaries import BOUNDARIES
from tokbench.metrics._lengths import count_characters
from tokbench.metrics._ranks import RANKS
from tokbench.metrics._rarefaction import find_chances, find_terms, log_factorial, log_falling
from tokbench.metrics.resampling import Bootstrap, draw_weights
from tokbench.report._summary import has_all_metrics


def value(frame: pl.DataFrame, metric: str, tokenizer: str = "a", lang: str | None = None) -> float | None:
    rows = frame.filter(
        (pl.col("metric") == metric) & (pl.col("tokenizer") == tokenizer) & pl.col("lang").eq_missing(pl.lit(lang))
    )
    assert rows.height == 1, rows
    found: float | None = rows["value"].item()
    return found


def evaluate_all(measurements: Measurements, reference: Reference | None = None) -> pl.DataFrame:
    return evaluate(measurements, list(METRICS.values()), reference or Reference("en", "b"))


@pytest.fixture(scope="module")
def figures() -> pl.DataFrame:
    counts = {"a": {"en": [2, 4], "zh": [6, 12], "de": [3, 9]}, "b": {"en": [4, 4], "zh": [6, 6], "de": [4, 8]}}
    return evaluate_all(make_measurements(counts, {"en": [2, 1, 1], "zh": [4], "de": [1, 1]}))


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("metric", "lang", "expected"),
    [
        ("tokens_per_segment", "en", 3.0),
        ("tokens_per_segment", None, 36 / 6),
        ("bytes_per_token", "zh", 20 / 18),
        ("chars_per_token", "en", 16 / 6),
        ("tokens_per_char", "en", 6 / 16),
        ("fertility", "en", 6 / 10),
        ("fertility", "zh", None),
        ("fertility", None, 18 / 20),  # zh has no words and takes no part
        ("continued_words", "en", 6 / 10),
        ("nsl", "en", 6 / 8),
        ("nsl", None, 36 / 32),
        ("premium", "zh", 3.0),
        ("premium", "en", 1.0),
        ("utf8_premium", "zh", 1.0),
        ("tokenizer_premium", "zh", 3.0),
        ("premium_median", None, 2.5),
        ("premium_worst", None, 3.0),
        ("gini", None, (3 + 6 + 3) * 2 / (2 * 9 * 6)),  # |3-6| + |3-9| + |6-9|, both ways; mean 6
        ("gini_normalised", None, (3 + 6 + 3) * 2 / (2 * 9 * 6) * 3 / 2),
        ("bits_per_byte_coded", "en", 6 * math.ceil(math.log2(20)) / 20),
        ("effective_context", "en", 100 * 16 / 6),
        ("byte_fallback_rate", "en", 3 / 6),
        ("round_trip_exact", "en", 0.5),
        ("round_trip_nfc", "en", 1.0),
        ("round_trip_whitespace", None, 1.0),
        ("unk_rate", "en", 0.0),
        ("entropy", "en", 1.5),
        ("entropy", "zh", 0.0),
        ("entropy", None, -(7 * math.log2(0.7) + 2 * math.log2(0.2) + math.log2(0.1)) / 10),
        ("renyi_efficiency", "de", 1.0 / 4),
        ("renyi_efficiency", "zh", 0.0),
        ("renyi_efficiency", "en", math.log2(0.5**2.5 + 2 * 0.25**2.5) / (1 - 2.5) / 4),
        ("utilisation", "en", 3 / 16),
        ("type_token_ratio", "en", 3 / 4),
        ("entropy_miller_madow", "en", 1.5 + 2 / (2 * 4 * math.log(2))),
        ("entropy_at_10k", "en", None),  # four tokens
        ("entropy_at_100k", "en", None),
        ("utilisation_at_10k", "en", None),
        ("utilisation_at_100k", None, None),
        ("bits_per_byte_entropy", "en", 1.5 * 4 / 20),
        ("bits_per_byte_entropy", "zh", 0.0),
        ("renyi_efficiency_observed", "en", math.log2(0.5**2.5 + 2 * 0.25**2.5) / (1 - 2.5) / math.log2(3)),
        ("renyi_efficiency_observed", "zh", None),
        ("effective_context_reference", "zh", 100 / 3),
        ("effective_context_reference", "en", 100.0),
        ("premium_worst_five", None, None),  # of two languages
        ("length_spread", None, 3.0),
        ("token_bytes_p50", "en", 2.0),  # of 2, 2, 2, 1
        ("token_bytes_p90", "en", 2.0),
        ("token_bytes_p99", "en", 2.0),
        ("token_bytes_max", "en", 2.0),
        ("token_chars_p50", "en", 2.0),  # of 2, 2, 1; a part of a character has none
        ("token_chars_p90", "en", 2.0),
        ("token_chars_p99", "en", 2.0),
        ("token_chars_max", "de", 2.0),
        ("vocab_base", None, 16.0),
        ("vocab_total", None, 20.0),
        ("vocab_rows", None, 32.0),
    ],
)
def test_values_by_hand(figures: pl.DataFrame, metric: str, lang: str | None, expected: float | None) -> None:
    assert value(figures, metric, lang=lang) == pytest.approx(expected, abs=1e-12)


def test_every_metric_has_a_test_by_hand_or_is_measured_elsewhere() -> None:
    mark = next(mark for mark in test_values_by_hand.pytestmark if mark.name == "parametrize")
    tested = {case[0] for case in mark.args[1]}
    elsewhere = {"tokens_per_segment_with_special", *(metric.name for metric in (*RANKS, *BOUNDARIES))}
    assert METRICS.keys() - tested == {"throughput", "unk_char_rate", "strr_bare", "strr_spaced"} | elsewhere


def test_relative_metrics_are_null_without_a_reference(figures: pl.DataFrame) -> None:
    counts = make_measurements({"a": {"en": [2]}, "b": {"en": [3]}})
    frame = evaluate_all(counts, Reference(None, None))
    for name in ("premium", "nsl", "utf8_premium", "tokenizer_premium"):
        assert (
            frame.filter(pl.col("metric") == name)["value"].null_count()
            == frame.filter(pl.col("metric") == name).height
        )


def test_one_type_has_an_entropy_of_nought_and_no_token_has_none(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["aaa", "a"], zh=["\x01", "\x01"])  # BERT drops control characters
    result = tb.compare(["utf8", make_wordpiece(tmp_path)], corpus, throughput=False)
    for metric in ("entropy", "renyi_efficiency"):
        (nought,) = result.frame.filter(
            (pl.col("tokenizer") == "utf8") & (pl.col("metric") == metric) & (pl.col("lang") == "en")
        )["value"]
        assert str(nought) == "0.0"
    for metric in ("entropy", "renyi_efficiency", "utilisation", "type_token_ratio", "bytes_per_token"):
        rows = result.frame.filter(
            (pl.col("tokenizer") == tmp_path.name) & (pl.col("metric") == metric) & (pl.col("lang") == "zh")
        )
        assert rows["value"].to_list() == [None], metric


def test_nothing_over_nothing_is_null() -> None:
    frame = evaluate_all(make_measurements({"a": {"en": [0, 0]}, "b": {"en": [1, 1]}}))
    assert value(frame, "bytes_per_token", lang="en") is None
    assert value(frame, "gini") is None  # of one language
    assert value(frame, "premium", lang="en") is None
    assert not frame["value"].is_nan().any()
    assert not frame["value"].is_infinite().any()


counts_of = st.fixed_dictionaries(
    {lang: st.lists(st.integers(1, 50), min_size=3, max_size=3) for lang in ("en", "de", "zh")}
)


@settings(max_examples=8, deadline=None)
@given(a=counts_of, b=counts_of, order=st.permutations(range(3)))
def test_metrics_do_not_depend_on_the_order_of_segments(
    a: dict[str, list[int]], b: dict[str, list[int]], order: list[int]
) -> None:
    straight = evaluate_all(make_measurements({"a": a, "b": b}))
    mixed = {n: {lang: [c[i] for i in order] for lang, c in x.items()} for n, x in (("a", a), ("b", b))}
    shuffled = evaluate_all(make_measurements(mixed))
    keys = ["tokenizer", "lang", "metric"]
    names = [n for n in METRICS if not n.startswith("round_trip")]  # a loss is of its segment
    both = straight.join(shuffled, on=keys, nulls_equal=True).filter(pl.col("metric").is_in(names))
    assert both["value"].to_list() == pytest.approx(both["value_right"].to_list(), nan_ok=False)


@settings(max_examples=10, deadline=None)
@given(a=counts_of, b=counts_of)
def test_identities(a: dict[str, list[int]], b: dict[str, list[int]]) -> None:
    frame = evaluate_all(make_measurements({"a": a, "b": b}))
    assert value(frame, "premium", lang="en") == value(frame, "nsl", "b", "en") == 1  # exactly
    for lang in ("de", "zh"):
        premium, utf8, own = (value(frame, n, lang=lang) for n in ("premium", "utf8_premium", "tokenizer_premium"))
        assert None not in (premium, utf8, own)
        assert (utf8 or 0) * (own or 0) == pytest.approx(premium, rel=1e-12)
    gini = value(frame, "gini")
    assert gini is not None
    assert -1e-12 <= gini <= 2 / 3
    assert value(frame, "nsl", "b", "de") == 1


@pytest.mark.smoke
def test_one_language_has_no_spread_but_a_row_and_the_usual_table(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["the fox", "a dog"])
    result = tb.compare(["utf8"], corpus)
    rows = result.frame.filter(pl.col("metric").is_in(["gini", "premium_median", "premium_worst"]))
    assert rows.select("value", "n").rows() == [(None, 0), (None, 0), (None, 1)]
    assert has_all_metrics(result)


def test_an_unknown_metric_is_named_with_the_nearest() -> None:
    with pytest.raises(tb.TokbenchError, match="did you mean 'fertility'"):
        find_metrics(["fertilty"])


@settings(max_examples=6, deadline=None)
@given(a=counts_of, b=counts_of, seed=st.integers(0, 1000))
def test_intervals_are_those_of_resampled_segments(a: dict[str, list[int]], b: dict[str, list[int]], seed: int) -> None:
    bootstrap = Bootstrap(resamples=20, seed=seed)
    measured = make_measurements({"a": a, "b": b})
    frame = evaluate(measured, list(METRICS.values()), Reference("en", "b"), bootstrap)
    weights = draw_weights(bootstrap, 3)
    premiums = [(w @ a["zh"]) / (w @ a["en"]) for w in weights]
    (row,) = frame.filter(pl.col("metric") == "premium", pl.col("tokenizer") == "a", pl.col("lang") == "zh").to_dicts()
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.percentile(premiums, [2.5, 97.5])))
    pooled = [w @ (np.array(a["zh"]) + a["en"] + a["de"]) / 9 for w in weights]
    row = frame.filter(
        pl.col("metric") == "tokens_per_segment", pl.col("tokenizer") == "a", pl.col("lang").is_null()
    ).to_dicts()[0]
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.percentile(pooled, [2.5, 97.5])))
    worst = [max((w @ a["zh"]) / (w @ a["en"]), (w @ a["de"]) / (w @ a["en"])) for w in weights]
    (row,) = frame.filter(pl.col("metric") == "premium_worst", pl.col("tokenizer") == "a").to_dicts()
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.percentile(worst, [2.5, 97.5])))
    again = evaluate(measured, list(METRICS.values()), Reference("en", "b"), bootstrap)
    keys = ["tokenizer", "lang", "metric"]
    assert again.sort(keys).equals(frame.sort(keys), null_equal=True)


@needs_data
def test_published_figures_of_gpt_neox_on_flores(shared_data: Path) -> None:
    folder = shared_data / "corpora" / "flores200" / "dev"
    corpus = tb.load_corpus(folder, languages=["eng_Latn", "zho_Hans"])
    frame = tb.compare(["gpt-neox-20b"], corpus, bootstrap=Bootstrap(draw="segments"), throughput=False).frame
    name = "gpt-neox-20b"
    bounds = frame.filter(pl.col("metric") == "premium", pl.col("lang") == "zho_Hans").select("low", "high").row(0)
    assert bounds == pytest.approx((2.063, 2.115), abs=0.003)
    assert value(frame, "premium", name, "zho_Hans") == pytest.approx(2.0888, abs=1e-4)
    assert value(frame, "fertility", name, "eng_Latn") == pytest.approx(1.2452, abs=5e-5)
    assert value(frame, "renyi_efficiency", name, "eng_Latn") == pytest.approx(0.402, abs=5e-4)


@needs_data
def test_the_table_of_2023_on_news_commentary(shared_data: Path) -> None:
    corpus = tb.load_corpus(shared_data / "corpora" / "nc_zh_en" / "train_10k.jsonl")
    assert corpus.n == 10_000
    names = ["cl100k_base", "p50k_base"]
    frame = tb.compare(names, corpus, metrics=["tokens_per_segment", "vocab_total"]).frame
    lengths = {
        (n, lang): round(value(frame, "tokens_per_segment", n, lang) or 0, 1) for n in names for lang in ("zh", "en")
    }
    assert lengths == {
        ("cl100k_base", "zh"): 50.2, ("cl100k_base", "en"): 26.9, ("p50k_base", "zh"): 86.8, ("p50k_base", "en"): 27.5,
    }  # fmt: skip
    assert value(frame, "vocab_total", "p50k_base") == 50281


def test_chars_under_unk(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["the 😀😀 dog", "the"])
    result = tb.compare([str(make_wordpiece(tmp_path))], corpus, metrics=["unk_char_rate", "unk_rate"])
    assert value(result.frame, "unk_char_rate", result.names[0]) == 2 / 13


def rarefy(counts: list[int], size: int) -> tuple[float, float]:
    """The types and the entropy expected among `size` tokens; NaN of fewer."""
    spectrum = pl.DataFrame({"count": counts}).group_by("count").agg(types=pl.len()).with_columns(tokens=sum(counts))
    columns = (spectrum[name].cast(pl.Int64).to_numpy() for name in ("count", "tokens", "types"))
    count, tokens, of_count = columns
    types, entropy = ((find(count, tokens, size) * of_count).sum() for find in (find_chances, find_terms))
    return float(types), float(entropy)


@pytest.mark.parametrize("counts", [[3, 2, 1], [5], [1, 1, 1, 1], [4, 4]])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_rarefied_values_are_means_over_all_draws(counts: list[int], size: int) -> None:
    tokens = [i for i, count in enumerate(counts) for _ in range(count)]
    draws = list(combinations(tokens, size))
    types = sum(len(set(draw)) for draw in draws) / len(draws)
    entropies = [-sum(n / size * math.log2(n / size) for n in (draw.count(i) for i in set(draw))) for draw in draws]
    assert rarefy(counts, size) == pytest.approx((types, sum(entropies) / len(draws)), abs=1e-12)
    assert rarefy(counts, 100) == pytest.approx((math.nan, math.nan), nan_ok=True)


def expect_exactly(count: int, tokens: int, size: int) -> Decimal:
    """E[-k/size log2 k/size] for a hypergeometric k, term by term to 40 digits."""
    with localcontext(prec=40):
        chance = Decimal(1)
        for j in range(count):
            chance = chance * (tokens - size - j) / (tokens - j)
        found = Decimal(0)
        for k in range(1, min(count, size) + 1):
            chance = chance * (count - k + 1) * (size - k + 1) / (k * (tokens - count - size + k))
            found -= chance * k / size * (Decimal(k) / size).ln() / Decimal(2).ln()
        return found


def test_rarefied_entropy_is_exact_to_twelve_digits() -> None:
    """Ids from rare to a tenth of the text, in two texts at once: chances by ones, and by steps."""
    counts, texts = [1, 2, 7, 60, 333, 700, 900, 1400, 2000, 4000], [40_000, 500_000]
    rows = [(count, tokens) for tokens in texts for count in counts]
    found = find_terms(*np.array(rows).T, 10_000).tolist()
    errors = [abs(Decimal(got) / expect_exactly(*row, 10_000) - 1) for got, row in zip(found, rows, strict=True)]
    assert max(errors) < 1e-12


def test_terms_of_several_texts_at_once() -> None:
    """Nine of ten tokens, of which eight must be drawn, beside five of a thousand: ranges of other ends."""
    rows = [(9, 10), (5, 1000), (1, 9), (8, 9), (700, 1000)]

    def expect(count: int, tokens: int) -> float:
        draws = [math.comb(count, k) * math.comb(tokens - count, 9 - k) / math.comb(tokens, 9) for k in range(10)]
        return -sum(chance * k / 9 * math.log2(k / 9) for k, chance in enumerate(draws) if k)

    for order in (rows, rows[::-1]):
        found = find_terms(*np.array(order).T, 9).tolist()
        assert found == pytest.approx([expect(*row) for row in order], rel=1e-12, abs=1e-15)


@settings(max_examples=20, deadline=None)
@given(counts=st.lists(st.integers(1, 3000), min_size=1, max_size=30))
def test_rarefied_to_its_own_size_a_text_is_itself(counts: list[int]) -> None:
    total = sum(counts)
    plug_in = -sum(c / total * math.log2(c / total) for c in counts)
    types, entropy = rarefy(counts, total)
    assert types == pytest.approx(len(counts), rel=1e-9)
    assert entropy == pytest.approx(plug_in, abs=1e-7)


def test_token_lengths_keep_parts_of_characters_apart() -> None:
    measured = make_measurements({"a": {"en": [4]}}, {"en": [2, 1, 1, 5]})
    rows = list_token_lengths(measured).filter(pl.col("lang") == "en").select("unit", "length", "count").rows()
    assert rows == [
        ("bytes", 1, 1), ("bytes", 2, 3), ("bytes", 4, 5),
        ("characters", None, 1), ("characters", 1, 1), ("characters", 2, 2), ("characters", 4, 5),
    ]  # fmt: skip


def test_the_lorenz_curve_by_hand() -> None:
    frame = evaluate_all(make_measurements({"a": {"en": [1], "zh": [6], "de": [3]}}))
    curve = trace_lorenz(frame).select("lang", "languages", "tokens").rows()
    assert curve == [("en", pytest.approx(1 / 3), 0.1), ("de", pytest.approx(2 / 3), 0.4), ("zh", 1.0, 1.0)]
    area = sum((a + b) / 2 / 3 for a, b in zip([0, 0.1, 0.4], [0.1, 0.4, 1.0], strict=True))
    assert value(frame, "gini") == pytest.approx(1 - 2 * area)


def test_lorenz_curves_keep_the_order_of_tokenizers_and_break_ties_by_name() -> None:
    made = make_measurements({"a": {"en": [2], "de": [2]}, "b": {"en": [3], "de": [1]}})
    frame = evaluate(made, ["tokens_per_segment", "bytes_per_token"])
    by_b_first = pl.concat([frame.filter(pl.col("tokenizer") == name) for name in ("b", "a")])
    assert trace_lorenz(by_b_first).rows() == [
        ("b", "de", 0.5, 0.25), ("b", "en", 1.0, 1.0), ("a", "de", 0.5, 0.5), ("a", "en", 1.0, 1.0),
    ]  # fmt: skip
    undefined = frame.with_columns(value=pl.when(pl.col("lang") != "de").then("value"))
    assert trace_lorenz(undefined).select("lang", "languages", "tokens").rows() == [("en", 1.0, 1.0)] * 2


def test_the_five_worst_by_hand() -> None:
    lengths = {f"l{i}": [i + 1] for i in range(6)}
    frame = evaluate(make_measurements({"a": lengths}), find_metrics(["premium_worst_five"]), Reference("l0", None))
    assert value(frame, "premium_worst_five") == (2 + 3 + 4 + 5 + 6) / 5


def test_every_metric_says_what_happens_at_its_edges_and_elsewhere() -> None:
    for metric in METRICS.values():
        assert all(
            text.endswith(".") and text != "Not stated." for text in (metric.edge_cases, metric.other_definitions)
        )


def test_single_token_words_by_hand(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["a bc a", "d"], zh=["\u4f60\u597d", "\u4f60"])
    frame = tb.compare(["utf8"], corpus, metrics=["strr_bare", "strr_spaced"]).frame
    assert value(frame, "strr_bare", "utf8", "en") == pytest.approx(2 / 3)  # a, d of a, bc, d
    assert value(frame, "strr_spaced", "utf8", "en") == 0
    assert value(frame, "strr_bare", "utf8", "zh") is None
    assert frame.filter(pl.col("lang") == "en")["n"].to_list() == [3, 3]


def test_differences_by_hand() -> None:
    measured = make_measurements({"a": {"en": [2] * 12, "zh": [3] * 12}, "b": {"en": [4] * 12, "zh": [3] * 12}})
    frame = find_differences(measured, find_metrics(["tokens_per_segment"]), "b", Bootstrap(resamples=50))
    rows = {row["lang"]: row for row in frame.to_dicts()}
    assert [row["lang"] for row in frame.to_dicts()] == [None, "en", "zh"]
    assert (rows["en"]["ratio"], rows["en"]["low"], rows["en"]["high"]) == (0.5, 0.5, 0.5)
    assert rows["en"]["shuffles"] == 30_000
    # Only the data and their mirror image, 2 of 4,096 shuffles, differ by as much.
    assert rows["en"]["p"] == pytest.approx(2 / 4096, rel=0.5)
    assert rows["zh"]["p"] == 1.0
    assert rows["en"]["p_holm"] == pytest.approx(3 * min(rows["en"]["p"], rows[None]["p"]), rel=1e-9)
    again = find_differences(measured, find_metrics(["tokens_per_segment"]), "b", Bootstrap(resamples=50))
    assert again.equals(frame, null_equal=True)
    assert find_differences(measured, find_metrics(["fertility"]), None, Bootstrap()).is_empty()
    with pytest.raises(tb.TokbenchError, match="cannot test the metric premium"):
        find_tested(["premium"])


@settings(max_examples=6, deadline=None)
@given(a=counts_of, b=counts_of)
def test_bca_intervals_hold_the_value_or_are_null(a: dict[str, list[int]], b: dict[str, list[int]]) -> None:
    bootstrap = Bootstrap(resamples=50, method="bca")
    frame = evaluate(make_measurements({"a": a, "b": b}), list(METRICS.values()), Reference("en", "b"), bootstrap)
    both = frame.drop_nulls(["low", "high"])
    assert both.height
    assert (both["low"] <= both["high"]).all()


@given(tokens=st.lists(st.binary(max_size=6) | st.text(max_size=3).map(str.encode)))
def test_characters_are_counted_as_python_decodes_them(tokens: list[bytes]) -> None:
    def count(token: bytes) -> int:
        try:
            return len(token.decode())
        except UnicodeDecodeError:
            return -1

    assert count_characters(tokens, np.array([*map(len, tokens)], np.uint32)).tolist() == [*map(count, tokens)]


def test_falling_factorials_keep_thirteen_digits() -> None:
    """Log n! / (n - k)! as a product to 40 digits: below and above the end of the table, at its edge, with large n."""
    cases = [
        (5, 5),
        (31, 31),
        (31, 0),
        (32, 1),
        (33, 1),
        (33, 2),
        (40, 9),
        (64, 33),
        (1000, 3),
        (10**6, 40),
        (10**12, 7),
    ]
    n, k = (np.array(column, np.int64) for column in zip(*cases, strict=True))
    with localcontext(prec=40):
        exact = [sum((Decimal(top - i).ln() for i in range(count)), Decimal(0)) for top, count in cases]
        for found, expected in zip(log_falling(n, k).tolist(), exact, strict=True):
            assert abs(Decimal(found) - expected) <= Decimal("1e-13") * max(expected, 1)
    numbers = np.arange(0, 200)
    expected = [math.lgamma(number + 1) for number in numbers]
    assert log_factorial(numbers).tolist() == pytest.approx(expected, rel=1e-14, abs=1e-15)


def chance_exactly(count: int, tokens: int, size: int) -> Decimal:
    """1 - C(N - c, size) / C(N, size), factor by factor to 40 digits."""
    with localcontext(prec=40):
        missed = Decimal(1)
        for i in range(count):
            missed *= Decimal(max(tokens - size - i, 0)) / (tokens - i)
        return 1 - missed


def test_chances_are_exact_to_twelve_digits() -> None:
    rows = [(count, tokens) for tokens in (10_000, 10_003, 20_000, 500_000) for count in (1, 2, 4, 33, 70, 999, 9000)]
    found = find_chances(*np.array(rows).T, 10_000).tolist()
    for got, row in zip(found, rows, strict=True):
        assert got == pytest.approx(float(chance_exactly(*row, 10_000)), rel=1e-12), row


def test_single_token_words_by_the_segmenter_that_was_chosen() -> None:
    corpus = tb.ParallelCorpus.from_texts({"en": ["a, b", "a ccc"], "xx": ["1 2", "3"]})
    tokenizer = tb.load_tokenizer("utf8")
    frame = measure_isolated([tokenizer], corpus)
    assert frame.columns == ["tokenizer", "lang", "metric", "value", "low", "high", "n"]
    # Types `a,`, `a`, `b`, `ccc`: two of four are one byte; after a space none is.
    assert frame.select("lang", "metric", "value", "n").rows() == [
        ("en", "strr_bare", 0.5, 4), ("en", "strr_spaced", 0.0, 4),
        ("xx", "strr_bare", 1.0, 3), ("xx", "strr_spaced", 0.0, 3),
    ]  # fmt: skip
    assert measure_isolated([tokenizer], corpus, ["strr_spaced"])["metric"].to_list() == ["strr_spaced"] * 2
    assert measure_isolated([tokenizer], corpus, ["fertility"]).is_empty()
    unspaced = tb.ParallelCorpus.from_texts({"zh": ["\u4f60\u597d"]})
    assert measure_isolated([tokenizer], unspaced).select("value", "n").rows() == [(None, None)] * 2
    pytest.importorskip("icu4py", reason="the extra icu is not installed")
    words = measure_isolated([tokenizer], corpus, ["strr_bare"], "icu")
    assert words.select("lang", "value", "n").rows() == [("en", 2 / 3, 3), ("xx", 1.0, 3)]  # a, b, ccc
