"""The schema of saved comparisons: types, and constraints between fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypedDict

import msgspec

from tokbench._shared.environment import Environment
from tokbench.comparison._facts import ComparedCorpus, ComparedTokenizer
from tokbench.comparison.worst_segments import Example
from tokbench.measurement.loading import Skipped
from tokbench.metrics import BUILT_IN, Metric

_BOOTSTRAP = re.compile(r"[0-9]+/[a-z]+/(?:[0-9]+ runs of )?[a-z]+/seed[0-9]+")

LARGEST = 2**53
"""Largest count: above it, JSON numbers are not exact in every reader."""


class SavedValue(TypedDict):
    """A row of `Comparison.frame`."""

    tokenizer: str
    engine: str
    lang: str | None
    metric: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    n: int | None


class SavedDifference(TypedDict):
    """A row of `Comparison.differences`."""

    tokenizer: str
    baseline: str
    lang: str | None
    metric: str
    ratio: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    detectable: float | None
    shuffles: int | None
    n: int | None


@dataclass(frozen=True)
class SavedComparison:
    """A comparison as its JSON document holds it."""

    signature: str
    corpus: ComparedCorpus
    tokenizers: tuple[ComparedTokenizer, ...]
    skipped: tuple[Skipped, ...]
    results: list[SavedValue]
    differences: list[SavedDifference]
    environment: Environment
    examples: tuple[Example, ...]
    metrics: tuple[Metric, ...] = ()


def parse_saved(content: bytes) -> SavedComparison:
    """Parse and check the JSON document of a comparison.

    Raises ValueError with the place of the first fault (a JSON path such as `$.results[3].n`), or RecursionError for
    nesting that is too deep.
    """
    saved = msgspec.json.decode(content, type=SavedComparison)
    check_saved(saved)
    return saved


def convert_document(document: Mapping[str, Any]) -> SavedComparison:
    """Convert and check an already parsed document; ValueError as for `parse_saved`."""
    saved = msgspec.convert(document, SavedComparison)
    check_saved(saved)
    return saved


def check_saved(saved: SavedComparison) -> None:
    """Check the constraints between the fields of a document; ValueError with the place of the first fault."""
    for fault in chain(_check_names(saved), _check_rows(saved), _check_numbers(saved), _check_examples(saved)):
        raise ValueError(fault)


def _check_names(saved: SavedComparison) -> Iterator[str]:
    languages, corpus = saved.corpus.languages, saved.corpus
    names = [tokenizer.name for tokenizer in saved.tokenizers]
    yield from _find_repeated(languages, "$.corpus.languages")
    yield from _find_repeated(names, "$.tokenizers")
    if not languages:
        yield "no language - at `$.corpus.languages`"
    if corpus.bootstrap is not None and not _BOOTSTRAP.fullmatch(corpus.bootstrap):
        yield "not RESAMPLES/METHOD/UNIT/seedSEED - at `$.corpus.bootstrap`"
    if not names:
        yield "no tokenizer - at `$.tokenizers`"
    if not corpus.aligned and set(corpus.sizes) != set(languages):
        yield "not a size for each group - at `$.corpus.sizes`"
    yield from _find_unknown(((label, "$.corpus.shares") for label in corpus.shares), languages)
    if not all(0 < share <= 1 for share in corpus.shares.values()):
        yield "a share is not between 0 and 1 - at `$.corpus.shares`"
    if corpus.reference is not None:
        yield from _find_unknown([(corpus.reference, "$.corpus.reference")], languages)
    if corpus.baseline is not None:
        yield from _find_unknown([(corpus.baseline, "$.corpus.baseline")], names)
    for i, tokenizer in enumerate(saved.tokenizers):
        yield from _find_unknown(
            ((lang, f"$.tokenizers[{i}].lossy_segments") for lang in tokenizer.lossy_segments), languages
        )


def _check_rows(saved: SavedComparison) -> Iterator[str]:
    names = {tokenizer.name for tokenizer in saved.tokenizers}
    known: Mapping[str, Collection[str | None]] = {
        "tokenizer": names,
        "baseline": names,
        "lang": {None, *saved.corpus.languages},
        "metric": {*BUILT_IN, *(metric.name for metric in saved.metrics)},
    }
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = {"results": saved.results, "differences": saved.differences}
    for field, rows in tables.items():
        for column in (column for column in known if rows and column in rows[0]):
            yield from _find_unknown(
                ((row[column], f"$.{field}[{i}].{column}") for i, row in enumerate(rows)), known[column]
            )
        yield from _find_repeated(((row["tokenizer"], row["metric"], row["lang"]) for row in rows), f"$.{field}")


def _check_numbers(saved: SavedComparison) -> Iterator[str]:
    counts: Iterable[tuple[int | None, str]] = chain(
        [(saved.corpus.segments, "$.corpus.segments"), (saved.environment.cores, "$.environment.cores")],
        ((count, "$.corpus.excluded") for count in saved.corpus.excluded.values()),
        ((count, "$.corpus.sizes") for count in saved.corpus.sizes.values()),
        [(saved.corpus.shards, "$.corpus.shards")],
        ((row["n"], f"$.results[{i}].n") for i, row in enumerate(saved.results)),
        ((row["n"], f"$.differences[{i}].n") for i, row in enumerate(saved.differences)),
        ((row["shuffles"], f"$.differences[{i}].shuffles") for i, row in enumerate(saved.differences)),
        (
            (size, f"$.tokenizers[{i}]")
            for i, tokenizer in enumerate(saved.tokenizers)
            for size in (
                tokenizer.vocab_base,
                tokenizer.vocab_total,
                tokenizer.vocab_rows,
                *tokenizer.lossy_segments.values(),
            )
        ),
    )
    for count, place in counts:
        if count is not None and not 0 <= count <= LARGEST:
            yield f"{count} is not a count - at `{place}`"


def _check_examples(saved: SavedComparison) -> Iterator[str]:
    names = [tokenizer.name for tokenizer in saved.tokenizers]
    for i, example in enumerate(saved.examples):
        place = f"$.examples[{i}]"
        yield from _find_unknown([(example.lang, f"{place}.lang")], saved.corpus.languages)
        yield from _find_unknown(((cut.tokenizer, f"{place}.cuts") for cut in example.cuts), names)
        for cut in example.cuts:
            if not all(0 <= number <= LARGEST for number in (example.segment, cut.tokens, *cut.ids)):
                yield f"a negative or huge number - at `{place}`"
            if len(cut.ids) != len(cut.pieces):
                yield f"{len(cut.ids)} ids and {len(cut.pieces)} pieces - at `{place}.cuts`"
            for piece in cut.pieces:
                if piece is not None and not _is_hexadecimal(piece):
                    yield f"{piece[:40]!r} is not bytes in hexadecimal - at `{place}.cuts`"


def _is_hexadecimal(piece: str) -> bool:
    return len(piece) % 2 == 0 and set(piece) <= set("0123456789abcdef")


def _find_unknown(values: Iterable[tuple[str | None, str]], known: Iterable[str | None]) -> Iterator[str]:
    """Yield a sentence for each value (with its place) that is not known."""
    allowed = frozenset(known)
    for value, place in values:
        if value not in allowed:
            yield f"{value!r:.80} is not in this comparison - at `{place}`"


def _find_repeated(values: Iterable[Any], place: str) -> Iterator[str]:
    for value, times in Counter(values).items():
        if times > 1:
            yield f"{value!r:.80} {times} times - at `{place}`"
