"""Metrics of where tokens end: by hand, in pooled counts, and to published digits."""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

import tokbench as tb
from helpers.data import needs_data
from tokbench.adapters import load_tokenizer
from tokbench.corpora import ParallelCorpus
from tokbench.measurement import Needs, measure
from tokbench.measurement.boundaries import COLUMNS
from tokbench.metrics import DEFAULT_METRICS, METRICS, evaluate
from tokbench.metrics._boundaries import BOUNDARIES
from tokbench.metrics._mixture import Mixture
from tokbench.metrics.groups import evaluate_group, group_by_register

NAMES = [metric.name for metric in BOUNDARIES]
TEXTS = {"en": ["a 1234 != b\u00e9", "12 e\u0301"], "hi": ["\u0915\u094d\u0937 2", "\u0915\u0941 x"]}


def values_of(frame: pl.DataFrame, lang: str | None) -> dict[str, float | None]:
    own = frame.filter(pl.col("lang").eq_missing(pl.lit(lang, pl.String)))
    return dict(own.select("metric", "value").iter_rows())


def test_bytes_split_what_has_several() -> None:
    measured = measure([load_tokenizer("utf8")], ParallelCorpus.from_texts(TEXTS), needs=Needs(boundaries=COLUMNS))
    english = values_of(evaluate(measured, NAMES), "en")
    assert english == {
        "word_ends_inside": 0.0,
        "graphemes_split": 2 / 16,  # e with an accent, as one code point and as two
        "clusters_split": 1.0,
        "characters_split": 1.0,
        "characters_split_2": 1.0,
        "characters_split_3": None,
        "characters_split_4": None,
        "tokens_crossing": 0.0,
        "tokens_over_words": 0.0,
        "digits_f1": (0.5 + 0.0) / 2,  # of three cuts in 1234 one is right; 12 should have none
        "digits_entropy": 0.0,  # one number of each length
        "digits_entropy_2": 0.0,
        "digits_entropy_3": None,
        "digits_entropy_4": 0.0,
        "tokens_per_digit": 1.0,
        "operators_isolated": 0.0,
        "compounds_kept": 0.0,
    }
    hindi = values_of(evaluate(measured, NAMES), "hi")
    assert (hindi["graphemes_split"], hindi["characters_split_3"]) == (2 / 6, 1.0)


def test_counts_that_were_not_made_give_null() -> None:
    measured = measure([load_tokenizer("utf8")], ParallelCorpus.from_texts(TEXTS))
    assert not set(measured.counts.columns) & set(COLUMNS)
    found = evaluate(measured, ["graphemes_split", "tokens_per_segment"])
    assert values_of(found, "en") == {"graphemes_split": None, "tokens_per_segment": 9.5}


def test_texts_that_ids_do_not_spell_are_left_out() -> None:
    """BERT's kind of normaliser is not at hand: texts that NFC changes, by a made tokenizer of characters."""
    texts = ParallelCorpus.from_texts({"en": ["ab", "cd"]})
    ids = [[0], [1]]
    recorded = tb.Measurements.from_ids(texts, {"en": ids}, {0: b"ab", 1: b"xy"}, name="made")
    assert "judged_segments" not in recorded.counts.columns
    assert values_of(evaluate(recorded, ["characters_split"]), "en")["characters_split"] is None


def test_units_give_what_segments_give(tmp_path: Path) -> None:
    """A corpus of more segments than units: sums over units are those over segments."""
    texts = {lang: [f"{text} {i}" for i in range(2500) for text in own] for lang, own in TEXTS.items()}
    corpus = ParallelCorpus.from_texts(texts)
    chosen = [load_tokenizer("utf8")]
    single = measure(chosen, corpus, needs=Needs(boundaries=COLUMNS), pool=None)
    pooled = measure(chosen, corpus, needs=Needs(boundaries=COLUMNS), pool="documents")
    assert (single.pooled, pooled.pooled) == (False, True)
    one, other = evaluate(single, NAMES), evaluate(pooled, NAMES)
    assert one.equals(other)
    assert one.filter(pl.col("lang") == "hi")["n"].max() == 5000
    pooled.save(tmp_path)
    assert evaluate(tb.Measurements.load(tmp_path), NAMES).equals(other)
    assert evaluate(pooled.keep(["utf8"]), NAMES).equals(other)


def test_operators_and_widths_are_on_request() -> None:
    asked = {metric.name for metric in BOUNDARIES if metric.on_request}
    widths = {f"characters_split_{width}" for width in (2, 3, 4)}
    entropies = {"digits_entropy", *(f"digits_entropy_{length}" for length in (2, 3, 4))}
    assert asked == {"operators_isolated", "compounds_kept", "clusters_split", *widths, *entropies}
    assert {*NAMES} - asked <= {*DEFAULT_METRICS}


NUMBERS = {"en": ["12 345 6789", "99 1000 7", "12345 2024", "1 50"], "zh": ["12 12", "345", "2024", "7"]}


