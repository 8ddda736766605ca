"""Measurements: the counts from which every metric is computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import polars as pl

from tokbench._shared.files import write_whole
from tokbench.corpora import Corpus, TextsByLanguage
from tokbench.errors import TokbenchError
from tokbench.measurement.recorded import IdsOfTexts, frame_recorded, make_corpus
from tokbench.measurement.saved import format_files, read_frames
from tokbench.measurement.units import Draw, add_up, narrow
from tokbench.measurement.words import Segmenter


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
    documents: segment, document, register if known; empty if the corpus names no documents.
    tokenizers: tokenizer, engine, path, sha256, vocab_base, vocab_total, vocab_rows, context_window, unk_id.

    Pooled measurements, which those of a large corpus are, hold units instead of segments: documents, or runs of
    neighbours (see `tokbench.measurement.units`). All counts are sums in 64 bits, and `segment` is the unit's number.
    texts: also segments, how many the unit has.
    counts: instead of loss, the segments of each class: exact, nfc, whitespace, lossy. unk_chars is the sum over the
    segments where it is known: unk_known_segments segments of unk_known_chars characters; null if there is none.
    Likewise continued_words, continued_known_segments and continued_known_words.
    documents: of each unit; document is null for runs of segments of a corpus that names documents.
    """

    texts: pl.DataFrame
    counts: pl.DataFrame
    ids: pl.DataFrame
    vocab: pl.DataFrame
    documents: pl.DataFrame
    tokenizers: pl.DataFrame

    @classmethod
    def from_ids(
        cls,
        texts: TextsByLanguage | Sequence[str] | Corpus,
        ids: IdsOfTexts | Mapping[str, IdsOfTexts],
        token_bytes: Sequence[bytes | None] | Mapping[int, bytes | None] | None = None,
        *,
        name: str,
        lang: str = "und",
        vocab_base: int | None = None,
        vocab_total: int | None = None,
        vocab_rows: int | None = None,
        context_window: int | None = None,
        unk_id: int | None = None,
        prefix: bytes = b"",
        segmenter: Segmenter = "whitespace",
        pool: Draw | None = "documents",
    ) -> Measurements:
        """Count ids made without tokbench, for example by a closed model.

        texts: a corpus, texts by language, or the texts of a single language, `lang`.
        ids: the ids of each text; by language if the texts are.
        token_bytes: the bytes of each token, by id; None for special tokens. Without it, everything that needs bytes is
            null: partial tokens, losses, continued words, token lengths.
        name: the tokenizer's name in tables.
        prefix: what the tokenizer adds before each text and removes in decoding (`b" "` for most SentencePiece models).
        unk_id: id of the unknown token; without it, no token counts as unknown.
        pool: what a large corpus is added up by, as for `measure`; None to keep the counts of each segment.

        Sizes and windows that are not given are null. Raises TokbenchError if texts, ids and bytes do not match.
        """
        facts = {
            "vocab_base": vocab_base,
            "vocab_total": vocab_total,
            "vocab_rows": vocab_rows,
            "context_window": context_window,
            "unk_id": unk_id,
        }
        corpus = make_corpus(texts, lang)
        return cls(**frame_recorded(corpus, ids, token_bytes, name, facts, prefix, segmenter, pool)).sorted()

    @property
    def pooled(self) -> bool:
        """Whether the frames hold units of several segments."""
        return "segments" in self.texts.columns

    def merge(self, other: Measurements) -> Measurements:
        """Merge with measurements of other tokenizers, languages, or segments.

        Associative and commutative: names and segments are sorted, so parts measured separately and merged equal the
        whole measured at once. Pooled measurements of the same tokenizers add up the counts of equal units: their
        segments must be other ones, which cannot be checked. Raises TokbenchError if the parts share a cell.
        """
        if self.pooled or other.pooled:
            return merge_pooled(self, other)
        cells = ["tokenizer", "lang", "segment"]
        mine, theirs = self.with_names_as_text(), other.with_names_as_text()
        shared = mine.counts.join(theirs.counts, on=cells, how="semi")
        if shared.height:
            tokenizer, lang, segment = shared.select(cells).row(0)
            raise TokbenchError(
                f"both measurements hold segment {segment} of {lang} by {tokenizer}", "merge disjoint parts"
            )
        joined = join_frames(mine, theirs)
        joined["texts"] = joined["texts"].unique()
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
        if self.pooled:
            frames |= {name: narrow(frames[name]) for name in ("texts", "counts")}
        return Measurements(**frames)

    def to_files(self) -> dict[str, bytes]:
        """Return the content of each file of `save`, by its name."""
        return format_files(vars(self.with_names_as_text()))

    def save(self, folder: Path) -> None:
        """Write each frame as a Parquet file into an existing folder, and a list of their hashes."""
        for name, content in self.to_files().items():
            write_whole(folder / name, content)

    @classmethod
    def load(cls, folder: Path) -> Measurements:
        """Read a folder written by `save`; TokbenchError for a file that changed since."""
        return cls(**read_frames(folder)).sorted()


def join_frames(mine: Measurements, theirs: Measurements) -> dict[str, pl.DataFrame]:
    """Return the rows of both frame by frame, names as text, each row of facts once and ids added up."""
    joined = {
        f.name: pl.concat([getattr(mine, f.name), getattr(theirs, f.name)], how="diagonal_relaxed")
        for f in fields(mine)
    }
    total = pl.col("count").sum().cast(joined["ids"].schema["count"])  # summed in 64 bits; overflow is an error
    joined["ids"] = joined["ids"].cast({"count": pl.Int64}).group_by("tokenizer", "lang", "block", "id").agg(total)
    for name in ("vocab", "documents", "tokenizers"):
        joined[name] = joined[name].unique()
    return joined


def merge_pooled(one: Measurements, other: Measurements) -> Measurements:
    """Merge pooled measurements: of the same tokenizers, add up the counts of equal units."""
    if not (one.pooled and other.pooled):
        raise TokbenchError("counts by segment cannot be merged with counts by unit", "measure both in the same way")
    mine, theirs = one.with_names_as_text(), other.with_names_as_text()
    joined = join_frames(mine, theirs)
    units = ["lang", "segment"]
    shared = mine.texts.join(theirs.texts, on=units, how="inner")
    if shared.is_empty():
        return Measurements(**joined).sorted()
    sides = [set(side.counts.join(shared.select(units), on=units, how="semi")["tokenizer"]) for side in (mine, theirs)]
    if sides[0] == sides[1]:
        joined["texts"], joined["counts"] = add_up([joined["texts"]]), add_up([joined["counts"]])
    else:
        # Other tokenizers on the same texts.
        joined["texts"] = joined["texts"].unique()
        repeated = joined["texts"].select(pl.struct(units).is_duplicated().any()).item()
        if repeated or sides[0] & sides[1]:
            raise TokbenchError(
                "the measurements to merge are of the same units, but neither of the same tokenizers nor of the same "
                "texts",
                "merge parts of the same tokenizers, or all texts of each tokenizer",
            )
    if joined["documents"]["segment"].is_duplicated().any():
        raise TokbenchError("the units to merge are of other documents", "merge measurements of the same corpus")
    return Measurements(**joined).sorted()


def put_in_order(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Sort rows by columns, unless they are sorted: sorting millions is slow."""
    before, equal = pl.lit(value=False), pl.lit(value=True)
    for key in by:
        current, previous = pl.col(key).slice(1), pl.col(key).slice(0, pl.len() - 1)
        before, equal = before | (equal & (previous < current)), equal & (previous == current)
    return frame if frame.select((before | equal).all()).item() else frame.sort(by)
