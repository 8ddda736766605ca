"""Tokenizer x corpus -> Measurements: the counts from which every metric follows, without text or tokenizer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import EncodedBatch, Tokenizer, TokenTable
from tokbench.corpora import ParallelCorpus
from tokbench.errors import TokbenchError
from tokbench.losslessness import classify_losses
from tokbench.output import write_whole
from tokbench.words import LanguageTexts, count_continued_by_bytes, count_continued_by_spans

Step = Callable[[str, str], None]
"""Called with tokenizer and language before each is encoded, for a progress bar."""


def ignore_step(tokenizer: str, lang: str) -> None:
    """No progress bar."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """Sufficient statistics of tokenizers on a corpus.

    texts: lang, segment, bytes (UTF-8), chars (Unicode scalars), words (null without a segmenter that fits).
    counts: tokenizer, lang, segment, tokens, partial_tokens (not whole characters), unk_tokens, unk_chars (null
    where the engine cannot say), continued_words (of more than one token; null likewise), loss (0 decoded
    exactly, 1 equal after NFC, 2 after whitespace is collapsed, 3 lossy).
    ids: tokenizer, lang, id, count, one row for each id that occurs.
    vocab: tokenizer, id, bytes (null for special tokens and holes).
    documents: segment, document; no rows where the corpus names no documents.
    tokenizers: tokenizer, engine, path, sha256, vocab_base, vocab_total, vocab_rows, context_window, unk_id.
    """

    texts: pl.DataFrame
    counts: pl.DataFrame
    ids: pl.DataFrame
    vocab: pl.DataFrame
    documents: pl.DataFrame
    tokenizers: pl.DataFrame

    def merge(self, other: Measurements) -> Measurements:
        """The measurements of both parts: of other tokenizers, other languages, or other segments.

        Associative and indifferent to order: names and segments are sorted, so that parts measured apart and
        merged equal the whole measured at once. Raises TokbenchError when the parts share a cell.
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
        joined["ids"] = joined["ids"].group_by("tokenizer", "lang", "id").agg(pl.col("count").sum())
        for name in ("texts", "vocab", "documents", "tokenizers"):
            joined[name] = joined[name].unique()
        return Measurements(**joined).sorted()

    def with_names_as_text(self) -> Measurements:
        """The same with tokenizers and languages as strings, not as codes of one measurement."""
        return Measurements(
            **{f.name: getattr(self, f.name).with_columns(pl.col(pl.Enum).cast(pl.String)) for f in fields(self)}
        )

    def sorted(self) -> Measurements:
        """The same in canonical order, with tokenizers and languages as codes."""
        names = {
            "tokenizer": pl.Enum(self.tokenizers["tokenizer"].cast(pl.String).unique().sort()),
            "lang": pl.Enum(self.texts["lang"].cast(pl.String).unique().sort()),
        }
        keys = {
            "texts": ["lang", "segment"],
            "counts": ["tokenizer", "lang", "segment"],
            "ids": ["tokenizer", "lang", "id"],
            "vocab": ["tokenizer", "id"],
            "documents": ["segment"],
            "tokenizers": ["tokenizer"],
        }
        frames = {}
        for name, by in keys.items():
            frame: pl.DataFrame = getattr(self, name)
            frames[name] = frame.with_columns(pl.col(key).cast(names[key]) for key in by if key in names).sort(by)
        return Measurements(**frames)

    def save(self, folder: Path) -> None:
        """Write each frame as a Parquet file into a folder that is there."""
        for name, frame in vars(self.with_names_as_text()).items():
            content = io.BytesIO()
            frame.write_parquet(content)
            write_whole(folder / f"{name}.parquet", content.getvalue())

    @classmethod
    def load(cls, folder: Path) -> Measurements:
        """Read what `save` wrote."""
        return cls(**{f.name: pl.read_parquet(folder / f"{f.name}.parquet") for f in fields(cls)}).sorted()


def describe_tokenizers(tokenizers: Sequence[Tokenizer]) -> pl.DataFrame:
    """One row of facts a tokenizer; figures that the catalogue does not know are null."""
    rows = []
    for tokenizer in tokenizers:
        entry = tokenizer.asset.entry
        rows.append(
            {
                "tokenizer": tokenizer.name,
                "engine": tokenizer.engine,
                "path": tokenizer.path,
                "sha256": tokenizer.asset.sha256,
                "vocab_base": tokenizer.vocab_base,
                "vocab_total": tokenizer.vocab_total,
                "vocab_rows": entry.vocab_rows if entry else None,
                "context_window": entry.context_window if entry else None,
                "unk_id": tokenizer.unk_id,
            }
        )
    numbers = ("vocab_base", "vocab_total", "vocab_rows", "context_window", "unk_id")
    names = ("tokenizer", "engine", "path", "sha256")
    schema = dict.fromkeys(names, pl.String()) | dict.fromkeys(numbers, pl.Int64())
    return pl.DataFrame(rows, schema=schema)


def list_vocabulary(tokenizer: Tokenizer) -> pl.DataFrame:
    """The frame `vocab` of one tokenizer."""
    table = tokenizer.token_table()
    tokens = [table[i] for i in range(len(table))]
    return pl.DataFrame(
        {"id": pl.Series(range(len(tokens)), dtype=pl.Int32), "bytes": pl.Series(tokens, dtype=pl.Binary)}
    ).select(pl.lit(tokenizer.name).alias("tokenizer"), "id", "bytes")


