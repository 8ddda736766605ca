"""Tokenizers x corpus -> Measurements: the counts behind every metric."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, fields
from operator import itemgetter
from pathlib import Path

import polars as pl

from tokbench._shared.files import write_whole
from tokbench._shared.threads import lend_cores, map_ordered, release_freed, share, single_thread
from tokbench.adapters import Tokenizer
from tokbench.corpora import ParallelCorpus
from tokbench.errors import EngineError, TokbenchError
from tokbench.measurement._frames import describe_tokenizers, label_cells, list_documents, list_vocabulary
from tokbench.measurement.chunks import WHOLE_BYTES, Part, Stripe, cut_stripes
from tokbench.measurement.counting import Histogram, HistogramSum, count_texts, frame_histograms, locate_failure
from tokbench.measurement.jackknife_blocks import assign_blocks
from tokbench.measurement.words import LanguageTexts, Segmenter, has_words

Step = Callable[[str, str, int], None]
"""Called from any thread after a tokenizer has encoded texts: its name, their language, their UTF-8 bytes."""


def ignore_step(tokenizer: str, lang: str, size: int) -> None:
    """Ignore progress."""


def raise_failure(error: EngineError) -> None:
    """Raise the failure of an engine."""
    raise error


@dataclass(frozen=True, eq=False)
class Measurements:
    """Sufficient statistics of tokenizers on a corpus.

    texts: lang, segment, bytes (UTF-8), chars (Unicode scalars), words (null if the segmenter does not fit).
    counts: tokenizer, lang, segment, tokens, partial_tokens (not whole characters), unk_tokens, unk_chars (null if the
    engine cannot tell), continued_words (words of more than one token; null likewise), loss (0 decoded exactly, 1 equal
    after NFC, 2 equal after whitespace is collapsed, 3 lossy).
    ids: tokenizer, lang, block (see `tokbench.measurement.jackknife_blocks`), id, count; one row per id that occurs in
    the block.
    vocab: tokenizer, id, bytes (null for special tokens and holes).
    documents: segment, document; empty if the corpus names no documents.
    tokenizers: tokenizer, engine, path, sha256, vocab_base, vocab_total, vocab_rows, context_window, unk_id.
    """

    texts: pl.DataFrame
    counts: pl.DataFrame
    ids: pl.DataFrame
    vocab: pl.DataFrame
    documents: pl.DataFrame
    tokenizers: pl.DataFrame

    def merge(self, other: Measurements) -> Measurements:
        """Merge with measurements of other tokenizers, languages, or segments.

        Associative and commutative: names and segments are sorted, so parts measured separately and merged equal the
        whole measured at once. Raises TokbenchError if the parts share a cell.
        """
        cells = ["tokenizer", "lang", "segment"]
        mine, theirs = self.with_names_as_text(), other.with_names_as_text()
        shared = mine.counts.join(theirs.counts, on=cells, how="semi")
        if shared.height:
            tokenizer, lang, segment = shared.select(cells).row(0)
            raise TokbenchError(
                f"both measurements hold segment {segment} of {lang} by {tokenizer}", "merge disjoint parts"
            )
        joined = {f.name: pl.concat([getattr(mine, f.name), getattr(theirs, f.name)]) for f in fields(self)}
        total = pl.col("count").sum().cast(joined["ids"].schema["count"])  # summed in 64 bits; overflow is an error
        joined["ids"] = joined["ids"].cast({"count": pl.Int64}).group_by("tokenizer", "lang", "block", "id").agg(total)
        for name in ("texts", "vocab", "documents", "tokenizers"):
            joined[name] = joined[name].unique()
        return Measurements(**joined).sorted()

    def keep(self, tokenizers: Collection[str]) -> Measurements:
        """Return the measurements of the named tokenizers only."""
        if set(self.tokenizers["tokenizer"]) <= set(tokenizers):
            return self
        frames = vars(self.with_names_as_text())
        chosen = pl.col("tokenizer").is_in(list(tokenizers))
        with_names = {name: frame.filter(chosen) for name, frame in frames.items() if "tokenizer" in frame.columns}
        return Measurements(**{**frames, **with_names}).sorted()

    def with_names_as_text(self) -> Measurements:
        """Return the same with tokenizers and languages as strings, not enum codes."""
        return Measurements(
            **{f.name: getattr(self, f.name).with_columns(pl.col(pl.Enum).cast(pl.String)) for f in fields(self)}
        )

    def sorted(self) -> Measurements:
        """Return the same in canonical order, with tokenizers and languages as codes."""
        names = {
            "tokenizer": pl.Enum(self.tokenizers["tokenizer"].cast(pl.String).unique().sort()),
            "lang": pl.Enum(self.texts["lang"].cast(pl.String).unique().sort()),
        }
        keys = {
            "texts": ["lang", "segment"],
            "counts": ["tokenizer", "lang", "segment"],
            "ids": ["tokenizer", "lang", "block", "id"],
            "vocab": ["tokenizer", "id"],
            "documents": ["segment"],
            "tokenizers": ["tokenizer"],
        }
        frames = {}
        for name, by in keys.items():
            frame: pl.DataFrame = getattr(self, name)
            frame = frame.with_columns(pl.col(key).cast(names[key]) for key in by if key in names)
            frames[name] = put_in_order(frame, by)
        return Measurements(**frames)

    def save(self, folder: Path) -> None:
        """Write each frame as a Parquet file into an existing folder."""
        for name, frame in vars(self.with_names_as_text()).items():
            content = io.BytesIO()
            frame.write_parquet(content)
            write_whole(folder / f"{name}.parquet", content.getvalue())

    @classmethod
    def load(cls, folder: Path) -> Measurements:
        """Read a folder written by `save`."""
        return cls(**{f.name: pl.read_parquet(folder / f"{f.name}.parquet") for f in fields(cls)}).sorted()


def put_in_order(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Sort rows by columns, unless they are sorted: sorting millions is slow."""
    before, equal = pl.lit(value=False), pl.lit(value=True)
    for key in by:
        current, previous = pl.col(key).slice(1), pl.col(key).slice(0, pl.len() - 1)
        before, equal = before | (equal & (previous < current)), equal & (previous == current)
    return frame if frame.select((before | equal).all()).item() else frame.sort(by)


