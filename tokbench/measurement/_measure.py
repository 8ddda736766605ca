"""measure(): encode a corpus once with each tokenizer and keep the counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from operator import itemgetter

import polars as pl

from tokbench._shared.process import release_freed, single_thread
from tokbench._shared.threads import lend_cores, map_ordered, share
from tokbench.adapters import Tokenizer
from tokbench.corpora import Corpus
from tokbench.errors import EngineError, TokbenchError
from tokbench.measurement._frames import describe_tokenizers, label_cells, list_documents, list_vocabulary
from tokbench.measurement._measurements import Measurements
from tokbench.measurement.chunks import WHOLE_BYTES, Part, Stripe, cut_stripes
from tokbench.measurement.counting import (
    Histogram,
    HistogramSum,
    count_texts,
    frame_histograms,
    locate_failure,
)
from tokbench.measurement.jackknife_blocks import assign_blocks
from tokbench.measurement.needs import EVERYTHING, Needs
from tokbench.measurement.words import LanguageTexts, Segmenter, has_words

Step = Callable[[str, str, int], None]
"""Called from any thread after each encoded part: tokenizer, language, UTF-8 bytes of the part."""


def ignore_step(tokenizer: str, lang: str, size: int) -> None:
    """Show no progress."""


def raise_failure(error: EngineError) -> None:
    """Raise the error of an engine that failed on a text."""
    raise error


@dataclass(frozen=True, eq=False)
class Result:
    """Counts of one tokenizer on one part: the frame `counts`, and its ids."""

    part: Part
    tokenizer: Tokenizer
    counts: pl.DataFrame
    histogram: Histogram


class MeasurementBuilder:
    """Collects the results of stripes, in order, and builds the measurements."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.tokenizers: dict[str, Tokenizer] = {}
        self.texts: defaultdict[str, list[pl.DataFrame]] = defaultdict(list)
        self.counts: defaultdict[tuple[str, str], list[pl.DataFrame]] = defaultdict(list)
        self.histograms: defaultdict[tuple[str, str], HistogramSum] = defaultdict(HistogramSum)
        self.lengths: Counter[str] = Counter()
        self.failures: dict[str, EngineError] = {}

    def add(self, stripe: Stripe, texts: Sequence[pl.DataFrame], results: Sequence[Result]) -> None:
        """Add the next stripe.

        texts: the frame `texts` of each part.
        """
        for part, frame in zip(stripe.parts, texts, strict=True):
            self.texts[part.lang].append(frame)
        for result in sorted(results, key=lambda result: result.part.start):
            if result.tokenizer.name in self.failures:
                continue
            cell = result.tokenizer.name, result.part.lang
            self.tokenizers[result.tokenizer.name] = result.tokenizer
            self.counts[cell].append(result.counts)
            self.histograms[cell].add(result.histogram)
        for part in stripe.parts:
            self.lengths[part.lang] += part.length
        self.release()

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
        texts = [pl.concat(self.texts[lang]) for lang in languages]
        counts = [pl.concat(self.counts.pop(cell)) for cell in cells]
        histograms = [self.histograms.pop(cell).total() for cell in cells]
        self.release()
        by_tokenizer = {"tokenizer": names, "lang": languages}
        sizes = [len(keys) for keys, _ in histograms]
        found = Measurements(
            texts=label_cells(pl.concat(texts), [frame.height for frame in texts], {"lang": languages}),
            counts=label_cells(pl.concat(counts), [frame.height for frame in counts], by_tokenizer),
            ids=label_cells(frame_histograms(histograms), sizes, by_tokenizer),
            vocab=pl.concat(map_ordered(lambda t: list_vocabulary(t, pl.Enum(names)), tokenizers)),
            documents=self.list_measured_documents(),
            tokenizers=describe_tokenizers(tokenizers).with_columns(pl.col("tokenizer").cast(pl.Enum(names))),
        )
        self.release()
        return found

    def list_measured_documents(self) -> pl.DataFrame:
        """Return the documents of the segments that were measured."""
        documents = list_documents(self.corpus)
        if self.corpus.aligned or documents.is_empty():
            return documents.head(max(self.lengths.values(), default=0))
        numbers = [self.corpus.number(lang).head(length) for lang, length in self.lengths.items()]
        return documents.join(pl.concat(numbers).alias("segment").to_frame(), on="segment", how="semi")

    def finish_early(self) -> tuple[Measurements | None, dict[str, int]]:
        """Return the measurements of complete segments, and the number of these in each language."""
        return (self.finish() if self.lengths else None), dict(self.lengths)


class Interrupted(KeyboardInterrupt):
    """Measuring was interrupted.

    measurements: those of the first segments; None if there are none.
    lengths: number of segments measured in each language; of a parallel corpus, the same in all.
    """

    def __init__(self, measurements: Measurements | None, lengths: Mapping[str, int]) -> None:
        super().__init__()
        self.measurements = measurements
        self.lengths = lengths

    @property
    def segments(self) -> int:
        """Number of segments measured in the language that has most."""
        return max(self.lengths.values(), default=0)


