"""Metrics on numbers worked out by hand, as properties, and on published figures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import needs_data
from hypothesis import given, settings
from hypothesis import strategies as st
from made import make_wordpiece
from test_measurement import write_corpus

import tokbench as tb
from tokbench.measurement import Measurements
from tokbench.metrics import METRICS, Reference, evaluate, find_metrics
from tokbench.statistics import Bootstrap, draw_weights


def make_measurements(tokens: dict[str, dict[str, list[int]]], ids: dict[str, list[int]] | None = None) -> Measurements:
    """Measurements of given token counts: tokenizer -> language -> tokens a segment; texts of 10 bytes, 5 words."""
    names = sorted(tokens)
    langs = sorted({lang for by_lang in tokens.values() for lang in by_lang})
    name_type, lang_type = pl.Enum(names), pl.Enum(langs)
    counts = [
        {"tokenizer": name, "lang": lang, "segment": i, "tokens": n, "partial_tokens": n // 2, "unk_tokens": 0,
         "unk_chars": 0, "continued_words": min(n, 5), "loss": i % 4}
        for name, by_lang in tokens.items() for lang, values in by_lang.items() for i, n in enumerate(values)
    ]  # fmt: skip
    segments = len(next(iter(next(iter(tokens.values())).values())))
    texts = [
        {"lang": lang, "segment": i, "bytes": 10, "chars": 8, "words": None if lang == "zh" else 5}
        for lang in langs for i in range(segments)
    ]  # fmt: skip
    histogram = [
        {"tokenizer": name, "lang": lang, "id": i, "count": count}
        for name in names for lang in langs for i, count in enumerate((ids or {}).get(lang, [1]))
    ]  # fmt: skip
    facts = {"engine": "e", "path": "p", "sha256": "0", "vocab_base": 16, "vocab_total": 20, "vocab_rows": 32}
    return Measurements(
        texts=pl.DataFrame(texts, schema_overrides={"lang": lang_type, "words": pl.Int32}),
        counts=pl.DataFrame(counts, schema_overrides={"tokenizer": name_type, "lang": lang_type}),
        ids=pl.DataFrame(histogram, schema_overrides={"tokenizer": name_type, "lang": lang_type}),
        vocab=pl.DataFrame(schema={"tokenizer": name_type, "id": pl.Int32, "bytes": pl.Binary}),
        documents=pl.DataFrame(schema={"segment": pl.UInt32, "document": pl.String}),
        tokenizers=pl.DataFrame(
            [{"tokenizer": name, **facts, "context_window": 100, "unk_id": None} for name in names],
            schema_overrides={"tokenizer": name_type},
        ),
    )


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
        ("vocab_base", None, 16.0),
        ("vocab_total", None, 20.0),
        ("vocab_rows", None, 32.0),
    ],
)
def test_values_by_hand(figures: pl.DataFrame, metric: str, lang: str | None, expected: float | None) -> None:
    assert value(figures, metric, lang=lang) == pytest.approx(expected, abs=1e-12)


def test_every_metric_has_a_test_by_hand_or_is_measured_elsewhere() -> None:
    (mark,) = test_values_by_hand.pytestmark
    tested = {case[0] for case in mark.args[1]}
    assert METRICS.keys() - tested == {"throughput", "unk_char_rate"}


def test_relative_metrics_are_null_without_a_reference(figures: pl.DataFrame) -> None:
    counts = make_measurements({"a": {"en": [2]}, "b": {"en": [3]}})
    frame = evaluate_all(counts, Reference(None, None))
    for name in ("premium", "nsl", "utf8_premium", "tokenizer_premium"):
        assert (
            frame.filter(pl.col("metric") == name)["value"].null_count()
            == frame.filter(pl.col("metric") == name).height
        )


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


@settings(max_examples=30, deadline=None)
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


@settings(max_examples=30, deadline=None)
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


def test_an_unknown_metric_is_named_with_the_nearest() -> None:
    with pytest.raises(tb.TokbenchError, match="did you mean 'fertility'"):
        find_metrics(["fertilty"])


@settings(max_examples=20, deadline=None)
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
def test_gini_of_gpt_neox_over_204_languages(shared_data: Path) -> None:
    corpus = tb.load_corpus(shared_data / "corpora" / "flores200" / "dev")
    frame = tb.compare(["gpt-neox-20b"], corpus, metrics=["gini"]).frame
    assert value(frame, "gini", "gpt-neox-20b") == pytest.approx(0.317, abs=5e-4)
    assert frame["n"].item() == 204


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
