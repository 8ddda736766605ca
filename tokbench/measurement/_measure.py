"""measure(): encode a corpus once with each tokenizer and keep the counts."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

import polars as pl

from tokbench._shared.process import single_thread
from tokbench._shared.threads import lend_cores, map_ordered, share
from tokbench.adapters import Tokenizer
from tokbench.adapters._freeable import FreeableTokenizer
from tokbench.corpora import Corpus
from tokbench.errors import EngineError, TokbenchError
from tokbench.measurement._builder import MeasurementBuilder, OnCounts, Result, ignore_counts
from tokbench.measurement._measurements import Measurements
from tokbench.measurement.chunks import Part, Stripe, cut_stripes
from tokbench.measurement.counting import count_texts, locate_failure
from tokbench.measurement.needs import EVERYTHING, Needs
from tokbench.measurement.units import Draw, UnitsOfCorpus
from tokbench.measurement.words import LanguageTexts, Segmenter, has_words

Step = Callable[[str, str, int], None]
"""Called from any thread after each encoded part: tokenizer, language, UTF-8 bytes of the part."""


def ignore_step(tokenizer: str, lang: str, size: int) -> None:
    """Show no progress."""


def raise_failure(error: EngineError) -> None:
    """Raise the error of an engine that failed on a text."""
    raise error


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
    pool: Draw | None = "documents",
    on_step: Step = ignore_step,
    on_counts: OnCounts = ignore_counts,
    on_failure: Callable[[EngineError], None] = raise_failure,
    threads: int | None = None,
) -> Measurements:
    """Encode each text of a corpus once with each tokenizer and keep the counts.

    tokenizers: iterated once per stripe; if they are still loading (`loading.Loading`), those that are ready start. A
        `FreeableTokenizer` is freed when a stripe is counted.
    segmenter: the word segmenter.
    needs: which counts are wanted; the others are null.
    pool: what a corpus of more than `units.MOST_UNITS` segments in a language is added up by: documents, if it names
        any, or segments, and runs of neighbours where they are more; None to keep the counts of each segment.
    on_counts: called after each stripe with its frames `texts`, by language, and `counts`, by tokenizer and language;
        both of single segments.
    on_failure: called if an engine fails on a text. Unless it raises the error, that tokenizer is left out; if none is
        left, the error is raised.
    threads: number of threads, by default one per core.

    The corpus is read in stripes of segments, whose parts are spread over the threads, so that memory does not grow
    with the text. Raises TokbenchError if two tokenizers have the same name, Interrupted on KeyboardInterrupt.
    """
    units = None if pool is None else UnitsOfCorpus.find(corpus, pool)
    builder = MeasurementBuilder(corpus, units, on_counts)
    measured = _Stripes(tokenizers, corpus, builder, segmenter, needs, on_step, on_failure, threads)
    try:
        # Stripes are added on a separate thread, which an interruption does not reach: completely or not at all.
        with single_thread(), ThreadPoolExecutor(1) as keeper:
            added = keeper.submit(lambda: None)
            for stripe in cut_stripes(corpus, threads):
                found = measured.measure(stripe)
                added.result()  # the stripe before; this one is added while the next is measured
                added = keeper.submit(builder.add, stripe, *found)
            added.result()
    except KeyboardInterrupt as interruption:
        raise Interrupted(*builder.finish_early()) from interruption
    return builder.finish()


@dataclass(frozen=True, eq=False)
class _Stripes:
    """Measures stripes of a corpus; the fields are the arguments of `measure`."""

    tokenizers: Collection[Tokenizer]
    corpus: Corpus
    builder: MeasurementBuilder
    segmenter: Segmenter
    needs: Needs
    on_step: Step
    on_failure: Callable[[EngineError], None]
    threads: int | None

    @cached_property
    def spaced(self) -> dict[str, bool]:
        """Whether the segmenter finds words in each language; empty if words are not needed."""
        if not self.needs.word_bounds:
            return {}
        columns, languages = self.corpus.columns, self.corpus.languages
        found = map_ordered(lambda lang: has_words(columns[lang], self.segmenter), languages, self.threads)
        return dict(zip(languages, found, strict=True))

    def read(self, part: Part) -> LanguageTexts:
        """Read and measure the texts of a part."""
        texts, with_words = part.read(self.corpus), self.needs.word_bounds
        return LanguageTexts.read(texts, self.segmenter, self.spaced.get(part.lang), with_words=with_words)

    def measure(self, stripe: Stripe) -> tuple[list[pl.DataFrame], list[Result]]:
        """Return the frame `texts` of each part, and the counts of each part by each tokenizer."""
        _ = self.spaced  # before the threads start
        parts, builder = stripe.parts, self.builder
        texts = dict(zip(parts, map_ordered(self.read, parts, self.threads), strict=True))
        places = {part: builder.locate(part) for part in parts}
        order = {part: place for place, part in enumerate(parts)}
        results: list[Result] = []
        failed: list[tuple[str, int, EngineError]] = []
        left: defaultdict[str, int] = defaultdict(lambda: len(parts))  # parts that are not counted yet
        left_lock = threading.Lock()

        def count(tokenizer: Tokenizer, part: Part) -> None:
            # Skipped only after a failure in an earlier part: which failure is reported does not depend on threads.
            given_up = any(name == tokenizer.name and place < order[part] for name, place, _ in failed)
            if not given_up and tokenizer.name not in builder.failures:
                segments, blocks = places[part].segments, places[part].blocks
                try:
                    with lend_cores() if self.threads is None else nullcontext():
                        counted = count_texts(tokenizer, texts[part], segments, blocks, self.needs)
                    results.append(Result(part, tokenizer, *counted))
                except EngineError as error:
                    failed.append(
                        (tokenizer.name, order[part], locate_failure(error, texts[part], segments, part.lang))
                    )
            self.on_step(tokenizer.name, part.lang, int(texts[part].bytes.sum()))
            with left_lock:
                left[tokenizer.name] -= 1
                done = not left[tokenizer.name]
            if done and isinstance(tokenizer, FreeableTokenizer):
                tokenizer.free()

        share(count, each_once(self.tokenizers), parts, self.threads)
        for name, _, error in sorted(failed, key=itemgetter(0, 1)):
            if name not in builder.failures:
                builder.failures[name] = error
                self.on_failure(error)
        return [texts[part].describe(places[part].segments, with_words=self.needs.words) for part in parts], results


def each_once(tokenizers: Iterable[Tokenizer]) -> Iterator[Tokenizer]:
    """Iterate over the tokenizers; TokbenchError if two of them have the same name."""
    names: set[str] = set()
    for tokenizer in tokenizers:
        if tokenizer.name in names:
            raise TokbenchError(f"two tokenizers are called {tokenizer.name!r}", "name each once")
        names.add(tokenizer.name)
        yield tokenizer