def measure(
    tokenizers: Collection[Tokenizer],
    corpus: Corpus,
    *,
    segmenter: Segmenter = "whitespace",
    needs: Needs = EVERYTHING,
    on_step: Step = ignore_step,
    on_failure: Callable[[EngineError], None] = raise_failure,
    threads: int | None = None,
) -> Measurements:
    """Encode each text of a corpus once with each tokenizer and keep the counts.

    tokenizers: iterated once per stripe; if they are still loading (`loading.Loading`), those that are ready start.
    segmenter: the word segmenter.
    needs: which counts are wanted; the others are null.
    on_failure: called if an engine fails on a text. Unless it raises the error, that tokenizer is left out; if none is
        left, the error is raised.
    threads: number of threads, by default one per core.

    The corpus is read in stripes of segments, whose parts are spread over the threads, so that memory grows only with
    the counts. Raises TokbenchError if two tokenizers have the same name, Interrupted on KeyboardInterrupt.
    """
    spaced = find_spaced(corpus, segmenter, threads) if needs.word_bounds else {}
    builder = MeasurementBuilder(corpus)
    numbered = number_segments(corpus)

    def read(part: Part) -> LanguageTexts:
        return LanguageTexts.read(part.read(corpus), segmenter, spaced.get(part.lang), with_words=needs.word_bounds)

    def measure_stripe(stripe: Stripe) -> tuple[list[pl.DataFrame], list[Result]]:
        texts = dict(zip(stripe.parts, map_ordered(read, stripe.parts, threads), strict=True))
        order = {part: place for place, part in enumerate(stripe.parts)}
        results: list[Result] = []
        failed: list[tuple[str, int, EngineError]] = []

        def count(tokenizer: Tokenizer, part: Part) -> None:
            segments, own_blocks = (rows.slice(part.start, part.length) for rows in numbered[part.lang])
            # Skipped only after a failure in an earlier part: which failure is reported does not depend on threads.
            given_up = any(name == tokenizer.name and place < order[part] for name, place, _ in failed)
            if not given_up and tokenizer.name not in builder.failures:
                try:
                    with lend_cores() if threads is None else nullcontext():
                        counted = count_texts(tokenizer, texts[part], segments, own_blocks, needs)
                    results.append(Result(part, tokenizer, *counted))
                except EngineError as error:
                    located = locate_failure(error, texts[part], segments, part.lang)
                    failed.append((tokenizer.name, order[part], located))
            on_step(tokenizer.name, part.lang, int(texts[part].bytes.sum()))

        share(count, each_once(tokenizers), stripe.parts, threads)
        for name, _, error in sorted(failed, key=itemgetter(0, 1)):
            if name not in builder.failures:
                builder.failures[name] = error
                on_failure(error)
        described = (
            texts[part].describe(numbered[part.lang][0].slice(part.start, part.length), with_words=needs.words)
            for part in stripe.parts
        )
        return list(described), results

    try:
        # Stripes are added on a separate thread, which an interruption does not reach: completely or not at all.
        with single_thread(), ThreadPoolExecutor(1) as keeper:
            for stripe in cut_stripes(corpus, threads):
                keeper.submit(builder.add, stripe, *measure_stripe(stripe)).result()
    except KeyboardInterrupt as interruption:
        raise Interrupted(*builder.finish_early()) from interruption
    return builder.finish()


def find_spaced(corpus: Corpus, segmenter: Segmenter, threads: int | None) -> dict[str, bool]:
    """Return for each language whether the segmenter finds words in it."""
    found = map_ordered(lambda lang: has_words(corpus.columns[lang], segmenter), corpus.languages, threads)
    return dict(zip(corpus.languages, found, strict=True))


def number_segments(corpus: Corpus) -> dict[str, tuple[pl.Series, pl.Series]]:
    """Return the segments of each language and their blocks; parallel languages share them."""
    documents = list_documents(corpus)
    if corpus.aligned:
        return dict.fromkeys(corpus.languages, (corpus.segments, assign_blocks(corpus.segments, documents)["block"]))
    numbers = {lang: corpus.number(lang) for lang in corpus.languages}
    return {lang: (own, assign_blocks(own, documents)["block"]) for lang, own in numbers.items()}


def each_once(tokenizers: Iterable[Tokenizer]) -> Iterator[Tokenizer]:
    """Iterate over the tokenizers; TokbenchError if two of them have the same name."""
    names: set[str] = set()
    for tokenizer in tokenizers:
        if tokenizer.name in names:
            raise TokbenchError(f"two tokenizers are called {tokenizer.name!r}", "name each once")
        names.add(tokenizer.name)
        yield tokenizer