@dataclass(frozen=True, eq=False)
class Result:
    """What one tokenizer counted in one part: frame `counts`, histogram of ids."""

    part: Part
    tokenizer: Tokenizer
    counts: pl.DataFrame
    histogram: Histogram


class MeasurementBuilder:
    """Collect the results of stripes, in order, and build the measurements."""

    def __init__(self, corpus: ParallelCorpus) -> None:
        self.corpus = corpus
        self.tokenizers: dict[str, Tokenizer] = {}
        self.texts: defaultdict[str, list[pl.DataFrame]] = defaultdict(list)
        self.counts: defaultdict[tuple[str, str], list[pl.DataFrame]] = defaultdict(list)
        self.histograms: defaultdict[tuple[str, str], HistogramSum] = defaultdict(HistogramSum)
        self.segments = 0
        self.failures: dict[str, EngineError] = {}

    def add(self, stripe: Stripe, texts: Sequence[pl.DataFrame], results: Sequence[Result]) -> None:
        """Add the next stripe: frame `texts` per part, and the results."""
        for part, frame in zip(stripe.parts, texts, strict=True):
            self.texts[part.lang].append(frame)
        for result in sorted(results, key=lambda result: result.part.start):
            if result.tokenizer.name in self.failures:
                continue
            cell = result.tokenizer.name, result.part.lang
            self.tokenizers[result.tokenizer.name] = result.tokenizer
            self.counts[cell].append(result.counts)
            self.histograms[cell].add(result.histogram)
        self.segments += stripe.length
        self.release()

    def release(self) -> None:
        """Return freed memory to the system, unless the corpus is one small stripe."""
        if self.corpus.size > WHOLE_BYTES:
            release_freed()

    def finish(self) -> Measurements:
        """Build the measurements, in canonical order, without failed tokenizers.

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
        measurements = Measurements(
            texts=label_cells(pl.concat(texts), [frame.height for frame in texts], {"lang": languages}),
            counts=label_cells(pl.concat(counts), [frame.height for frame in counts], by_tokenizer),
            ids=label_cells(frame_histograms(histograms), sizes, by_tokenizer),
            vocab=pl.concat(map_ordered(lambda t: list_vocabulary(t, pl.Enum(names)), tokenizers)),
            documents=list_documents(self.corpus).head(self.segments),
            tokenizers=describe_tokenizers(tokenizers).with_columns(pl.col("tokenizer").cast(pl.Enum(names))),
        )
        self.release()
        return measurements

    def finish_early(self) -> tuple[Measurements | None, int]:
        """Return measurements (or None) and number of segments complete in all languages."""
        return (self.finish() if self.segments else None), self.segments


class Interrupted(KeyboardInterrupt):
    """Raised on interruption, with `measurements` of complete `segments`, or None."""

    def __init__(self, measurements: Measurements | None, segments: int) -> None:
        super().__init__()
        self.measurements = measurements
        self.segments = segments


def measure(
    tokenizers: Collection[Tokenizer],
    corpus: ParallelCorpus,
    *,
    segmenter: Segmenter = "whitespace",
    on_step: Step = ignore_step,
    on_failure: Callable[[EngineError], None] = raise_failure,
    threads: int | None = None,
) -> Measurements:
    """Encode each text of a corpus once with each tokenizer, and count.

    The corpus is read in stripes of segments. The parts of a stripe and the tokenizers are spread over threads (by
    default one per core), and memory grows only with the counts. Tokenizers are iterated once per stripe: if they are
    still loading (`loading.Loading`), those that are ready start first.
    on_failure: called with the error if an engine fails on a text; unless it raises, the tokenizer is left out. If no
    tokenizer is left, the error is raised.
    Raises TokbenchError if two tokenizers have the same name, Interrupted on an interruption from outside.
    """
    spaced = dict(
        zip(
            corpus.languages,
            map_ordered(lambda lang: has_words(corpus.columns[lang], segmenter), corpus.languages, threads),
            strict=True,
        )
    )
    builder = MeasurementBuilder(corpus)
    blocks = assign_blocks(corpus.segments, list_documents(corpus))["block"]

    def read(part: Part) -> LanguageTexts:
        return LanguageTexts.read(part.read(corpus), segmenter, spaced[part.lang])

    def measure_stripe(stripe: Stripe) -> tuple[list[pl.DataFrame], list[Result]]:
        texts = dict(zip(stripe.parts, map_ordered(read, stripe.parts, threads), strict=True))
        order = {part: index for index, part in enumerate(stripe.parts)}
        results: list[Result] = []
        failed: list[tuple[str, int, EngineError]] = []

        def count(tokenizer: Tokenizer, part: Part) -> None:
            segments, part_blocks = (rows.slice(part.start, part.length) for rows in (corpus.segments, blocks))
            # Skip only parts after a failed one, so that the reported failure does not depend on the threads.
            given_up = any(name == tokenizer.name and index < order[part] for name, index, _ in failed)
            if not given_up and tokenizer.name not in builder.failures:
                try:
                    with lend_cores() if threads is None else nullcontext():
                        counted = count_texts(tokenizer, texts[part], segments, part_blocks)
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
        described = (texts[part].describe(corpus.segments.slice(part.start, part.length)) for part in stripe.parts)
        return list(described), results

    try:
        # On a separate thread, which an interruption does not reach: a stripe is added completely or not at all.
        with single_thread(), ThreadPoolExecutor(1) as keeper:
            for stripe in cut_stripes(corpus, threads):
                keeper.submit(builder.add, stripe, *measure_stripe(stripe)).result()
    except KeyboardInterrupt as interruption:
        raise Interrupted(*builder.finish_early()) from interruption
    return builder.finish()


def each_once(tokenizers: Iterable[Tokenizer]) -> Iterator[Tokenizer]:
    """Yield the tokenizers; TokbenchError if two of them have the same name."""
    names: set[str] = set()
    for tokenizer in tokenizers:
        if tokenizer.name in names:
            raise TokbenchError(f"two tokenizers are called {tokenizer.name!r}", "name each once")
        names.add(tokenizer.name)
        yield tokenizer
