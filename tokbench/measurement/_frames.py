"""The frames of `Measurements` beside counts: tokenizers, vocab, documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import polars as pl

from tokbench.adapters import CountedTokenizer, Tokenizer
from tokbench.corpora import Corpus


def describe_tokenizers(tokenizers: Sequence[Tokenizer]) -> pl.DataFrame:
    """Return one row of facts per tokenizer.

    Values that the catalogue does not know are null.
    """
    rows = []
    for tokenizer in tokenizers:
        entry = tokenizer.asset.entry
        sized = not isinstance(tokenizer, CountedTokenizer)
        rows.append(
            {
                "tokenizer": tokenizer.name,
                "engine": tokenizer.engine,
                "path": tokenizer.call,
                "sha256": tokenizer.asset.sha256,
                "vocab_base": tokenizer.vocab_base if sized else None,
                "vocab_total": tokenizer.vocab_total if sized else None,
                "vocab_rows": entry.vocab_rows if entry else None,
                "context_window": entry.context_window if entry else None,
                "unk_id": tokenizer.unk_id,
            }
        )
    numbers = ("vocab_base", "vocab_total", "vocab_rows", "context_window", "unk_id")
    names = ("tokenizer", "engine", "path", "sha256")
    schema = dict.fromkeys(names, pl.String()) | dict.fromkeys(numbers, pl.Int64())
    return pl.DataFrame(rows, schema=schema)


def list_vocabulary(tokenizer: Tokenizer, names: pl.Enum) -> pl.DataFrame:
    """Return the frame `vocab` of one tokenizer: tokenizer, id, bytes."""
    table = tokenizer.token_table()
    return pl.DataFrame({"id": pl.Series(np.arange(len(table), dtype=np.int32)), "bytes": table.to_series()}).select(
        pl.lit(tokenizer.name, names).alias("tokenizer"), "id", "bytes"
    )


def list_documents(corpus: Corpus) -> pl.DataFrame:
    """Return the frame `documents` of a corpus: segment, document, and register if known."""
    if corpus.documents is None:
        return pl.DataFrame(schema={"segment": pl.UInt32, "document": pl.String})
    register = [pl.col("register").cast(pl.String)] if "register" in corpus.documents.columns else []
    return corpus.documents.select(pl.col("segment").cast(pl.UInt32), pl.col("document").cast(pl.String), *register)


def label_cells(frame: pl.DataFrame, sizes: Sequence[int], keys: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Prepend key columns to the concatenated rows of cells.

    sizes: rows per cell. keys: labels by column; the cells are their product, the last key varying fastest.
    """
    cells = list(zip(product(*map(range, map(len, keys.values()))), sizes, strict=True))
    columns = [
        pl.concat([labels.new_from_index(codes[position], size) for codes, size in cells], rechunk=True)
        for position, labels in enumerate(pl.Series(key, names, pl.Enum(names)) for key, names in keys.items())
    ]
    return pl.DataFrame(columns).hstack(frame).rechunk()
