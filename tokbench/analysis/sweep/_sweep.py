"""Tokens and costs of a corpus at several sizes of the same vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tokbench._shared.notebook import Presented
from tokbench._shared.progress import NO_PROGRESS, Progress
from tokbench.adapters import Tokenizer
from tokbench.analysis._signing import sign_analysis
from tokbench.analysis.robustness._measure import describe_bootstrap, draw_resamples
from tokbench.analysis.sweep._counts import count_corpus
from tokbench.analysis.sweep._frames import BEST, VALUES, Measured, Row, frame_rows, list_best, list_values
from tokbench.analysis.sweep._nested import Nested, nest
from tokbench.analysis.sweep._prices import SizedModel, Sums, add_language, size_model, tabulate_counts
from tokbench.comparison._facts import find_reference, read_weights
from tokbench.corpora import Corpus
from tokbench.errors import TokbenchError
from tokbench.metrics.resampling import Bootstrap, Floats
from tokbench.pythia.model.resolution import ModelSpec

SWEEPING = "sweeping"
"""The phase of progress: in pairs of a tokenizer and a language."""

DEFAULT_SIZES = (4_000, 8_000, 16_000, 32_000, 64_000, 128_000)


@dataclass(frozen=True, eq=False)
class Sweep(Presented):
    """What a corpus costs at several sizes of each vocabulary.

    sizes: of each tokenizer, in ids; the last is its whole vocabulary.
    left_out: sizes asked for that a tokenizer does not have.
    shares: of the bytes of a mixture; None if all languages together are the texts as they are.
    values: one row per language (null: all together), tokenizer and size.
        rows: of the embedding on the model.
        segments, tokens: of the corpus; null for a mixture.
        premium: tokens per segment over those of the reference language at the same size.
        bits_per_byte_coded: tokens * ceil(log2 size) / bytes. bits_per_byte_entropy: tokens * entropy of the ids /
        bytes.
        serving_flops, training_flops: per segment: read and written again, and trained on once.
        relative_*: over the whole vocabulary on the same model.
        *_low, *_high: 95 % interval, resampled over documents or segments.
    best: the size with the least FLOPs by tokenizer, language and purpose, with the percentiles of the best sizes of
        the resamples, and the share of the resamples in which it is the best.
    """

    tokenizers: tuple[str, ...]
    corpus: str
    languages: tuple[str, ...]
    model: str
    context: int
    reference: str | None
    sizes: Mapping[str, tuple[int, ...]]
    left_out: Mapping[str, tuple[int, ...]]
    shares: Mapping[str, float] | None
    bootstrap: str | None
    signature: str
    values: pl.DataFrame
    best: pl.DataFrame


def sweep(
    tokenizers: Sequence[Tokenizer],
    corpus: Corpus,
    model: ModelSpec,
    sizes: Sequence[int] = DEFAULT_SIZES,
    *,
    weights: Mapping[str, float] | None = None,
    reference: str | None = None,
    seed: int = 0,
    resamples: int = 1000,
    progress: Progress = NO_PROGRESS,
) -> Sweep:
    """Measure a corpus at several sizes of each vocabulary: its first merges, and the whole of it.

    sizes: numbers of ids, with bytes and special tokens. Those above a vocabulary are left out for it.
    weights: of languages in a mixture; by default all texts count as they are.
    resamples: for the intervals; 0 for none.

    Raises TokbenchError for a vocabulary that holds no smaller ones, and a size too small for it.
    """
    names = tuple(tokenizer.name for tokenizer in tokenizers)
    if len(set(names)) < len(names):
        raise TokbenchError("two of the tokenizers have the same name", "list each tokenizer once")
    nested = [nest(tokenizer) for tokenizer in tokenizers]
    chosen = {one.tokenizer.name: choose_sizes(one, sizes) for one in nested}
    against = find_reference(corpus, reference)
    mixture = read_weights(weights, corpus.languages, corpus)
    shares = None if mixture is None else mixture.shares
    bootstrap = Bootstrap(resamples, seed) if resamples else None
    values: list[Row] = []
    best: list[Row] = []
    progress.start(SWEEPING, len(nested) * len(corpus.languages))
    for one in nested:
        name = one.tokenizer.name
        cuts = [one.cut(size) for size in chosen[name]]
        found = list(measure(cuts, corpus, size_model(model, chosen[name]), shares, bootstrap, progress))
        by_language = {measured.lang: measured.sums for measured in found}
        for measured in found:
            base = None if against is None or measured.lang is None else by_language[against]
            values += list_values(name, measured, base, len(cuts) - 1, Bootstrap().level)
            best += list_best(name, measured, Bootstrap().level)
    progress.finish(SWEEPING)
    described = describe_bootstrap(corpus, bootstrap)
    facts = {"model": model.name, "sizes": ",".join(map(str, sorted(set(sizes))))}
    if shares is not None:
        facts["shares"] = ",".join(f"{lang}={share:.6g}" for lang, share in shares.items())
    return Sweep(
        names,
        corpus.name,
        corpus.languages,
        model.name,
        model.architecture.context,
        against,
        chosen,
        {one.tokenizer.name: tuple(sorted({s for s in sizes if s > one.size})) for one in nested},
        shares,
        described,
        sign_analysis(tokenizers, corpus, "sweep", bootstrap=described, **facts),
        frame_rows(values, VALUES),
        frame_rows(best, BEST),
    )


def choose_sizes(nested: Nested, sizes: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes that a vocabulary has, ascending, and its own."""
    return (*sorted({size for size in sizes if size < nested.size}), nested.size)


def measure(
    cuts: Sequence[Tokenizer],
    corpus: Corpus,
    model: SizedModel,
    shares: Mapping[str, float] | None,
    bootstrap: Bootstrap | None,
    progress: Progress,
) -> Iterator[Measured]:
    """Yield the sums of each language, and of all together if there are several."""
    together: Floats | None = None
    draws = None
    for lang, counts, entropy in count_corpus(cuts, corpus, shares):
        if counts is None:
            if together is not None and len(corpus.languages) > 1:
                yield Measured(None, Sums(model, together), entropy, counted=shares is None)
            return
        if draws is None or not corpus.aligned:
            draws = draw_resamples(corpus, lang, bootstrap)
        sums = draws.sum(tabulate_counts(counts, model))
        share = None if shares is None else shares.get(lang, 0.0)
        if share is None or share:
            together = add_language(together, sums, share)
        progress.advance(SWEEPING, what=lang)
        yield Measured(lang, Sums(model, sums), entropy, counted=True)