def cut_numbers(name: str, text: str) -> list[tuple[int, tuple[int, ...]]]:
    """The length of each number, and after which of its digits a token ends: one by one, by the bytes of the ids."""
    tokenizer = load_tokenizer(name)
    ends, at = set(), 0
    for token in tokenizer.encode_batch([text])[0]:
        at += len(tokenizer.token_bytes(int(token)) or b"")
        ends.add(at)
    return [
        (len(found[0]), tuple(i for i in range(1, len(found[0])) if found.start() + i in ends))
        for found in re.finditer("[0-9]+", text)
    ]


def find_bits(cuts: list[tuple[int, tuple[int, ...]]], lengths: tuple[int, ...]) -> float | None:
    """The entropy of the cuts given the length, by its definition."""
    chosen = [cut for cut in cuts if cut[0] in lengths]
    sizes = Counter(length for length, _ in chosen)
    bits = sum(n * math.log2(sizes[length] / n) for (length, _), n in Counter(chosen).items())
    return bits / len(chosen) if chosen else None


@needs_data
@pytest.mark.parametrize("name", ["gpt-neox-20b", "llama3", "gpt2"])
def test_entropies_of_cuts_are_those_of_a_plain_loop(name: str) -> None:
    names = ["digits_entropy", "digits_entropy_2", "digits_entropy_3", "digits_entropy_4"]
    found = tb.compare([name], ParallelCorpus.from_texts(NUMBERS), metrics=names, throughput=False).frame
    cuts = {lang: [cut for text in texts for cut in cut_numbers(name, text)] for lang, texts in NUMBERS.items()}
    for lang, own in (*cuts.items(), (None, [*cuts["en"], *cuts["zh"]])):
        expected = [find_bits(own, lengths) for lengths in ((2, 3, 4), (2,), (3,), (4,))]
        assert list(values_of(found, lang).values()) == pytest.approx(expected)
    bounded = found.filter(pl.col("low").is_not_null())
    assert bounded.height  # null where a resample has no number of the length
    assert (bounded["low"] <= bounded["value"] + 1e-12).all()


def test_entropies_have_values_by_register_and_of_a_mixture() -> None:
    chosen = ["digits_entropy", "tokens_per_segment"]
    result = tb.compare(["utf8"], tb.load_corpus(languages=["en", "zh"]), metrics=chosen, bootstrap=None)
    (register, *_) = group_by_register(result.measurements)
    assert evaluate_group(result.measurements, METRICS["digits_entropy"], register, "en") == {"utf8": 0.0}
    mixed = evaluate(result.measurements, chosen, mixture=Mixture({"en": 0.5, "zh": 0.5}))
    assert values_of(mixed, None)["digits_entropy"] == 0.0


@needs_data
@pytest.mark.parametrize(
    ("name", "ends", "graphemes", "crossing", "f1", "entropy"),
    [
        ("gpt-neox-20b", (0.000, 0.041, 0.000), (0.349, 0.363, 0.503), (0.080, 0.095), 0.809, 0.58),
        ("llama3", (0.022, 0.216, 0.057), (0.026, 0.214, 0.388), (0.000, 0.001), 0.809, 0),
        ("qwen2.5", (0.095, 0.053, 0.000), (0.009, 0.213, 0.508), (0.000, 0.227), 0.353, 0),
        ("o200k_base", (0.021, 0.087, 0.000), (0.018, 0.072, 0.086), (0.004, 0.001), 0.809, 0),
        ("command-r", (0.108, 0.102, 0.055), (0.001, 0.336, 0.391), (0.097, 0.000), 0.353, 0),
    ],
)
def test_boundaries_on_flores(
    shared_data: Path,
    name: str,
    ends: tuple[float, ...],
    graphemes: tuple[float, ...],
    crossing: tuple[float, ...],
    f1: float,
    entropy: float,
) -> None:
    """The first 300 lines; words of ICU; lines that the tokenizer's NFC changes are left out by themselves."""
    languages = ["zho_Hans", "tha_Thai", "hin_Deva", "eng_Latn"]
    corpus = tb.load_corpus(shared_data / "corpora/flores200/dev", languages=languages, segments=300)
    chosen = ["word_ends_inside", "graphemes_split", "tokens_crossing", "digits_f1", "digits_entropy_4"]
    found = tb.compare([name], corpus, metrics=chosen, bootstrap=None, throughput=False, segmenter="icu").frame
    zh, th, hi, en = (values_of(found, lang) for lang in languages)
    for metric, expected in (("word_ends_inside", ends), ("graphemes_split", graphemes)):
        assert [of[metric] for of in (zh, th, hi)] == pytest.approx(list(expected), abs=5.01e-4)
    assert [of["tokens_crossing"] for of in (th, hi)] == pytest.approx(list(crossing), abs=5.01e-4)
    assert en["digits_f1"] == pytest.approx(f1, abs=5.01e-4)
    assert en["digits_entropy_4"] == pytest.approx(entropy, abs=5.01e-3)
    assert METRICS["digits_f1"].better == "higher"
