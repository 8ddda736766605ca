"""What tokens do to code: syntax leaves kept, identifiers cut, indentation, bytes per token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench._shared.notebook import Presented
from tokbench.adapters import Tokenizer
from tokbench.analysis._signature import sign_analysis
from tokbench.analysis.code._counts import CodeCounts, correlate_ranks, count_code, tabulate_lines
from tokbench.analysis.code._grammars import GRAMMARS, find_language, name_grammar
from tokbench.analysis.code._kinds import KINDS
from tokbench.analysis.code._leaves import parse_leaves
from tokbench.analysis.token_places import JoinedTexts, place_tokens
from tokbench.corpora import Corpus
from tokbench.errors import TokbenchError
from tokbench.metrics import derive_seed
from tokbench.metrics.resampling import (
    Bootstrap,
    Units,
    divide,
    draw_weights,
    find_units,
    percentile_interval,
    resample_sums,
)

Floats = npt.NDArray[np.float64]

LARGEST = 1 << 22
"""Most bytes of a file; larger ones are left out, since they are data more often than code."""

_CHUNK = 1 << 23  # bytes of text whose places are in memory at a time

RATIOS = {
    "leaves_kept": ("kept", "leaves"),
    "leaves_apart": ("apart", "leaves"),
    "leaves_one_token": ("whole", "leaves"),
    "identifiers_cut_at_joints": ("cut_at_joints", "identifiers"),
    "identifiers_cut_elsewhere": ("cut_elsewhere", "identifiers"),
    "joints_cut": ("joints_cut", "joints"),
    "indentation_tokens": ("indentation_tokens", "indented_lines"),
    "bytes_per_token": ("bytes", "tokens"),
}
"""Metrics that are ratios of sums: what is counted, and of how many."""

BY_KIND = frozenset({"leaves_kept", "leaves_apart"})
"""Those of them that have a value for each kind of leaves."""

CORRELATION = "indentation_correlation"

METRICS = (*RATIOS, CORRELATION)

SCHEMA = {
    "tokenizer": pl.String,
    "lang": pl.String,
    "metric": pl.String,
    "kind": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
}

FILES_SCHEMA = {
    "lang": pl.String,
    "files": pl.Int64,
    "bytes": pl.Int64,
    "leaves": pl.Int64,
    "files_with_errors": pl.Int64,
    "files_too_large": pl.Int64,
}


@dataclass(frozen=True, eq=False)
class CodeReport(Presented):
    """What tokenizers do to code.

    values: tokenizer, lang (null: all languages), metric, kind (of leaves; null for all kinds), value, low, high, and
        n, the denominator. Values are null where undefined.
    files: lang, files, bytes, leaves, files_with_errors, files_too_large.
    skipped: groups of the corpus without a grammar.
    unplaced: files whose tokens have no known places, by tokenizer; they count for bytes per token only.
    """

    tokenizers: tuple[str, ...]
    corpus: str
    values: pl.DataFrame
    files: pl.DataFrame
    skipped: tuple[str, ...]
    unplaced: dict[str, int]
    signature: str


@dataclass(frozen=True, eq=False)
class Language:
    """The texts of a language that are measured.

    label: its name in the corpus. grammar: the name of its grammar.
    """

    label: str
    grammar: str
    texts: list[str]
    too_large: int


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of counts of one tokenizer on one language.

    observed: (names,). resampled: (resamples, names). correlation, resampled_correlation: of indentation.
    """

    names: tuple[str, ...]
    observed: Floats
    resampled: Floats
    correlation: float
    resampled_correlation: Floats


def measure_code(tokenizers: Sequence[Tokenizer], corpus: Corpus, bootstrap: Bootstrap | None = None) -> CodeReport:
    """Measure tokens against the syntax of the programming languages of a corpus, whose texts are whole files.

    bootstrap: draws files, of each language by itself; the same for all tokenizers.

    Raises TokbenchError if no language has a grammar, or two tokenizers have one name; MissingExtraError without the
    package of a grammar.
    """
    names = [tokenizer.name for tokenizer in tokenizers]
    if len(set(names)) < len(names):
        raise TokbenchError("two of the tokenizers have the same name", "give each once")
    how = bootstrap or Bootstrap()
    languages = [pick_texts(corpus, label, name) for label in corpus.languages if (name := find_language(label))]
    if not any(language.texts for language in languages):
        raise TokbenchError(
            f"{corpus.name} has no code in a language with a grammar", f"these have one: {', '.join(GRAMMARS)}"
        )
    found: dict[str, list[Sums]] = {name: [] for name in names}
    unplaced = dict.fromkeys(names, 0)
    files: list[dict[str, object]] = []
    for language in languages:
        facts, counted, unknown = count_language(tokenizers, language)
        files.append(facts)
        units = find_units(len(language.texts)) if language.texts else Units(0, None)
        drawn = draw_weights(replace(how, seed=derive_seed(how.seed, language.label)), max(units.number, 1))
        for name in names:
            found[name].append(sum_counts(counted[name], units, drawn))
            unplaced[name] += unknown[name]
    rows = [row for name in names for row in list_values(name, languages, found[name], how.level)]
    signed = {
        "corp": f"{corpus.name}@sha256:{corpus.sha256}" if corpus.sha256 else corpus.name,
        "lang": ",".join(language.label for language in languages),
        "n": ",".join(str(len(language.texts)) for language in languages),
        "syn": ",".join(dict.fromkeys(name_grammar(language.grammar) for language in languages)),
    }
    return CodeReport(
        tokenizers=tuple(names),
        corpus=corpus.name,
        values=pl.DataFrame(rows, schema=SCHEMA, orient="row"),
        files=pl.DataFrame(files, schema=FILES_SCHEMA, orient="row"),
        skipped=tuple(label for label in corpus.languages if find_language(label) is None),
        unplaced={name: count for name, count in unplaced.items() if count},
        signature=sign_analysis("code", tokenizers, signed, how),
    )


