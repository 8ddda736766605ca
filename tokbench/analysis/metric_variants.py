"""The definitions that the field gives one name, side by side: the same tokenizer on the same text, recomputed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.comparison._facts import find_reference
from tokbench.corpora import ParallelCorpus, same_language
from tokbench.errors import TokbenchError
from tokbench.measurement import measure
from tokbench.measurement.single_token_words import list_words
from tokbench.measurement.words import LanguageTexts
from tokbench.metrics import METRICS, Reference, evaluate

Counts = npt.NDArray[np.int64]
Sums = npt.NDArray[np.float64]

EXAMPLE = "zh"
"""The language of a premium where none is named and the corpus has it."""


@dataclass(frozen=True)
class Variant:
    """One definition: what it does, and its value (null where undefined). `ours`: the one that tokbench reports."""

    definition: str
    value: float | None
    ours: bool = False


@dataclass(frozen=True)
class VariantTable:
    """The definitions of a metric on a text: of which languages, over how many segments."""

    metric: str
    tokenizer: str
    corpus: str
    languages: tuple[str, ...]
    segments: int
    variants: tuple[Variant, ...]


def find_example(corpus: ParallelCorpus, language: str | None, reference: str) -> str:
    """The language named, else Chinese, else the first beside the reference; TokbenchError where there is none."""
    if language is not None:
        return corpus.select([language]).languages[0]
    others = [lang for lang in corpus.languages if lang != reference]
    if not others:
        raise TokbenchError(f"{corpus.name} has no language beside {reference}", "name a corpus of two languages")
    return next((lang for lang in same_language(EXAMPLE, corpus.languages) if lang in others), others[0])


def divide_or_none(numerator: float, denominator: float) -> float | None:
    """A quotient, None over 0."""
    return float(numerator / denominator) if denominator else None


def our_value(
    tokenizer: Tokenizer, corpus: ParallelCorpus, metric: str, lang: str | None, reference: str
) -> float | None:
    """What tokbench reports."""
    measured = measure([tokenizer], corpus)
    frame = evaluate(measured, [METRICS[metric]], Reference(reference, None))
    found: float | None = frame.filter(pl.col("lang") == lang)["value"].item()
    return found


def vary_premium(tokenizer: Tokenizer, corpus: ParallelCorpus, language: str | None, reference: str) -> VariantTable:
    """Ratio of sums, mean and median of ratios, with a special token at each start, all lines as one text."""
    lang = find_example(corpus, language, reference)
    pair = corpus.select([lang, reference])
    texts = [list(pair.texts(of)) for of in (lang, reference)]
    own, other = (tokenizer.count_batch(of) for of in texts)
    ratios = own[other > 0] / other[other > 0]
    started = [int((counts + 1).sum()) for counts in (own, other)]
    joined = [int(tokenizer.count_batch([" ".join(of)])[0]) for of in texts]
    variants = (
        Variant("ratio of sums", our_value(tokenizer, pair, "premium", lang, reference), ours=True),
        Variant("mean of the segments' ratios", float(ratios.mean()) if len(ratios) else None),
        Variant("median of the segments' ratios", float(np.median(ratios)) if len(ratios) else None),
        Variant(
            "ratio of sums, one special token before each segment",
            divide_or_none(*started),
        ),
        Variant("all segments joined by spaces to one text", divide_or_none(*joined)),
    )
    return VariantTable("premium", tokenizer.name, corpus.name, (lang, reference), pair.n, variants)


def vary_fertility(tokenizer: Tokenizer, corpus: ParallelCorpus, language: str | None, reference: str) -> VariantTable:
    """In running text, the mean of the segments' fertilities, and words encoded one by one."""
    lang, single, texts, words = read_words(corpus, language, reference)
    tokens = tokenizer.count_batch(texts.texts)
    macro, alone, spaced = None, None, None
    if texts.words is not None and words:
        worded = texts.words > 0
        macro = float((tokens[worded] / texts.words[worded]).mean())
        alone, spaced = (float(counts.mean()) for counts in count_words(tokenizer, words))
    variants = (
        Variant("in running text", our_value(tokenizer, single, "fertility", lang, reference), ours=True),
        Variant("mean of the segments' fertilities", macro),
        Variant("words encoded one by one", alone),
        Variant("words encoded one by one, each after a space", spaced),
    )
    return VariantTable("fertility", tokenizer.name, corpus.name, (lang,), single.n, variants)


def vary_continued(tokenizer: Tokenizer, corpus: ParallelCorpus, language: str | None, reference: str) -> VariantTable:
    """Shares of words of more than one token: in running text, alone, after a space, and of types instead of words."""
    lang, single, _, words = read_words(corpus, language, reference)
    alone, spaced, types = None, None, None
    if words:
        alone, spaced = (float((counts > 1).mean()) for counts in count_words(tokenizer, words))
        types = float((tokenizer.count_batch([f" {word}" for word in sorted(set(words))]) > 1).mean())
    variants = (
        Variant("in running text", our_value(tokenizer, single, "continued_words", lang, reference), ours=True),
        Variant("words encoded one by one", alone),
        Variant("words encoded one by one, each after a space", spaced),
        Variant("word types instead of words, each after a space", types),
    )
    return VariantTable("continued_words", tokenizer.name, corpus.name, (lang,), single.n, variants)


