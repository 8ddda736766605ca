"""A BPE vocabulary continued on a text: what its new tokens save on other text of the kind, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from tokenizers import Tokenizer as Pipeline

from tokbench._shared.progress import NO_PROGRESS, Progress
from tokbench.adapters import Tokenizer
from tokbench.adapters.huggingface import HuggingFaceTokenizer
from tokbench.adapters.tiktoken import TiktokenTokenizer
from tokbench.analysis._signing import sign_analysis
from tokbench.analysis.extension._documents import (
    NewTokens,
    check_old_ids,
    describe_tokens,
    encode,
    encode_old,
    extend_form,
    load_form,
    merge_stretch,
)
from tokbench.analysis.extension._forms import build_form, write_form
from tokbench.analysis.extension._halves import Halves, halve
from tokbench.analysis.extension._merging import Merging
from tokbench.analysis.extension._rank_forms import check_ranks, write_ranks
from tokbench.analysis.extension._saved import EXTENDING, list_break_even, list_strings, measure_languages
from tokbench.analysis.extension._token_texts import TokenTexts
from tokbench.analysis.extension._words import WordCounts, split_text
from tokbench.analysis.robustness._measure import describe_bootstrap
from tokbench.analysis.sweep._frames import BEST, VALUES, frame_rows, list_best, list_values
from tokbench.analysis.sweep._prices import size_model
from tokbench.comparison._facts import find_reference, read_weights
from tokbench.corpora import Corpus, choose_languages
from tokbench.errors import TokbenchError
from tokbench.metrics.resampling import Bootstrap
from tokbench.pythia.model.resolution import ModelSpec

CHECKED = 50
"""Texts whose ids are compared with those of merging by the plain definition, which is slow."""


@dataclass(frozen=True)
class Training:
    """The text that new tokens were trained on.

    units: documents, or runs of neighbouring segments. drawn, of: units for training, and all.
    segments, bytes: read. cut: whether text was left over when enough was read.
    asked, made: new tokens; fewer are made if nothing occurs twice any more.
    """

    languages: tuple[str, ...]
    units: str
    drawn: int
    of: int
    segments: int
    bytes: int
    cut: bool
    asked: int
    made: int


@dataclass(frozen=True, eq=False)
class Extension:
    """What new tokens save on the half of a text that they were not trained on.

    added: numbers of new tokens, the first 0: the vocabulary as it is. old_size: its ids.
    values, best: as in `Sweep`, relative to the vocabulary as it is.
    break_even: by language (null: all) and new tokens: nsl, tokens over those without new ones, with its interval;
        break_even_nsl: below which a text needs fewer forward FLOPs on the model.
    strings: new tokens by what they save on the measured half: id, text, tokens (old ones that it stands for), count,
        saved, share (of all that is saved).
    checked: texts whose old ids were found unchanged. written: the tokenizer.json with all new tokens. ranks: of a
        rank file, the extended one; None of others.
    """

    tokenizer: str
    corpus: str
    languages: tuple[str, ...]
    model: str
    reference: str | None
    added: tuple[int, ...]
    old_size: int
    training: Training
    shares: Mapping[str, float] | None
    bootstrap: str | None
    signature: str
    values: pl.DataFrame
    best: pl.DataFrame
    break_even: pl.DataFrame
    strings: pl.DataFrame
    checked: int
    seed: int
    written: str
    ranks: bytes | None = None


def extend(
    tokenizer: Tokenizer,
    corpus: Corpus,
    model: ModelSpec,
    added: Sequence[int],
    *,
    train_on: Sequence[str] | None = None,
    weights: Mapping[str, float] | None = None,
    reference: str | None = None,
    seed: int = 0,
    resamples: int = 1000,
    progress: Progress = NO_PROGRESS,
) -> Extension:
    """Continue the merges of a vocabulary on one half of a corpus, and measure the other half.

    added: numbers of new tokens. train_on: languages that are trained on; by default all.
    seed: of the halves and of the bootstrap.

    Raises TokbenchError for a tokenizer that cannot be extended, and for a text without anything to merge.
    """
    form = build_form(tokenizer)
    against = find_reference(corpus, reference)
    mixture = read_weights(weights, corpus.languages, corpus)
    shares = None if mixture is None else mixture.shares
    chosen = choose_languages(corpus.languages, train_on, corpus.name) if train_on else corpus.languages
    ranked = isinstance(tokenizer, TiktokenTokenizer)
    byte_level = ranked or (isinstance(tokenizer, HuggingFaceTokenizer) and tokenizer.byte_level)
    tokens = TokenTexts(form, byte_level, first=tokenizer.vocab_total if ranked else None, by_text=ranked)
    halves = {lang: halve(corpus, lang, seed) for lang in corpus.languages}
    progress.start(EXTENDING, 2 + 2 * len(corpus.languages))
    old = load_form(form)
    new, training = train(old, tokens, corpus, halves, chosen, max(added))
    progress.advance(EXTENDING, 2, what="training")
    counts = (0, *sorted({min(count, training.made) for count in added}))
    extended = extend_form(form, tokens, new, training.made)
    largest = load_form(extended)
    checked = check(tokenizer, old, largest, new, tokens, corpus, halves, progress)
    sizes = [tokens.first + count for count in counts]
    bootstrap = Bootstrap(resamples, seed) if resamples else None
    between = [load_form(extend_form(form, tokens, new, count)) for count in counts[1:-1]]
    measured, usage = measure_languages(
        [old, *between, largest],
        sizes,
        corpus,
        halves,
        size_model(model, sizes),
        shares,
        bootstrap,
        progress,
        new,
        tokens,
    )
    progress.finish(EXTENDING)
    level = Bootstrap().level
    sums = {one.lang: one.sums for one in measured}
    base = {one.lang: None if against is None or one.lang is None else sums[against] for one in measured}
    described = describe_bootstrap(corpus, bootstrap)
    return Extension(
        tokenizer.name,
        corpus.name,
        corpus.languages,
        model.name,
        against,
        counts,
        tokens.first,
        training,
        shares,
        described,
        sign_analysis(
            [tokenizer],
            corpus,
            "extension",
            bootstrap=described,
            model=model.name,
            added=",".join(map(str, counts[1:])),
            trained=",".join(chosen),
            seed=seed,
        ),
        frame_rows(
            [row for one in measured for row in list_values(tokenizer.name, one, base[one.lang], 0, level)], VALUES
        ),
        frame_rows([row for one in measured for row in list_best(tokenizer.name, one, level)], BEST),
        list_break_even(measured, counts, level),
        list_strings(usage, new, tokens),
        checked,
        seed,
        write_form(extended),
        write_ranks(tokenizer, new.first, new.texts),
    )


def train(
    pipeline: Pipeline,
    tokens: TokenTexts,
    corpus: Corpus,
    halves: Mapping[str, Halves],
    languages: Sequence[str],
    most: int,
) -> tuple[NewTokens, Training]:
    """Make up to `most` new tokens from the training halves of some languages, read in turn."""
    counts = WordCounts(tokens)
    segments, size, cut = 0, 0, False
    for lang in languages:
        every = corpus.texts(lang)
        texts = [every[place] for place in halves[lang].order.tolist()]
        for text, stretches in zip(texts, split_text(pipeline, texts), strict=True):
            if not counts.add(stretches):
                cut = True
                break
            segments, size = segments + 1, size + len(text.encode())
    merging = Merging(counts.words(), counts.savings, tokens.first, tokens)
    steps = [step.parts for step in merging.train(most)]
    if not steps:
        raise TokbenchError(
            f"nothing in the training half of {corpus.name} occurs twice, so no token can be added", "give more text"
        )
    drawn = [halves[lang].number for lang in languages]
    training = Training(
        tuple(languages),
        halves[languages[0]].units,
        drawn[0][0] if corpus.aligned else sum(one for one, _ in drawn),
        drawn[0][1] if corpus.aligned else sum(of for _, of in drawn),
        segments,
        size,
        cut,
        most,
        len(steps),
    )
    return describe_tokens(tokens, steps), training


def check(
    tokenizer: Tokenizer,
    base: Pipeline,
    pipeline: Pipeline,
    new: NewTokens,
    tokens: TokenTexts,
    corpus: Corpus,
    halves: Mapping[str, Halves],
    progress: Progress,
) -> int:
    """Check the extended vocabulary on all texts, in the library that runs it; return how many there are.

    base, pipeline: without new tokens, and with them.

    On every text, new ids stand for exactly the old ids of the tokenizer's own engine, and the extended rank file, if
    there is one, gives the same ids in tiktoken. On some of the measured texts, ids are those of merging by the plain
    definition.

    Raises TokbenchError if not.
    """
    ranks = {pair: new.first + i for i, pairs in enumerate(new.pairs) for pair in pairs}
    words = {text: new.first + i for i, text in enumerate(new.texts)} if new.whole else {}
    checked = 0
    for lang in corpus.languages:
        texts = corpus.texts(lang)
        check_old_ids(tokenizer.name, encode_old(tokenizer, texts), encode(pipeline, texts), new, tokens)
        check_ranks(tokenizer, new.first, new.texts, texts, encode(pipeline, texts))
        sample = [texts[i] for i in np.flatnonzero(~halves[lang].training)[:CHECKED].tolist()]
        for before, after in zip(split_text(base, sample), split_text(pipeline, sample), strict=True):
            known = [words.get("".join(map(tokens.text, stretch))) for stretch in before]
            merged = [merge_stretch(one, ranks, new, whole) for one, whole in zip(before, known, strict=True)]
            if list(map(list, after)) != merged:
                raise TokbenchError(
                    f"{tokenizer.name} cannot be extended: tokenizers merges the new tokens in another order",
                    "this is a case that tokbench does not know: please report it with the tokenizer's name",
                )
        checked += len(texts)
        progress.advance(EXTENDING, what=lang)
    return checked
