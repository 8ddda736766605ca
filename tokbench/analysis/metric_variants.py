"""Definitions that share a name in the literature, recomputed side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.comparison._facts import find_reference
from tokbench.corpora import Corpus, same_language
from tokbench.errors import TokbenchError
from tokbench.measurement import measure
from tokbench.measurement.single_token_words import list_words
from tokbench.measurement.words import LanguageTexts
from tokbench.metrics import METRICS, Reference, evaluate, needs_alignment
from tokbench.metrics._fairness import gini

Counts = npt.NDArray[np.int64]
Sums = npt.NDArray[np.float64]

EXAMPLE = "zh"
"""Default language of a premium, if the corpus has it."""


@dataclass(frozen=True)
class Variant:
    """One definition and its value.

    definition: what it computes.
    value: null where undefined.
    ours: whether tokbench reports this one.
    """

    definition: str
    value: float | None
    ours: bool = False


@dataclass(frozen=True)
class VariantTable:
    """The variants of a metric on a text.

    languages: the languages the values are for.
    segments: number of segments.
    """

    metric: str
    tokenizer: str
    corpus: str
    languages: tuple[str, ...]
    segments: int
    variants: tuple[Variant, ...]


def find_example(corpus: Corpus, language: str | None, reference: str) -> str:
    """Return the language named, else Chinese, else the first other language.

    Other than the reference.

    Raises TokbenchError if there is none.
    """
    if language is not None:
        return corpus.select([language]).languages[0]
    others = [lang for lang in corpus.languages if lang != reference]
    if not others:
        raise TokbenchError(f"{corpus.name} has no language besides {reference}", "use a corpus with two languages")
    return next((lang for lang in same_language(EXAMPLE, corpus.languages) if lang in others), others[0])


def divide_or_none(numerator: float, denominator: float) -> float | None:
    """Divide, None if the denominator is 0."""
    return float(numerator / denominator) if denominator else None


def our_value(tokenizer: Tokenizer, corpus: Corpus, metric: str, lang: str | None, reference: str) -> float | None:
    """Compute the value that tokbench reports."""
    measured = measure([tokenizer], corpus)
    frame = evaluate(measured, [METRICS[metric]], Reference(reference, None))
    found: float | None = frame.filter(pl.col("lang") == lang)["value"].item()
    return found


def vary_premium(tokenizer: Tokenizer, corpus: Corpus, language: str | None, reference: str) -> VariantTable:
    """Compare ratio of sums, mean, median, special tokens and joined lines."""
    lang = find_example(corpus, language, reference)
    pair = corpus.select([lang, reference])
    texts = [list(pair.texts(of)) for of in (lang, reference)]
    own, other = (tokenizer.count_batch(of) for of in texts)
    ratios = own[other > 0] / other[other > 0]
    started = [int((counts + 1).sum()) for counts in (own, other)]
    joined = [int(tokenizer.count_batch([" ".join(of)])[0]) for of in texts]
    variants = (
        Variant("ratio of sums", our_value(tokenizer, pair, "premium", lang, reference), ours=True),
        Variant("mean of per-segment ratios", float(ratios.mean()) if len(ratios) else None),
        Variant("median of per-segment ratios", float(np.median(ratios)) if len(ratios) else None),
        Variant(
            "ratio of sums, one special token before each segment",
            divide_or_none(*started),
        ),
        Variant("all segments joined by spaces into one text", divide_or_none(*joined)),
    )
    return VariantTable("premium", tokenizer.name, corpus.name, (lang, reference), pair.n, variants)


def vary_fertility(tokenizer: Tokenizer, corpus: Corpus, language: str | None, reference: str) -> VariantTable:
    """Compare fertility in running text, per segment, of isolated words, and of joined lines."""
    lang, single, texts, words = read_words(corpus, language, reference)
    tokens = tokenizer.count_batch(texts.texts)
    joined = int(tokenizer.count_batch([" ".join(texts.texts)])[0])
    macro, alone, spaced = None, None, None
    if texts.words is not None and words:
        worded = texts.words > 0
        macro = float((tokens[worded] / texts.words[worded]).mean())
        alone, spaced = (float(counts.mean()) for counts in count_words(tokenizer, words))
    variants = (
        Variant("in running text", our_value(tokenizer, single, "fertility", lang, reference), ours=True),
        Variant("mean of per-segment fertilities", macro),
        Variant("words encoded in isolation", alone),
        Variant("words encoded in isolation, each after a space", spaced),
        Variant("all segments joined by spaces into one text", divide_or_none(joined, len(words or ()))),
    )
    return VariantTable("fertility", tokenizer.name, corpus.name, (lang,), single.n, variants)


def vary_continued(tokenizer: Tokenizer, corpus: Corpus, language: str | None, reference: str) -> VariantTable:
    """Compare the share of split words under several definitions.

    In running text, in isolation, after a space, and by types.
    """
    lang, single, _, words = read_words(corpus, language, reference)
    alone, spaced, types = None, None, None
    if words:
        alone, spaced = (float((counts > 1).mean()) for counts in count_words(tokenizer, words))
        types = float((tokenizer.count_batch([f" {word}" for word in sorted(set(words))]) > 1).mean())
    variants = (
        Variant("in running text", our_value(tokenizer, single, "continued_words", lang, reference), ours=True),
        Variant("words encoded in isolation", alone),
        Variant("words encoded in isolation, each after a space", spaced),
        Variant("word types instead of words, each after a space", types),
    )
    return VariantTable("continued_words", tokenizer.name, corpus.name, (lang,), single.n, variants)


def read_words(
    corpus: Corpus, language: str | None, reference: str
) -> tuple[str, Corpus, LanguageTexts, list[str] | None]:
    """Return one language's tag, its part of the corpus, its texts and its words.

    language: by default the reference.
    """
    single = corpus.select([language or reference])
    (lang,) = single.languages
    texts = LanguageTexts.read(single.texts(lang))
    return lang, single, texts, list_words(texts)


def count_words(tokenizer: Tokenizer, words: list[str]) -> tuple[Counts, Counts]:
    """Count the tokens of each word in isolation and after a space.

    Each word type is encoded once.
    """
    types = sorted(set(words))
    place = {word: i for i, word in enumerate(types)}
    at = np.fromiter((place[word] for word in words), np.int64, len(words))
    return tokenizer.count_batch(types)[at], tokenizer.count_batch([f" {word}" for word in types])[at]


def vary_strr_bare(tokenizer: Tokenizer, corpus: Corpus, language: str | None, reference: str) -> VariantTable:
    """Compare single-token retention of types and of running words; the reported one is of bare types."""
    return vary_strr("strr_bare", tokenizer, corpus, language or reference)


def vary_strr_spaced(tokenizer: Tokenizer, corpus: Corpus, language: str | None, reference: str) -> VariantTable:
    """Compare single-token retention of types and of running words; the reported one is of types after a space."""
    return vary_strr("strr_spaced", tokenizer, corpus, language or reference)


def vary_strr(metric: str, tokenizer: Tokenizer, corpus: Corpus, language: str) -> VariantTable:
    """Compare the share of words that are one token: by types or running words, bare or after a space."""
    lang, single, _, words = read_words(corpus, language, language)
    values: list[float | None] = [None] * 4
    if words:
        types = [float((counts == 1).mean()) for counts in count_words(tokenizer, sorted(set(words)))]
        running = [float((counts == 1).mean()) for counts in count_words(tokenizer, words)]
        values = [*types, *running]
    definitions = (
        "word types",
        "word types, each after a space",
        "running words, encoded in isolation (Chiu 2026)",
        "running words, each after a space",
    )
    ours = ("strr_bare", "strr_spaced", None, None)
    variants = tuple(
        Variant(text, value, ours=name == metric) for text, value, name in zip(definitions, values, ours, strict=True)
    )
    return VariantTable(metric, tokenizer.name, corpus.name, (lang,), single.n, variants)


def vary_gini(tokenizer: Tokenizer, corpus: Corpus, language: str | None, reference: str) -> VariantTable:
    """Compare Gini of tokens per parallel segment, per byte and per character."""
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
    """Compute sum_ij |c_i - c_j| / (2 n^2 mean) over the defined costs.

    None for fewer than two.
    """
    known = pl.DataFrame({"value": costs[np.isfinite(costs)]})
    if known.height < 2 or not known["value"].sum():
        return None
    return float(known.select(gini).item())


def vary_renyi(tokenizer: Tokenizer, corpus: Corpus, language: str | None, reference: str) -> VariantTable:
    """Compare normalisation by vocabulary or types, and order 1 with 2.5."""
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


VARIANTS: Mapping[str, Callable[[Tokenizer, Corpus, str | None, str], VariantTable]] = MappingProxyType(
    {
        "premium": vary_premium,
        "fertility": vary_fertility,
        "continued_words": vary_continued,
        "gini": vary_gini,
        "renyi_efficiency": vary_renyi,
        "strr_bare": vary_strr_bare,
        "strr_spaced": vary_strr_spaced,
    }
)
"""Metrics whose definitions differ in substance between published tools."""


def compute_variants(
    metric: str,
    tokenizer: Tokenizer,
    corpus: Corpus,
    *,
    language: str | None = None,
    reference: str | None = None,
) -> VariantTable:
    """Recompute the variants of a metric on a corpus.

    language: the language of a premium (default: Chinese, if the corpus has it), or the single language of other
        metrics (default: the reference).
    reference: default English, else the first language of the corpus.

    Raises TokbenchError for a metric without variants, and for groups of texts if the metric needs parallel text.
    """
    if metric not in VARIANTS:
        raise TokbenchError(f"{metric} has no variants to compute", f"choose from: {', '.join(VARIANTS)}")
    against = find_reference(corpus, reference)
    if against is None and needs_alignment(METRICS[metric], ()):
        raise TokbenchError(f"{metric} needs parallel text, and {corpus.name} is not parallel", "give another corpus")
    return VARIANTS[metric](tokenizer, corpus, language, against or corpus.languages[0])