def list_documents(corpus: ParallelCorpus) -> pl.DataFrame:
    """The frame `documents` of a corpus."""
    if corpus.documents is None:
        return pl.DataFrame(schema={"segment": pl.UInt32, "document": pl.String})
    return corpus.documents.select(pl.col("segment").cast(pl.UInt32), pl.col("document").cast(pl.String))


def count_unknown(tokenizer: Tokenizer, batch: EncodedBatch, texts: LanguageTexts) -> tuple[pl.Series, pl.Series]:
    """Unknown ids a text, and the characters under them (null where the engine gives no spans)."""
    none = pl.Series(np.zeros(len(batch), np.int32))
    if tokenizer.unk_id is None:
        return none, none
    unknown = batch.sum_by_text(batch.ids == tokenizer.unk_id)
    hit = np.flatnonzero(unknown)
    if not len(hit):
        return none, none
    spans = tokenizer.spans([texts.texts[i] for i in hit])
    chars = np.zeros(len(batch), np.int32)
    if spans is not None:
        under = np.where(spans.batch.ids == tokenizer.unk_id, spans.ends - spans.starts, 0)
        chars[hit] = spans.batch.sum_by_text(under)
    undefined = np.zeros(len(batch), np.bool_) if spans is not None else unknown > 0
    return pl.Series(unknown.astype(np.int32)), mask(chars, undefined)


def mask(values: npt.NDArray[np.int32], undefined: npt.NDArray[np.bool_]) -> pl.Series:
    """The values as a series, null where they are undefined."""
    return pl.Series(values, dtype=pl.Int32).scatter(np.flatnonzero(undefined), None)


def count_continued(
    tokenizer: Tokenizer, batch: EncodedBatch, texts: LanguageTexts, exact: npt.NDArray[np.bool_], table: TokenTable
) -> pl.Series:
    """Words a text that hold more than one token; null where neither bytes nor spans tell the boundaries.

    `exact` flags the texts whose ids' bytes, concatenated, are the text.
    """
    if texts.words is None:
        return pl.Series([None] * len(batch), dtype=pl.Int32)
    prefix = len(tokenizer.prefix or b"")
    found = count_continued_by_bytes(texts, batch, table, exact, prefix).astype(np.int32)
    rest = np.flatnonzero(~exact)
    spans = tokenizer.spans([texts.texts[i] for i in rest]) if len(rest) else None
    if spans is not None:
        found[rest] = count_continued_by_spans(texts, rest, spans, table)
    undefined = np.zeros(len(batch), np.bool_) if spans is not None else ~exact
    return mask(found, undefined)


def measure_language(
    tokenizer: Tokenizer, texts: LanguageTexts, segments: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frames `counts` and `ids` of one tokenizer on the texts of one language."""
    batch = tokenizer.encode_batch(texts.texts)
    table = tokenizer.token_table()
    concatenated, loss = classify_losses(tokenizer, batch, texts)
    unk_tokens, unk_chars = count_unknown(tokenizer, batch, texts)
    counts = pl.DataFrame(
        {
            "segment": segments,
            "tokens": pl.Series(batch.counts.astype(np.int32)),
            "partial_tokens": pl.Series(batch.sum_by_text(table.partial[batch.ids]).astype(np.int32)),
            "unk_tokens": unk_tokens,
            "unk_chars": unk_chars,
            "continued_words": count_continued(tokenizer, batch, texts, concatenated, table),
            "loss": pl.Series(loss, dtype=pl.UInt8),
        }
    )
    histogram = np.bincount(batch.ids, minlength=len(table))
    seen = np.flatnonzero(histogram)
    ids = pl.DataFrame({"id": pl.Series(seen.astype(np.int32)), "count": pl.Series(histogram[seen].astype(np.int64))})
    return counts, ids


def measure(tokenizers: Iterable[Tokenizer], corpus: ParallelCorpus, *, on_step: Step = ignore_step) -> Measurements:
    """Encode each language of a corpus once with each tokenizer and keep the counts.

    Raises TokbenchError when two tokenizers have the same name.
    """
    named: dict[str, Tokenizer] = {}
    for tokenizer in tokenizers:
        if tokenizer.name in named:
            raise TokbenchError(f"two tokenizers are called {tokenizer.name!r}", "name each once")
        named[tokenizer.name] = tokenizer
    tokenizer_type, lang_type = pl.Enum(sorted(named)), pl.Enum(sorted(corpus.languages))
    segments = corpus.segments
    texts_parts: list[pl.DataFrame] = []
    counts_parts: list[pl.DataFrame] = []
    ids_parts: list[pl.DataFrame] = []
    for lang in corpus.languages:
        texts = LanguageTexts.read(corpus.texts(lang))
        texts_parts.append(texts.describe(lang, segments).with_columns(pl.col("lang").cast(lang_type)))
        for name, tokenizer in named.items():
            on_step(name, lang)
            labels = (pl.lit(name, tokenizer_type).alias("tokenizer"), pl.lit(lang, lang_type).alias("lang"))
            counts, ids = measure_language(tokenizer, texts, segments)
            counts_parts.append(counts.select(*labels, pl.all()))
            ids_parts.append(ids.select(*labels, pl.all()))
    return Measurements(
        texts=pl.concat(texts_parts),
        counts=pl.concat(counts_parts),
        ids=pl.concat(ids_parts),
        vocab=pl.concat([list_vocabulary(tokenizer) for tokenizer in named.values()]),
        documents=list_documents(corpus),
        tokenizers=describe_tokenizers(list(named.values())),
    ).sorted()
