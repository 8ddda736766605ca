"""What new tokens save on the measured half of a corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from tokenizers import Tokenizer as Pipeline

from tokbench._shared.progress import Progress
from tokbench.analysis.extension._documents import NewTokens, encode, find_runs
from tokbench.analysis.extension._halves import Halves
from tokbench.analysis.extension._token_texts import TokenTexts
from tokbench.analysis.robustness._measure import Draws
from tokbench.analysis.sweep._counts import Histograms, LanguageCounts, count_bytes
from tokbench.analysis.sweep._frames import Measured, spread
from tokbench.analysis.sweep._prices import SizedModel, Sums, add_language, tabulate_counts
from tokbench.catalog.byte_level import printable_bytes
from tokbench.corpora import Corpus
from tokbench.metrics.resampling import Bootstrap, Floats, divide, draw_weights, find_units
from tokbench.pythia.model.arithmetic import break_even_nsl

EXTENDING = "extending"
"""The phase of progress: reading, training, checking and measuring each language."""

BREAK_EVEN = {
    "lang": pl.String,
    "added": pl.Int64,
    "rows": pl.Int64,
    "nsl": pl.Float64,
    "nsl_low": pl.Float64,
    "nsl_high": pl.Float64,
    "break_even_nsl": pl.Float64,
}
STRINGS = {
    "id": pl.Int64,
    "text": pl.String,
    "tokens": pl.Int64,
    "count": pl.Int64,
    "saved": pl.Int64,
    "share": pl.Float64,
}


@dataclass(frozen=True, eq=False)
class Usage:
    """How often each id occurs in the measured half, and the old ids that it saves there."""

    counts: npt.NDArray[np.int64]
    saved: npt.NDArray[np.int64]

    def add(self, before: Sequence[list[int]], after: Sequence[list[int]], new: NewTokens, tokens: TokenTexts) -> None:
        """Count the new ids of texts, as `check_old_ids` accepts them.

        before, after: ids without new tokens, and with them.
        """
        for old, extended in zip(before, after, strict=True):
            made = [number for number in extended if number >= new.first]
            for number, run in zip(made, find_runs(old, extended, new, tokens) or (), strict=True):
                self.counts[number] += 1
                self.saved[number] += run - 1


def measure_languages(
    pipelines: Sequence[Pipeline],
    sizes: Sequence[int],
    corpus: Corpus,
    halves: Mapping[str, Halves],
    model: SizedModel,
    shares: Mapping[str, float] | None,
    bootstrap: Bootstrap | None,
    progress: Progress,
    new: NewTokens,
    tokens: TokenTexts,
) -> tuple[list[Measured], Usage]:
    """Measure the second half of each language at each size, and of all together if there are several.

    Returns what the new tokens of the largest vocabulary save beside it.
    """
    measured: list[Measured] = []
    blended, usage = Histograms(sizes), Usage(np.zeros(sizes[-1], np.int64), np.zeros(sizes[-1], np.int64))
    together: Floats | None = None
    for lang in corpus.languages:
        half = halves[lang]
        every = corpus.texts(lang)
        chosen = np.flatnonzero(~half.training)
        texts = [every[place] for place in chosen.tolist()]
        numbers, histograms = np.zeros((len(texts), len(sizes))), Histograms(sizes)
        first: list[list[int]] = []
        for place, pipeline in enumerate(pipelines):
            lists = list(encode(pipeline, texts))
            first = first or lists
            numbers[:, place] = [len(ids) for ids in lists]
            histograms.add(place, np.array([number for ids in lists for number in ids], np.int32))
        counts = LanguageCounts(count_bytes(texts), numbers, histograms.entropies())
        sums = draw(half, chosen, corpus, lang, bootstrap).sum(tabulate_counts(counts, model))
        share = None if shares is None else shares.get(lang, 0.0)
        if share is None or share:
            together = add_language(together, sums, share)
            blended.blend(histograms, 1.0 if share is None else share / float(counts.bytes.sum()))
        usage.add(first, lists, new, tokens)
        measured.append(Measured(lang, Sums(model, sums), counts.entropy, counted=True))
        progress.advance(EXTENDING, what=lang)
    if together is not None and len(measured) > 1:
        measured.append(Measured(None, Sums(model, together), blended.entropies(), counted=shares is None))
    return measured, usage


def draw(half: Halves, chosen: npt.NDArray[np.int64], corpus: Corpus, lang: str, bootstrap: Bootstrap | None) -> Draws:
    """Draw resamples of the measured half; all languages of an aligned corpus share them."""
    clusters = None
    if half.clusters is not None:
        _, clusters = np.unique(half.clusters[chosen], return_inverse=True)
    units = find_units(len(chosen), clusters)
    if bootstrap is None or units.number < 2:  # one unit says nothing about others
        return Draws(units, None)
    if not corpus.aligned:
        digest = hashlib.blake2b(f"{bootstrap.seed} {lang}".encode(), digest_size=8).digest()
        bootstrap = replace(bootstrap, seed=int.from_bytes(digest, "little"))
    return Draws(units, draw_weights(bootstrap, units.number))


def list_break_even(measured: Sequence[Measured], added: Sequence[int], level: float) -> pl.DataFrame:
    """List tokens over those without new tokens, and below what factor new rows pay, by language and size."""
    rows = []
    for one in measured:
        tokens, model = one.sums.tokens, one.sums.model
        ratios = divide(tokens, tokens[:, [0]])
        for place, count in enumerate(added):
            even = break_even_nsl(model.shapes[0], model.rows[place])
            row = {"lang": one.lang, "added": count, "rows": model.rows[place], "break_even_nsl": even}
            rows.append(row | spread("nsl", ratios[:, place], level))
    return pl.DataFrame([{key: row[key] for key in BREAK_EVEN} for row in rows], schema=BREAK_EVEN, orient="row")


def list_strings(usage: Usage, new: NewTokens, tokens: TokenTexts) -> pl.DataFrame:
    """List the new tokens that occur, by the tokens that they save; equal ones in the order of training."""
    rows = []
    for place, pieces in enumerate(new.pieces):
        count = int(usage.counts[new.first + place])
        if count:
            text = read_text(new.texts[place], tokens)
            rows.append((new.first + place, text, len(pieces), count, int(usage.saved[new.first + place])))
    saved = sum(row[-1] for row in rows)
    rows.sort(key=lambda row: (-row[-1], row[0]))
    return pl.DataFrame([(*row, row[-1] / saved) for row in rows], schema=STRINGS, orient="row")


def read_text(text: str, tokens: TokenTexts) -> str:
    """Return the text of a token as people read it; bytes of partial characters as U+FFFD."""
    if not tokens.byte_level:
        return text.replace("\u2581", " ")
    byte_of = printable_bytes()
    return bytes(byte_of[character] for character in text).decode(errors="replace")