def read_words(
    corpus: ParallelCorpus, language: str | None, reference: str
) -> tuple[str, ParallelCorpus, LanguageTexts, list[str] | None]:
    """One language (the reference where none is named): its tag, its part of the corpus, its texts and words."""
    single = corpus.select([language or reference])
    (lang,) = single.languages
    texts = LanguageTexts.read(single.texts(lang))
    return lang, single, texts, list_words(texts)


def count_words(tokenizer: Tokenizer, words: list[str]) -> tuple[Counts, Counts]:
    """Tokens of each word alone, and after a space; each type is encoded once."""
    types = sorted(set(words))
    place = {word: i for i, word in enumerate(types)}
    at = np.fromiter((place[word] for word in words), np.int64, len(words))
    return tokenizer.count_batch(types)[at], tokenizer.count_batch([f" {word}" for word in types])[at]


def vary_gini(tokenizer: Tokenizer, corpus: ParallelCorpus, language: str | None, reference: str) -> VariantTable:
    """Inequality between languages of tokens per parallel segment, per byte, and per character."""
    sums = []
    for lang in corpus.languages:
        texts = list(corpus.texts(lang))
        tokens = int(tokenizer.count_batch(texts).sum())
        sums.append((tokens, sum(len(text.encode()) for text in texts), sum(map(len, texts))))
    variants = compare_ginis(*np.array(sums, np.float64).T)
    return VariantTable("gini", tokenizer.name, corpus.name, corpus.languages, corpus.n, variants)


def compare_ginis(tokens: Sums, num_bytes: Sums, num_chars: Sums) -> tuple[Variant, ...]:
    """Compute the definitions of the Gini coefficient from the sums of each language."""
    n = len(tokens)
    by_segment = find_gini(tokens)
    return (
        Variant("tokens per parallel segment", by_segment, ours=True),
        Variant("tokens per byte", find_gini(tokens / num_bytes)),
        Variant("tokens per character", find_gini(tokens / num_chars)),
        Variant(
            "tokens per parallel segment, times n / (n - 1)",
            None if by_segment is None else by_segment * n / (n - 1),
        ),
    )


def find_gini(costs: npt.NDArray[np.float64]) -> float | None:
    """sum_ij |c_i - c_j| / (2 n^2 mean) of the costs that are defined, None of fewer than two."""
    known = np.sort(costs[np.isfinite(costs)])
    n = len(known)
    if n < 2 or not known.sum():
        return None
    return float(((2 * np.arange(1, n + 1) - n - 1) * known).sum() / (n * known.sum()))


def vary_renyi(tokenizer: Tokenizer, corpus: ParallelCorpus, language: str | None, reference: str) -> VariantTable:
    """Over the vocabulary's size, over the types that occur, and of order 1 instead of 2.5."""
    single = corpus.select([language or reference])
    (lang,) = single.languages
    measured = measure([tokenizer], single)
    names = ("renyi_efficiency", "renyi_efficiency_observed", "entropy")
    frame = evaluate(measured, [METRICS[name] for name in names], Reference(reference, None))
    values = dict(frame.filter(pl.col("lang") == lang).select("metric", "value").iter_rows())
    shannon = values["entropy"]
    variants = (
        Variant("order 2.5, over log2 of the vocabulary", values["renyi_efficiency"], ours=True),
        Variant("order 2.5, over log2 of the types that occur", values["renyi_efficiency_observed"]),
        Variant(
            "order 1 (Shannon), over log2 of the vocabulary",
            None if shannon is None or tokenizer.vocab_base < 2 else float(shannon / np.log2(tokenizer.vocab_base)),
        ),
    )
    return VariantTable("renyi_efficiency", tokenizer.name, corpus.name, (lang,), single.n, variants)


VARIANTS: Mapping[str, Callable[[Tokenizer, ParallelCorpus, str | None, str], VariantTable]] = MappingProxyType(
    {
        "premium": vary_premium,
        "fertility": vary_fertility,
        "continued_words": vary_continued,
        "gini": vary_gini,
        "renyi_efficiency": vary_renyi,
    }
)
"""The metrics whose definitions differ between published tools by more than a name."""


def compute_variants(
    metric: str,
    tokenizer: Tokenizer,
    corpus: ParallelCorpus,
    *,
    language: str | None = None,
    reference: str | None = None,
) -> VariantTable:
    """The definitions of a metric on a corpus; TokbenchError for a metric that has one definition.

    language: what a premium is of (Chinese where the corpus has it), or the one language of the other metrics (the
    reference). reference: English, else the corpus's first.
    """
    if metric not in VARIANTS:
        raise TokbenchError(f"{metric} has no variants to compute", f"there are some of: {', '.join(VARIANTS)}")
    return VARIANTS[metric](tokenizer, corpus, language, find_reference(corpus, reference))
