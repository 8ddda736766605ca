"""Check that the parts of a saved comparison belong together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import polars as pl

from tokbench.measurement import Measurements

if TYPE_CHECKING:
    from tokbench.comparison._comparison import Comparison

_KEYS = ["tokenizer", "lang", "metric"]
_BOOTSTRAP = re.compile(r"[0-9]+/[a-z]+/[a-z]+/seed[0-9]+")


def check_consistent(comparison: Comparison) -> None:
    """Raise ValueError, with the place, for values of what the comparison does not hold."""
    corpus, names, languages = comparison.corpus, comparison.names, comparison.corpus.languages
    _check_distinct("tokenizers", names)
    _check_distinct("corpus.languages", languages)
    if not names or not languages:
        raise ValueError("there are no tokenizers" if not names else "corpus.languages is empty")
    if corpus.segments < 1:
        raise ValueError(f"corpus.segments is {corpus.segments}")
    if corpus.bootstrap is not None and not _BOOTSTRAP.fullmatch(corpus.bootstrap):
        raise ValueError("corpus.bootstrap is not RESAMPLES/METHOD/UNIT/seedSEED")
    _check_known("corpus.reference", [corpus.reference], languages)
    for at, tokenizer in enumerate(comparison.tokenizers):
        _check_known(f"tokenizers[{at}].lossy_segments", tokenizer.lossy_segments, languages)
    for name, frame in (("results", comparison.frame), ("differences", comparison.differences)):
        _check_known(f"{name}.lang", frame["lang"], languages)
        _check_known(f"{name}.metric", frame["metric"], comparison.metrics, null=False)
        _check_known(f"{name}.tokenizer", frame["tokenizer"], names, null=False)
    repeated = comparison.frame.filter(pl.struct(_KEYS).is_duplicated())
    if repeated.height:
        raise ValueError(f"results has {repeated['metric'][0]} of {repeated['tokenizer'][0]} twice")
    _check_examples(comparison)
    if comparison.measurements is not None:
        _check_measurements(comparison.measurements, names, languages)


def _check_examples(comparison: Comparison) -> None:
    for at, example in enumerate(comparison.examples):
        _check_known(f"examples[{at}].lang", [example.lang], comparison.corpus.languages, null=False)
        for cut in example.cuts:
            where = f"examples[{at}].cuts of {cut.tokenizer}"
            _check_known(where, [cut.tokenizer], comparison.names, null=False)
            if not len(cut.ids) == len(cut.pieces) <= cut.tokens:
                raise ValueError(f"{where} has {len(cut.ids)} ids, {len(cut.pieces)} pieces and {cut.tokens} tokens")
            for piece in cut.pieces:
                bytes.fromhex(piece or "")


def _check_measurements(measurements: Measurements, names: Iterable[str], languages: Iterable[str]) -> None:
    held = measurements.tokenizers["tokenizer"].cast(pl.String).to_list()
    if sorted(held) != sorted(names) or set(measurements.texts["lang"].cast(pl.String)) != set(languages):
        raise ValueError("its counts are those of other tokenizers or languages")


def _check_known(where: str, values: Iterable[str | None], known: Iterable[str], *, null: bool = True) -> None:
    held = set(known)
    for value in dict.fromkeys(values):
        if value not in held and not (null and value is None):
            raise ValueError(
                f"{where} holds {'null' if value is None else ascii(value[:40])}, which the comparison does not have"
            )


def _check_distinct(where: str, values: Iterable[str]) -> None:
    listed = list(values)
    if len(set(listed)) < len(listed):
        raise ValueError(f"{where} has one name twice")
