"""The identities of docs/identities.md, on real counts."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl
import pytest

import tokbench as tb
from tokbench.adapters import load_tokenizer
from tokbench.corpora import load_corpus
from tokbench.measurement.boundaries import PATTERNS

LANGUAGES = ("en", "hi", "zh")
NAMES = ("utf8", "rwkv-world")


@pytest.fixture(scope="module")
def result() -> tb.Comparison:
    pytest.importorskip("rwkv")
    corpus = load_corpus(languages=list(LANGUAGES), segments=60)
    on_request = [name for name in tb.METRICS if name.startswith(("characters_split_", "digits_entropy"))]
    metrics = [*tb.metrics.DEFAULT_METRICS, *on_request]
    chosen = [load_tokenizer(name) for name in NAMES]
    return tb.compare(chosen, corpus, metrics=metrics, baseline="utf8", bootstrap=None, throughput=False)


@pytest.fixture(params=[(name, lang) for name in NAMES for lang in LANGUAGES], ids="-".join)
def cell(request: pytest.FixtureRequest, result: tb.Comparison) -> Mapping[str, float]:
    """The values of a tokenizer in a language, and the sums that they are made of."""
    name, lang = request.param
    frame = result.frame.filter((pl.col("tokenizer") == name) & ((pl.col("lang") == lang) | pl.col("lang").is_null()))
    known = frame.filter(pl.col("value").is_not_null()).sort("lang")
    values = dict(known.select("metric", "value").iter_rows())
    counts = result.measurements.counts.filter((pl.col("tokenizer") == name) & (pl.col("lang") == lang))
    texts = result.measurements.texts.filter(pl.col("lang") == lang)
    ids = result.measurements.ids.filter((pl.col("tokenizer") == name) & (pl.col("lang") == lang))
    sums = {
        "t": counts["tokens"].sum(),
        "b": texts["bytes"].sum(),
        "c": texts["chars"].sum(),
        "w": texts["words"].sum(),
        "n": texts.height,
        "T": ids["id"].n_unique(),
        "runs": {length: sum(counts[name].sum() for name in names) for length, names in PATTERNS.items()},
        "wide": [counts[f"characters_{width}"].sum() for width in (2, 3, 4)],
    }
    return {**values, **sums}


def test_entropies_of_numbers_are_the_mean_of_those_by_length(cell: Mapping[str, float]) -> None:
    known = [length for length in (2, 3, 4) if cell["runs"][length]]
    mean = sum(cell["runs"][length] * cell[f"digits_entropy_{length}"] for length in known)
    assert cell["digits_entropy"] == pytest.approx(mean / sum(cell["runs"].values()))


def test_lengths_are_one_number_in_other_units(cell: Mapping[str, float]) -> None:
    length = cell["tokens_per_segment"]
    assert cell["chars_per_token"] == pytest.approx(1 / cell["tokens_per_char"])
    assert cell["bytes_per_token"] == pytest.approx(cell["b"] / cell["n"] / length)
    assert cell["chars_per_token"] == pytest.approx(cell["c"] / cell["n"] / length)
    if cell["w"]:
        assert cell["fertility"] == pytest.approx(length / (cell["w"] / cell["n"]))
    assert cell["nsl"] == pytest.approx(length / (cell["b"] / cell["n"]))  # the baseline is bytes
    assert cell["bits_per_byte_coded"] == pytest.approx(
        math.ceil(math.log2(cell["vocab_total"])) / cell["bytes_per_token"]
    )
    assert cell["bits_per_byte_entropy"] == pytest.approx(cell["entropy"] / cell["bytes_per_token"])
    assert cell["premium"] == pytest.approx(cell["utf8_premium"] * cell["tokenizer_premium"])
    if "effective_context" in cell:
        window = cell["effective_context"] / cell["chars_per_token"]
        assert cell["effective_context_reference"] == pytest.approx(window / cell["premium"])


def test_fairness_and_frequencies(cell: Mapping[str, float]) -> None:
    types, tokens, base = cell["T"], cell["t"], cell["vocab_base"]
    assert cell["gini_normalised"] == pytest.approx(cell["gini"] * len(LANGUAGES) / (len(LANGUAGES) - 1))
    assert cell["renyi_efficiency"] * math.log2(base) == pytest.approx(
        cell["renyi_efficiency_observed"] * math.log2(types)
    )
    assert cell["type_token_ratio"] * tokens == pytest.approx(types)
    assert cell["utilisation"] * base == pytest.approx(types)
    assert cell["entropy_miller_madow"] == pytest.approx(cell["entropy"] + (types - 1) / (2 * tokens * math.log(2)))


def test_losses_and_boundaries(cell: Mapping[str, float]) -> None:
    assert cell["round_trip_exact"] <= cell["round_trip_nfc"] <= cell["round_trip_whitespace"] <= 1
    assert cell["tokens_crossing"] <= cell["byte_fallback_rate"]
    wide = cell["wide"]
    parts = [cell.get(f"characters_split_{width}", 0.0) * number for width, number in zip((2, 3, 4), wide, strict=True)]
    assert cell["characters_split"] * sum(wide) == pytest.approx(sum(parts))
