"""Counts of a sample of a stream, to which pieces are added in rounds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench._shared.process import release_freed
from tokbench._shared.progress import COUNTING, NO_PROGRESS, Progress
from tokbench.adapters import Tokenizer
from tokbench.corpora import Shard, ShardTexts, Stream, TextGroups, extent
from tokbench.corpora._corpus_spec import is_address
from tokbench.corpora._sample_reading import read_piece, read_pieces
from tokbench.corpora._sampling import Drawing, Piece, Stratum, stratify
from tokbench.errors import EngineError, TokbenchError
from tokbench.measurement._frames import list_vocabulary
from tokbench.measurement._measurements import Measurements
from tokbench.measurement.drawn import Sample
from tokbench.measurement.shard_task import ShardSettings
from tokbench.measurement.shards import measure_shard
from tokbench.measurement.streams import MissingShard, StreamMeasurements, leave_out_words
from tokbench.measurement.units import MOST_UNITS

TRIED_BYTES = 2_000_000
"""Approximate UTF-8 bytes of the texts by which engines are chosen and timed."""


def cut_strata(stream: Stream) -> tuple[Stratum, ...]:
    """Cut a stream into pieces by group; all are one stratum if groups are told apart by record."""
    return stratify(stream, lambda shard: dict(shard.settings).get("label", ""), find_extent)


def find_extent(shard: Shard) -> tuple[int, int] | None:
    """Return where windows of a shard may be; None also if that cannot be known, as reading it will say."""
    try:
        return None if is_address(shard.file) and shard.format != "parquet" else extent(shard)
    except TokbenchError:
        return None


def read_first_pieces(stream: Stream, strata: Sequence[Stratum], seed: int) -> TextGroups:
    """Return texts of the first pieces that will be drawn of each stratum.

    Raises TokbenchError if none of them can be read.
    """
    texts: dict[str, list[str]] = {}
    fault: TokbenchError | None = None
    for stratum in strata:
        left = TRIED_BYTES // len(strata)
        for piece in stratum.draw(seed):
            try:
                for part in read_piece(piece):
                    texts.setdefault(part.group, []).extend(part.texts.to_list())
                    left -= int(part.texts.str.len_bytes().sum())
                    if left <= 0:
                        break
            except TokbenchError as error:
                fault = fault or error
                left -= piece.size
            if left <= 0:
                break
    if not texts:
        raise fault or TokbenchError(f"{stream.name} has no text", "give another source")
    return TextGroups.from_texts(dict(sorted(texts.items())), stream.name)


def number_pieces(shard: str, start: int, segments: pl.Series, documents: pl.Series) -> npt.NDArray[np.int64]:
    """Return the unit of each segment: its piece, by the order of drawing, so that blocks have equally many."""
    return documents.to_numpy().astype(np.int64) % MOST_UNITS


class SampleCounts:
    """The counts of the pieces drawn so far.

    drawings: of each stratum. total: the pooled counts, whose units are pieces, without vocabularies; None at first.
    """

    def __init__(
        self,
        tokenizers: Sequence[Tokenizer],
        stream: Stream,
        drawings: Sequence[Drawing],
        settings: ShardSettings,
        progress: Progress = NO_PROGRESS,
    ) -> None:
        self.stream = stream
        self.drawings = drawings
        self.total: Measurements | None = None
        self._left = list(tokenizers)
        self._settings = settings
        self._progress = progress
        self._faults: list[EngineError] = []
        self._missing: dict[str, MissingShard] = {}
        self._hashes: list[str] = []
        self._read: dict[int, int] = {}
        self._bytes = self._segments = 0

    def add(self, pieces: Mapping[str, Sequence[Piece]]) -> None:
        """Measure new pieces. A piece that cannot be read is missing; a tokenizer that fails is left out.

        Raises EngineError if all tokenizers failed.
        """
        drawn = [piece for own in pieces.values() for piece in own]
        self._progress.start(COUNTING, sum(piece.size for piece in drawn))
        windows = [piece for piece in drawn if piece.start is not None]
        for batch in [windows, *([piece] for piece in drawn if piece.start is None)]:
            if batch:
                self._measure(batch)
        for piece in drawn:
            groups = max(1, piece.shard.end - piece.shard.start) if piece.shard.format == "parquet" else 0
            size = piece.shard.size // groups if groups else piece.size
            known = self._read.get(piece.shard.number, 0)
            self._read[piece.shard.number] = min(known + size, piece.shard.size)
        release_freed()

    def _measure(self, pieces: Sequence[Piece]) -> None:
        source = Shard(0, self.stream.source, self.stream.name, self.stream.format, 0, 1, 0)
        while True:
            try:
                result = measure_shard(
                    self._left,
                    source,
                    read=lambda _: self._read_pieces(pieces),
                    segmenter=self._settings.segmenter,
                    spaced=self._settings.spaced,
                    needs=self._settings.needs,
                    number=number_pieces,
                )
            except EngineError as error:
                self._faults.append(error)
                self._left = [tokenizer for tokenizer in self._left if tokenizer.name != error.tokenizer]
                if not self._left:
                    raise
            except TokbenchError as error:
                if len(pieces) > 1:  # a window that cannot be read is not an error
                    raise
                self._miss(pieces[0], error)
                return
            else:
                break
        if not result.segments:
            return
        self._hashes.append(result.sha256)
        self._bytes += result.bytes
        self._segments += result.segments
        names = [tokenizer.name for tokenizer in self._left]
        new = result.measurements
        self.total = new if self.total is None else self.total.keep(names).merge(new)

    def _read_pieces(self, pieces: Sequence[Piece]) -> Iterator[ShardTexts]:
        """Yield the texts of windows, or of one whole file, and tell how far reading is."""
        whole = pieces[0].start is None
        for part in read_piece(pieces[0]) if whole else read_pieces(pieces, self._miss):
            yield part
            self._progress.advance(COUNTING, int(part.texts.str.len_bytes().sum()), part.group)

    def _miss(self, piece: Piece, error: TokbenchError) -> None:
        name = piece.shard.name if not piece.start else f"{piece.shard.name} from {piece.start:,}"
        self._missing[name] = MissingShard(name, str(error))

    def expand(self) -> dict[str, float]:
        """Return the estimated bytes of text in the whole source, by group."""
        if self.total is None:
            return {}
        factors = {d.stratum.label: len(d.stratum) / d.drawn for d in self.drawings if d.drawn}
        sizes = self.total.texts.group_by(pl.col("lang").cast(pl.String)).agg(pl.col("bytes").sum()).sort("lang")
        return {lang: size * factors.get(lang, next(iter(factors.values()))) for lang, size in sizes.iter_rows()}

    def finish(self, precision: float, seed: int, rounds: int) -> StreamMeasurements | None:
        """Return what was counted; None without any text.

        precision, seed, rounds: as in `Sample`.
        """
        if self.total is None:
            return None
        names = pl.Enum(sorted(tokenizer.name for tokenizer in self._left))
        wordless = self.total.texts.filter(pl.col("words").is_null())["lang"].cast(pl.String)
        unfit = set(wordless) if self._settings.needs.words else set()
        measured = leave_out_words(self.total.keep(names.categories.to_list()), unfit)
        return StreamMeasurements(
            replace(measured, vocab=pl.concat(list_vocabulary(t, names) for t in self._left)).sorted(),
            hashlib.sha256("\n".join(["tokbench sample 1", *self._hashes]).encode()).hexdigest(),
            self._bytes,
            self._segments,
            len(self._read),
            tuple(self._missing.values()),
            tuple(self._faults),
            Sample(
                precision,
                seed,
                rounds,
                sum(drawing.drawn for drawing in self.drawings),
                sum(len(drawing.stratum) for drawing in self.drawings),
                sum(self._read.values()),
                self.stream.size,
            ),
            self.expand(),
        )
