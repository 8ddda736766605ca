"""Tokens of perturbed texts, by tokenizer, language and perturbation, with intervals."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tokbench._shared.notebook import Presented
from tokbench._shared.progress import NO_PROGRESS, Progress
from tokbench.adapters import EncodedBatch, Tokenizer
from tokbench.analysis._signing import sign_analysis
from tokbench.analysis.robustness._cells import NOTHING, Cell, Cells, frame_values
from tokbench.analysis.robustness._common_tokens import count_unchanged
from tokbench.analysis.robustness._perturbations import Perturbation, choose_perturbations, perturb
from tokbench.corpora import Corpus
from tokbench.errors import EngineError, TokbenchError
from tokbench.metrics.resampling import (
    Bootstrap,
    Floats,
    Units,
    draw_weights,
    find_units,
    number_clusters,
    resample_sums,
)

PERTURBING = "perturbing"
"""The phase of progress: in pairs of a language and a perturbation."""

LEAST_SHARE = 0.5
"""Share of the texts of a language that a perturbation must change to mean something there."""


@dataclass(frozen=True, eq=False)
class Robustness(Presented):
    """What perturbations do to the tokens of a corpus.

    seed: of typing and recognition errors, and of the bootstrap.
    bootstrap: how intervals were computed; None without.
    signature: all that the values depend on, in one line.
    languages: languages, or the groups of languages that values are of. by: what they are.
    values: one row per language (or group), tokenizer and perturbation, then over all languages (lang is null), with
        the columns
        languages: number of languages in which the perturbation means something.
        texts, changed: texts of these languages, and how many the perturbation changes.
        tokens, tokens_after: tokens of these texts before and after.
        unknown, unknown_after: how many of them are the unknown token, which hides what is lost.
        ratio: tokens after / tokens before (ratio of sums).
        unchanged: longest common subsequence of the ids before and after, per text, summed / tokens before.
        *_low, *_high: 95 % interval, resampled over documents or segments.

    Values are null where a perturbation changes less than half of the texts of a language, as upper case does in Thai.
    """

    tokenizers: tuple[str, ...]
    corpus: str
    languages: tuple[str, ...]
    perturbations: tuple[Perturbation, ...]
    seed: int
    bootstrap: str | None
    signature: str
    values: pl.DataFrame
    by: str = "language"


@dataclass(frozen=True, eq=False)
class Draws:
    """Resamples of the segments of a language: units and weights; no weights without intervals."""

    units: Units
    weights: Floats | None

    def sum(self, counts: Floats) -> Floats:
        """Sum counts per segment over the corpus, then over each resample: (segments, n) to (1 + resamples, n)."""
        by_unit = self.units.sum(counts)
        observed: Floats = by_unit.sum(axis=0, keepdims=True)
        if self.weights is None:
            return observed
        return np.concatenate([observed, resample_sums(self.weights, by_unit)])


def measure_robustness(
    tokenizers: Sequence[Tokenizer],
    corpus: Corpus,
    perturbations: Sequence[str] | None = None,
    *,
    seed: int = 0,
    resamples: int = 1000,
    groups: Mapping[str, str] | None = None,
    by: str = "language",
    progress: Progress = NO_PROGRESS,
) -> Robustness:
    """Compare the tokens of texts with those of the same texts, perturbed.

    perturbations: names from `PERTURBATIONS`; default all.
    seed: of random perturbations and of the bootstrap.
    resamples: for the intervals; 0 for none.
    groups: the label of each language, such as its script; values are then by label instead of language. by: what
        these labels are.

    Raises TokbenchError for two tokenizers with one name and for an unknown perturbation.
    """
    names = tuple(tokenizer.name for tokenizer in tokenizers)
    if len(set(names)) < len(names):
        raise TokbenchError("two of the tokenizers have the same name", "list each tokenizer once")
    chosen = choose_perturbations(perturbations)
    bootstrap = Bootstrap(resamples, seed) if resamples else None
    labels = {lang: lang if groups is None else groups[lang] for lang in corpus.languages}
    cells = measure_cells(tokenizers, corpus, chosen, bootstrap, seed, labels, progress)
    described = describe_bootstrap(corpus, bootstrap)
    return Robustness(
        names,
        corpus.name,
        tuple(dict.fromkeys(labels.values())),
        chosen,
        seed,
        described,
        sign_analysis(
            tokenizers, corpus, "robustness", bootstrap=described, pert=digest_definitions(chosen), seed=seed
        ),
        frame_values(names, [*dict.fromkeys(labels.values()), None], chosen, cells),
        by,
    )


def measure_cells(
    tokenizers: Sequence[Tokenizer],
    corpus: Corpus,
    perturbations: Sequence[Perturbation],
    bootstrap: Bootstrap | None,
    seed: int,
    labels: Mapping[str, str],
    progress: Progress,
) -> Cells:
    """Count tokens in every language, and add up over those in which a perturbation means something."""
    cells = Cells()
    draws: Draws | None = None
    progress.start(PERTURBING, len(corpus.languages) * len(perturbations))
    left = list(labels.values())
    for lang, label in labels.items():
        if draws is None or not corpus.aligned:
            draws = draw_resamples(corpus, lang, bootstrap)
        texts = corpus.texts(lang)
        before = [encode(tokenizer, texts, lang) for tokenizer in tokenizers]
        for one in perturbations:
            progress.advance(PERTURBING, what=f"{one.title}, {lang}")
            perturbed = [perturb(one, text, seed) for text in texts]
            changed = sum(a != b for a, b in zip(texts, perturbed, strict=True))
            for tokenizer, batch in zip(tokenizers, before, strict=True):
                found = Cell(0, len(texts), changed, NOTHING.sums)
                if texts and changed >= LEAST_SHARE * len(texts):
                    after = encode(tokenizer, perturbed, f"{lang}, {one.title}")
                    found = replace(found, languages=1, sums=draws.sum(count(tokenizer, batch, after)))
                    cells.add((tokenizer.name, None, one.name), found)
                cells.add((tokenizer.name, label, one.name), found)
        left.remove(label)
        if label not in left:
            cells.finish([label])
    progress.finish(PERTURBING)
    return cells


def encode(tokenizer: Tokenizer, texts: Sequence[str], place: str) -> EncodedBatch:
    """Encode texts; EngineError says at which place an engine fails."""
    try:
        return tokenizer.encode_batch(texts)
    except EngineError as error:
        raise error.locate(place) from error


def count(tokenizer: Tokenizer, before: EncodedBatch, after: EncodedBatch) -> Floats:
    """Return per text the tokens before and after, those unchanged, and the unknown ones before and after."""
    kept = count_unchanged(before, after)
    unknown = [
        np.zeros(len(batch)) if tokenizer.unk_id is None else batch.sum_by_text(batch.ids == tokenizer.unk_id)
        for batch in (before, after)
    ]
    kept_or_nan = np.full(len(before), np.nan) if kept is None else kept
    return np.stack([before.counts, after.counts, kept_or_nan, *unknown], axis=1).astype(np.float64)


def draw_resamples(corpus: Corpus, lang: str, bootstrap: Bootstrap | None) -> Draws:
    """Draw the resamples of a language; all languages of an aligned corpus share them.

    Groups that are not parallel draw their own, with a seed that depends on the label alone.
    """
    numbers = corpus.number(lang)
    documents = corpus.documents
    named = documents is not None and numbers.is_in(documents["segment"].implode()).all()
    clusters = number_clusters(documents, numbers) if documents is not None and named else None
    units = find_units(len(numbers), clusters)
    if bootstrap is None or units.number < 2:  # one unit says nothing about others
        return Draws(units, None)
    if not corpus.aligned:
        digest = hashlib.blake2b(f"{bootstrap.seed} {lang}".encode(), digest_size=8).digest()
        bootstrap = replace(bootstrap, seed=int.from_bytes(digest, "little"))
    return Draws(units, draw_weights(bootstrap, units.number))


def describe_bootstrap(corpus: Corpus, bootstrap: Bootstrap | None) -> str | None:
    """Say how intervals were computed, as in `1000/percentile/documents/seed0`."""
    if bootstrap is None:
        return None
    drawn = "segments" if corpus.documents is None else bootstrap.draw
    return f"{bootstrap.resamples}/{bootstrap.method}/{drawn}/seed{bootstrap.seed}"


def digest_definitions(perturbations: Sequence[Perturbation]) -> str:
    """Return the names of perturbations with a short hash of their definitions, for the signature."""
    definitions = "\n".join(f"{one.name}: {one.definition}" for one in perturbations)
    digest = hashlib.sha256(definitions.encode()).hexdigest()[:8]
    return f"{','.join(one.name for one in perturbations)}@sha256:{digest}"
