"""`tokbench explain`: what is said of a metric, and its variants on real text to the published digits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from helpers.data import needs_data
from helpers.frozen_dataclasses import check_dataclasses
from helpers.made import make_ranks, make_wordpiece
from helpers.measurements import make_measurements
from tokbench._shared.environment import installed
from tokbench.adapters import EncodedBatch, TokenTable
from tokbench.analysis import metric_variants
from tokbench.analysis.metric_variants import compare_ginis, compute_variants, divide_or_none, find_example, find_gini
from tokbench.catalog.sources import Asset
from tokbench.measurement.recorded import RecordedTokenizer
from tokbench.metrics import METRICS, Reference, evaluate


def test_every_metric_explains_itself() -> None:
    done = run("explain", "premium")
    assert done.returncode == 0, done.stderr
    definition = METRICS["premium"].definition
    for part in (definition, "Direction: lower is better", "Edge cases:", "Other definitions:", "Petrov"):
        assert " ".join(part.split()) in " ".join(done.stdout.split())  # broken at spaces
    document = json.loads(run("explain", "entropy", "--json").stdout)
    assert document["better"] is None
    assert document["unit"] == "bits/token"
    refuse("explain", "premum", says="did you mean 'premium'")


@pytest.mark.smoke
def test_variants_by_hand(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["ab", "abcd"], zh=["\u4f60\u597d", "\u4f60"])
    table = compute_variants("premium", tb.load_tokenizer("utf8"), corpus)
    assert table.languages == ("zh", "en")
    # 9 / 6; mean of 6/2 and 3/4; with one more token each: 11 / 8; joined by a space: 10 / 7.
    assert [v.value for v in table.variants] == pytest.approx([1.5, 1.875, 1.875, 11 / 8, 10 / 7])
    assert [v.ours for v in table.variants] == [True, False, False, False, False]
    words = compute_variants("continued_words", tb.load_tokenizer("utf8"), corpus, language="zh")
    assert [v.value for v in words.variants] == [None] * 4  # no spaces, no words


def test_metrics_of_one_definition_have_no_variants() -> None:
    refuse("explain", "nsl", "utf8", "--variants", says="nsl has no variants")


def test_gini_of_nothing_is_none() -> None:
    assert find_gini(np.array([1.0, np.nan])) is None
    assert find_gini(np.array([0.0, 1.0])) == 0.5


@needs_data
@pytest.mark.parametrize(
    ("metric", "published"),
    [
        ("premium", ["2.0888", "2.0900", "2.0465", "2.0487", "2.1329"]),
        ("fertility", ["1.2452", "1.2535", "1.4587"]),
        ("continued_words", [None, "31.98 %", "17.56 %"]),
        ("renyi_efficiency", ["0.402", "0.494"]),
        ("strr_bare", ["0.286", "0.558", "0.680"]),
    ],
)
def test_variants_of_gpt_neox_on_flores_are_the_published_ones(
    shared_data: Path, metric: str, published: list[str | None]
) -> None:
    corpus = tb.load_corpus(shared_data / "corpora" / "flores200" / "dev", languages=["eng_Latn", "zho_Hans"])
    table = compute_variants(metric, tb.load_tokenizer("gpt-neox-20b"), corpus)
    for variant, expected in zip(table.variants, published, strict=False):
        if expected is not None:
            assert variant.value is not None
            percent = expected.endswith("%")
            digits = len(expected.removesuffix(" %").partition(".")[2])
            shown = f"{variant.value * (100 if percent else 1):.{digits}f}{' %' if percent else ''}"
            assert shown == expected, variant.definition


def test_gini_by_byte_line_and_character_by_hand(tmp_path: Path) -> None:
    # Sums of tokens and bytes 3, 6; of characters 3, 2: per character 1 and 3.
    corpus = write_corpus(tmp_path / "c", en=["ab", "c"], zh=["\u4f60", "\u597d"])
    table = compute_variants("gini", tb.load_tokenizer("utf8"), corpus)
    assert [v.value for v in table.variants] == pytest.approx([1 / 6, 0, 1 / 4, 1 / 3])
    assert [v.ours for v in table.variants] == [True, False, False, False]


@needs_data
def test_gini_of_gpt_neox_over_204_languages(shared_data: Path) -> None:
    """The metric, and its definitions by byte and by character, from one encoding of FLORES."""
    corpus = tb.load_corpus(shared_data / "corpora/flores200/dev")
    quick = "splintr" if installed("splintr-rs") else None  # a fifth of the time of the reference
    tokenizer = tb.load_tokenizer("gpt-neox-20b", engine=quick)
    tokens = {lang: int(tokenizer.count_batch(corpus.texts(lang)).sum()) for lang in corpus.languages}
    measured = make_measurements({"gpt-neox-20b": {lang: [count] for lang, count in tokens.items()}})
    frame = evaluate(measured, [METRICS["gini"]], Reference("eng_Latn", None))
    assert frame["value"].item() == pytest.approx(0.317, abs=5e-4)
    assert frame["n"].item() == 204
    size, chars = pl.col("text").str.len_bytes().sum(), pl.col("text").str.len_chars().sum()
    sums = corpus.frame.group_by("lang").agg(bytes=size, chars=chars)
    counts = np.array([tokens[lang] for lang in sums["lang"]], dtype=np.float64)
    columns = (sums[name].to_numpy().astype(np.float64) for name in ("bytes", "chars"))
    assert [round(v.value or 0, 3) for v in compare_ginis(counts, *columns)[:3]] == [0.317, 0.136, 0.337]


def test_fertility_in_its_variants_by_hand(tmp_path: Path) -> None:
    """Bytes: 7 of 3 words in text; per segment 5/2 and 2; alone 2, 2 and 2; one more each after a space."""
    corpus = write_corpus(tmp_path / "c", en=["ab cd", "ef"], zh=["\u4f60", "\u597d"])
    table = compute_variants("fertility", tb.load_tokenizer("utf8"), corpus)
    assert (table.languages, table.segments, table.metric) == (("en",), 2, "fertility")
    assert [v.value for v in table.variants] == pytest.approx([7 / 3, (5 / 2 + 2) / 2, 2, 3, 8 / 3])
    assert [v.ours for v in table.variants] == [True, False, False, False, False]
    none = compute_variants(metric="fertility", tokenizer=tb.load_tokenizer("utf8"), corpus=corpus, language="zh")
    assert [v.value for v in none.variants] == [None] * 5


def test_segments_without_words_take_no_part_in_means(tmp_path: Path) -> None:
    """A line of a word joiner alone is a word; one of white space alone is excluded: words are in all the others."""
    corpus = write_corpus(tmp_path / "c", en=["a", "\u200b", "abc"])
    table = compute_variants("fertility", tb.load_tokenizer("utf8"), corpus)
    assert [v.value for v in table.variants] == pytest.approx([7 / 3, 7 / 3, 7 / 3, 10 / 3, 9 / 3])


def test_continued_words_in_their_variants_by_hand(tmp_path: Path) -> None:
    """Words a, a, bc, d and their types a, bc, d; after a space each has a token more."""
    corpus = write_corpus(tmp_path / "c", en=["a a bc", "d"], zh=["\u4f60", "\u597d"])
    table = compute_variants("continued_words", tb.load_tokenizer("utf8"), corpus)
    assert [v.value for v in table.variants] == pytest.approx([1 / 4, 1 / 4, 1, 1])
    ranks = tb.load_tokenizer(f"{make_ranks(tmp_path)}#cl100k_base")
    corpus = write_corpus(tmp_path / "d", en=["the the el", "el the x"])
    table = compute_variants("continued_words", ranks, corpus)
    # ` the` and `the` are tokens, `el` and `x` are tokens without a space: of 6 words 3, of 3 types 2.
    assert [v.value for v in table.variants] == pytest.approx([0, 0, 3 / 6, 2 / 3])
    fertility = compute_variants("fertility", ranks, corpus)
    assert [v.value for v in fertility.variants] == pytest.approx([8 / 6, 8 / 6, 1, 9 / 6, 9 / 6])


def test_renyi_in_its_variants_by_hand(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["ab", "ba"], zh=["\u4f60", "\u597d"])
    table = compute_variants("renyi_efficiency", tb.load_tokenizer("utf8"), corpus)
    assert [v.value for v in table.variants] == pytest.approx([1 / 8, 1, 1 / 8])  # 1 bit of 8, two types
    assert [v.ours for v in table.variants] == [True, False, False]
    assert (table.languages, table.segments) == (("en",), 2)
    other = compute_variants("renyi_efficiency", tb.load_tokenizer("utf8"), corpus, language="zh")
    assert other.languages == ("zh",)


def test_the_mean_of_ratios_leaves_out_segments_that_are_empty_in_the_reference(tmp_path: Path) -> None:
    """WordPiece drops control characters: the first segment has no token in English."""
    corpus = write_corpus(tmp_path / "c", en=["\x01", "the dog"], de=["the", "the dog the"])
    table = compute_variants("premium", tb.load_tokenizer(str(make_wordpiece(tmp_path))), corpus)
    values = [v.value for v in table.variants]
    assert values[:4] == pytest.approx([4 / 2, 3 / 2, 3 / 2, 6 / 4])
    nothing = write_corpus(tmp_path / "d", en=["\x01", "\x02"], de=["the", "dog"])
    table = compute_variants("premium", tb.load_tokenizer(str(make_wordpiece(tmp_path))), nothing)
    assert [v.value for v in table.variants] == [None, None, None, 2.0, None]


def test_the_language_of_a_premium() -> None:
    corpus = tb.ParallelCorpus.from_texts({"en": ["a"], "de": ["b"], "zho_Hans": ["c"], "fr": ["d"]})
    assert find_example(corpus, None, "en") == "zho_Hans"
    assert find_example(corpus, "fr", "en") == "fr"
    assert find_example(corpus, None, "zho_Hans") == "en"
    with pytest.raises(tb.TokbenchError, match="has no language besides en"):
        find_example(corpus.select(["en"]), None, "en")
    assert (divide_or_none(1, 4), divide_or_none(1, 0), divide_or_none(0, 2)) == (0.25, None, 0.0)


def test_gini_of_costs_by_hand() -> None:
    assert find_gini(np.array([3.0, 1.0, np.inf, 2.0])) == pytest.approx((1 + 2 + 1) * 2 / (2 * 9 * 2))
    assert find_gini(np.array([0.0, 0.0])) is None
    assert find_gini(np.array([])) is None
    assert find_gini(np.array([2.0, 2.0])) == 0.0
    (first, *_, normalised) = compare_ginis(np.array([1.0]), np.array([1.0]), np.array([1.0]))
    assert first.value is normalised.value is None


def test_results_are_frozen() -> None:
    check_dataclasses(metric_variants, set())


@pytest.mark.parametrize(("base", "expected"), [(0, None), (1, None), (2, 1.0), (4, 0.5)])
def test_an_efficiency_needs_two_tokens_in_the_vocabulary(base: int, expected: float | None) -> None:
    class Bits(RecordedTokenizer):
        """The parity of each character."""

        def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
            return EncodedBatch.from_lists([[ord(character) % 2 for character in text] for text in texts])

    table = TokenTable.from_tokens([None, None])
    tokenizer = Bits(Asset("bits", "ids", (), "0", "ids", None), table, prefix=b"", unk_id=None)
    tokenizer.vocab_base = base
    table_of = compute_variants(
        "renyi_efficiency", tokenizer, tb.ParallelCorpus.from_texts({"en": ["ab"], "de": ["ba"]})
    )
    efficiency, observed, shannon = (variant.value for variant in table_of.variants)
    assert (efficiency, observed, shannon) == (expected, 1.0, expected)