def pick_texts(corpus: Corpus, label: str, grammar: str) -> Language:
    """Return the texts of a language that are not too large."""
    texts = corpus.texts(label)
    kept = [text for text in texts if len(text) <= LARGEST and len(text.encode()) <= LARGEST]
    return Language(label, grammar, kept, len(texts) - len(kept))


def list_chunks(texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield runs of texts of about the size of a chunk, with the number of the first."""
    first, size = 0, 0
    for number, text in enumerate(texts):
        size += len(text)
        if size >= _CHUNK or number == len(texts) - 1:
            yield first, list(texts[first : number + 1])
            first, size = number + 1, 0


def count_language(
    tokenizers: Sequence[Tokenizer], language: Language
) -> tuple[dict[str, object], dict[str, CodeCounts | None], dict[str, int]]:
    """Return facts on the files of a language, counts by tokenizer, and files of unknown places by tokenizer."""
    parts: dict[str, list[CodeCounts]] = {tokenizer.name: [] for tokenizer in tokenizers}
    unknown = dict.fromkeys(parts, 0)
    size = leaves = errors = 0
    for first, texts in list_chunks(language.texts):
        joined, parsed = JoinedTexts.join(texts), parse_leaves(language.grammar, texts)
        size, leaves, errors = size + joined.sizes.sum(), leaves + len(parsed.text), errors + parsed.errors.sum()
        for tokenizer in tokenizers:
            places = place_tokens(tokenizer, joined)
            unknown[tokenizer.name] += int((~places.known).sum())
            counted = count_code(joined, parsed, places)
            parts[tokenizer.name].append(replace(counted, lines=counted.lines + np.array([first, 0, 0])))
    facts = {
        "lang": language.label,
        "files": len(language.texts),
        "bytes": int(size),
        "leaves": int(leaves),
        "files_with_errors": int(errors),
        "files_too_large": language.too_large,
    }
    return facts, {name: join_counts(found) for name, found in parts.items()}, unknown


def join_counts(parts: Sequence[CodeCounts]) -> CodeCounts | None:
    """Concatenate the counts of consecutive texts; None if there are none."""
    if not parts:
        return None
    counts, lines = (np.concatenate(arrays) for arrays in zip(*((p.counts, p.lines) for p in parts), strict=True))
    return CodeCounts(parts[0].names, counts, lines)


def sum_counts(counted: CodeCounts | None, units: Units, drawn: Floats) -> Sums:
    """Sum counts over the files of a language, and over those of each resample."""
    if counted is None:
        return Sums((), np.empty(0), np.empty((len(drawn), 0)), np.nan, np.full(len(drawn), np.nan))
    summed = units.sum(counted.counts.astype(np.float64))
    depths, tokens, lines = tabulate_lines(counted.lines, len(counted.counts))
    by_unit = units.sum(lines.astype(np.float64))
    return Sums(
        names=counted.names,
        observed=summed.sum(axis=0),
        resampled=resample_sums(drawn, summed),
        correlation=float(correlate_ranks(depths, tokens, by_unit.sum(axis=0))),
        resampled_correlation=correlate_ranks(depths, tokens, resample_sums(drawn, by_unit)),
    )


def add_sums(sums: Sequence[Sums]) -> Sums:
    """Add the sums of languages; indentation is not of one scale in all of them, and has no correlation."""
    filled = [one for one in sums if one.names]
    observed = np.sum([one.observed for one in filled], axis=0)
    resampled = np.sum([one.resampled for one in filled], axis=0)
    return Sums(filled[0].names, observed, resampled, np.nan, np.full(len(resampled), np.nan))


def list_values(
    tokenizer: str, languages: Sequence[Language], sums: Sequence[Sums], level: float
) -> Iterator[dict[str, object]]:
    """Yield the rows of one tokenizer: all languages first, then each."""
    groups = [(None, add_sums(sums)), *((one.label, found) for one, found in zip(languages, sums, strict=True))]
    for lang, found in groups:
        if not found.names:
            continue
        at = {name: number for number, name in enumerate(found.names)}
        for metric, kind, part, whole in list_ratios():
            value = divide(found.observed[at[part]], found.observed[at[whole]])
            samples = divide(found.resampled[:, at[part]], found.resampled[:, at[whole]])
            n = int(found.observed[at[whole]])
            yield describe(tokenizer, lang, metric, kind, float(value), samples, level, n)
        if lang is not None:
            samples, n = found.resampled_correlation, int(found.observed[at["indented_lines"]])
            yield describe(tokenizer, lang, CORRELATION, None, found.correlation, samples, level, n)


def list_ratios() -> Iterator[tuple[str, str | None, str, str]]:
    """Yield each metric that is a ratio, with a kind of leaves or None, and the names of its sums."""
    for metric, (part, whole) in RATIOS.items():
        yield metric, None, part, whole
        if metric in BY_KIND:
            yield from ((metric, kind, f"{part}_{kind}", f"{whole}_{kind}") for kind in KINDS)


def describe(
    tokenizer: str,
    lang: str | None,
    metric: str,
    kind: str | None,
    value: float,
    samples: Floats,
    level: float,
    n: int,
) -> dict[str, object]:
    """Return a row; None where a value, or the interval, is undefined."""
    low, high = percentile_interval(samples, level)
    numbers = {
        name: None if np.isnan(number) else float(number)
        for name, number in (("value", value), ("low", low), ("high", high))
    }
    return {"tokenizer": tokenizer, "lang": lang, "metric": metric, "kind": kind, **numbers, "n": n}
