"""Build measurements from the results of stripes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tokbench._shared.process import release_freed
from tokbench._shared.threads import map_ordered
from tokbench.adapters import Tokenizer
from tokbench.corpora import Corpus
from tokbench.errors import EngineError
from tokbench.measurement._frames import describe_tokenizers, label_cells, list_documents, list_vocabulary
from tokbench.measurement._measurements import Measurements
from tokbench.measurement.chunks import WHOLE_BYTES, Part, Stripe
from tokbench.measurement.counting import Histogram, HistogramSum, frame_histograms
from tokbench.measurement.jackknife_blocks import assign_blocks
from tokbench.measurement.units import UnitsOfCorpus, UnitSum, pool_counts, pool_texts

OnCounts = Callable[[Mapping[str, pl.DataFrame], Mapping[tuple[str, str], pl.DataFrame]], object]


def ignore_counts(texts: Mapping[str, pl.DataFrame], counts: Mapping[tuple[str, str], pl.DataFrame]) -> None:
    """Use the measurements only."""


@dataclass(frozen=True, eq=False)
class Result:
    """Counts of one tokenizer on one part: the frame `counts`, and its ids."""

    part: Part
    tokenizer: Tokenizer
    counts: pl.DataFrame
    histogram: Histogram


@dataclass(frozen=True, eq=False)
class Places:
    """Where the segments of a part belong: their numbers, jackknife blocks and units (None: each is its own)."""

    segments: pl.Series
    blocks: pl.Series
    units: pl.Series | None = None


class MeasurementBuilder:
    """Collects the results of stripes, in order, and builds the measurements.

    units: what the counts are added up over, as they come; None to keep those of each segment.
    on_counts: called with the counts of each stripe, of single segments.
    """

    def __init__(self, corpus: Corpus, units: UnitsOfCorpus | None = None, on_counts: OnCounts = ignore_counts) -> None:
        self.corpus = corpus
        self.units = units
        self.on_counts = on_counts
        self.numbered = {} if units is not None else number_segments(corpus)
        self.tokenizers: dict[str, Tokenizer] = {}
        collect = Rows if units is None else UnitSum
        self.texts: defaultdict[str, Rows | UnitSum] = defaultdict(collect)
        self.counts: defaultdict[tuple[str, str], Rows | UnitSum] = defaultdict(collect)
        self.histograms: defaultdict[tuple[str, str], HistogramSum] = defaultdict(HistogramSum)
        self.lengths: Counter[str] = Counter()
        self.failures: dict[str, EngineError] = {}

    def locate(self, part: Part) -> Places:
        """Return where the segments of a part belong."""
        if self.units is None:
            return Places(*(rows.slice(part.start, part.length) for rows in self.numbered[part.lang]))
        units, blocks = self.units.by_language[part.lang].locate(part.start, part.length)
        return Places(self.corpus.number(part.lang).slice(part.start, part.length), blocks, units)

    def add(self, stripe: Stripe, texts: Sequence[pl.DataFrame], results: Sequence[Result]) -> None:
        """Add the next stripe.

        texts: the frame `texts` of each part.
        """
        places = {part: self.locate(part) for part in stripe.parts}
        described = dict(zip(stripe.parts, texts, strict=True))
        for part, frame in described.items():
            units = places[part].units
            self.texts[part.lang].add(frame if units is None else pool_texts(frame, units))
        for result in sorted(results, key=lambda result: result.part.start):
            if result.tokenizer.name in self.failures:
                continue
            cell = result.tokenizer.name, result.part.lang
            self.tokenizers[result.tokenizer.name] = result.tokenizer
            units = places[result.part].units
            counts = result.counts
            self.counts[cell].add(counts if units is None else pool_counts(counts, described[result.part], units))
            self.histograms[cell].add(result.histogram)
        for part in stripe.parts:
            self.lengths[part.lang] += part.length
        self.tell_counts(described, results)
        self.release()

    def tell_counts(self, texts: Mapping[Part, pl.DataFrame], results: Sequence[Result]) -> None:
        """Call `on_counts` with the frames of a stripe by language, and by tokenizer and language."""
        if self.on_counts is ignore_counts:
            return
        by_language: defaultdict[str, list[pl.DataFrame]] = defaultdict(list)
        cells: defaultdict[tuple[str, str], list[pl.DataFrame]] = defaultdict(list)
        for part in sorted(texts, key=lambda part: part.start):
            by_language[part.lang].append(texts[part])
        for result in sorted(results, key=lambda result: result.part.start):
            if result.tokenizer.name not in self.failures:
                cells[result.tokenizer.name, result.part.lang].append(result.counts)
        self.on_counts(
            {lang: concat(frames) for lang, frames in by_language.items()},
            {cell: concat(frames) for cell, frames in cells.items()},
        )

    def release(self) -> None:
        """Release the memory that stripes leave behind; a single stripe leaves little."""
        if self.corpus.size > WHOLE_BYTES:
            release_freed()

    def finish(self) -> Measurements:
        """Build the measurements, in canonical order, without the tokenizers that failed.

        Raises EngineError if none is left.
        """
        names, languages = sorted(self.tokenizers.keys() - self.failures), sorted(self.texts)
        if self.failures and not names:
            raise next(iter(self.failures.values()))
        tokenizers = [self.tokenizers[name] for name in names]
        cells = [(name, lang) for name in names for lang in languages]
        texts = [self.texts[lang].total() for lang in languages]
        counts = [self.counts.pop(cell).total() for cell in cells]
        histograms = [self.histograms.pop(cell).total() for cell in cells]
        self.release()
        by_tokenizer = {"tokenizer": names, "lang": languages}
        sizes = [len(keys) for keys, _ in histograms]
        ids = frame_histograms(histograms)
        found = Measurements(
            texts=label_cells(concat(texts), [frame.height for frame in texts], {"lang": languages}),
            counts=label_cells(concat(counts), [frame.height for frame in counts], by_tokenizer),
            ids=label_cells(ids if self.units is None else ids.cast({"count": pl.Int64}), sizes, by_tokenizer),
            vocab=pl.concat(map_ordered(lambda t: list_vocabulary(t, pl.Enum(names)), tokenizers)),
            documents=self.list_measured_documents(texts),
            tokenizers=describe_tokenizers(tokenizers).with_columns(pl.col("tokenizer").cast(pl.Enum(names))),
        )
        self.release()
        return found

    def list_measured_documents(self, texts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Return the documents of the segments or units that were measured."""
        if self.units is not None:
            return self.units.list_documents(pl.concat([frame["segment"] for frame in texts]))
        documents = list_documents(self.corpus)
        if self.corpus.aligned or documents.is_empty():
            return documents.head(max(self.lengths.values(), default=0))
        numbers = [self.corpus.number(lang).head(length) for lang, length in self.lengths.items()]
        return documents.join(pl.concat(numbers).alias("segment").to_frame(), on="segment", how="semi")

    def finish_early(self) -> tuple[Measurements | None, dict[str, int]]:
        """Return the measurements of complete segments, and the number of these in each language."""
        return (self.finish() if self.lengths else None), dict(self.lengths)


class Rows:
    """Frames, one below the other."""

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Add a frame."""
        self._frames.append(frame)

    def total(self) -> pl.DataFrame:
        """Return all rows."""
        return pl.concat(self._frames, how="vertical_relaxed")  # few bytes for small numbers


def concat(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return frames one below the other; sums in the types that hold those of all."""
    return pl.concat(frames, how="vertical_relaxed")


def number_segments(corpus: Corpus) -> dict[str, tuple[pl.Series, pl.Series]]:
    """Return the segments of each language and their blocks; parallel languages share them."""
    documents = list_documents(corpus)
    if corpus.aligned:
        return dict.fromkeys(corpus.languages, (corpus.segments, assign_blocks(corpus.segments, documents)["block"]))
    numbers = {lang: corpus.number(lang) for lang in corpus.languages}
    return {lang: (own, assign_blocks(own, documents)["block"]) for lang, own in numbers.items()}
