"""Measurements as files: Parquet, and a list of their hashes."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import polars as pl

from tokbench._shared.pipes import refuse_special
from tokbench.errors import TokbenchError
from tokbench.measurement.units import NUMBER, SIZES, list_boundaries

LISTING = "measurements.json"
"""The hashes of the frames' files: a damaged Parquet file can read as other numbers."""

_NAME = pl.String()
_COUNT = pl.Int32()
SCHEMAS: Mapping[str, Mapping[str, pl.DataType]] = {
    "texts": {"lang": _NAME, "segment": pl.UInt32(), "bytes": _COUNT, "chars": _COUNT, "words": _COUNT},
    "counts": {
        "tokenizer": _NAME,
        "lang": _NAME,
        "segment": pl.UInt32(),
        "tokens": _COUNT,
        "partial_tokens": _COUNT,
        "unk_tokens": _COUNT,
        "unk_chars": _COUNT,
        "continued_words": _COUNT,
        "loss": pl.UInt8(),
    },
    "ids": {"tokenizer": _NAME, "lang": _NAME, "block": pl.UInt8(), "id": _COUNT, "count": pl.UInt32()},
    "vocab": {"tokenizer": _NAME, "id": _COUNT, "bytes": pl.Binary()},
    "documents": {"segment": pl.UInt32(), "document": _NAME},
    "tokenizers": {
        "tokenizer": _NAME,
        "engine": _NAME,
        "path": _NAME,
        "sha256": _NAME,
        "vocab_base": pl.Int64(),
        "vocab_total": pl.Int64(),
        "vocab_rows": pl.Int64(),
        "context_window": pl.Int64(),
        "unk_id": pl.Int64(),
    },
}
"""Columns of each frame of `Measurements`."""

SUM = pl.Int64()
"""The type of sums over units; they are stored in the smallest of `units.SIZES` that holds them."""

POOLED_SCHEMAS: Mapping[str, Mapping[str, pl.DataType]] = {
    "texts": {"lang": _NAME, "segment": NUMBER, **dict.fromkeys(("segments", "bytes", "chars", "words"), SUM)},
    "counts": {
        "tokenizer": _NAME,
        "lang": _NAME,
        "segment": NUMBER,
        **dict.fromkeys(
            (
                *("tokens", "partial_tokens", "unk_tokens", "unk_chars", "continued_words"),
                *("exact", "nfc", "whitespace", "lossy"),
                *("unk_known_chars", "unk_known_segments", "continued_known_words", "continued_known_segments"),
            ),
            SUM,
        ),
    },
    "ids": {"tokenizer": _NAME, "lang": _NAME, "block": pl.UInt8(), "id": _COUNT, "count": pl.Int64()},
    "documents": {"segment": NUMBER, "document": _NAME},
}
"""Columns of the frames of pooled measurements, where they differ."""

OPTIONAL: Mapping[str, Mapping[str, pl.DataType]] = {"documents": {"register": _NAME}}
"""Columns that a frame may also have, after the others."""

MEASUREMENT_FILES = (LISTING, *(f"{name}.parquet" for name in SCHEMAS))


def format_files(frames: Mapping[str, pl.DataFrame]) -> dict[str, bytes]:
    """Return the content of each file by name, the listing last."""
    files = {}
    for name, frame in frames.items():
        content = io.BytesIO()
        frame.write_parquet(content)
        files[f"{name}.parquet"] = content.getvalue()
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return {**files, LISTING: (json.dumps({"sha256": hashes}, indent=1) + "\n").encode()}


def read_frames(folder: Path) -> dict[str, pl.DataFrame]:
    """Read the frames that were saved in a folder.

    Raises OSError for a file that cannot be read, TokbenchError for one that was changed.
    """
    refuse_special(folder / LISTING)
    try:
        hashes = msgspec.json.decode((folder / LISTING).read_bytes(), type=dict[str, dict[str, str]])["sha256"]
    except (msgspec.DecodeError, RecursionError, KeyError) as error:
        raise TokbenchError(f"{folder / LISTING}: not a list of hashes", "save the comparison again") from error
    frames = {name: _read_frame(folder / f"{name}.parquet", name, hashes) for name in SCHEMAS}
    if len({frames[name].schema["segment"] for name in ("texts", "counts", "documents")}) > 1:
        raise TokbenchError(f"{folder}: counts by segment and by unit in one folder", "save the comparison again")
    return frames


def _read_frame(path: Path, name: str, hashes: Mapping[str, str]) -> pl.DataFrame:
    refuse_special(path)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != hashes.get(path.name):
        raise TokbenchError(f"{path}: changed since it was saved", "save the comparison again")
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).partition("\n")[0]
        raise TokbenchError(f"{path}: not a Parquet file ({reason})", "save the comparison again") from error
    if not any(has_schema(frame, schema) for schema in list_schemas(name)):
        columns = ", ".join(f"{column} {kind}" for column, kind in frame.schema.items())
        raise TokbenchError(f"{path}: unexpected columns ({columns:.200})", "save the comparison again")
    return frame


def list_schemas(name: str) -> list[Mapping[str, pl.DataType]]:
    """Return the columns that a frame may have: of segments and of units, without and with the optional ones."""
    forms = [forms[name] for forms in (SCHEMAS, POOLED_SCHEMAS) if name in forms]
    return [schema for form in forms for schema in (form, {**form, **OPTIONAL.get(name, {})})]


def has_schema(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> bool:
    """Return whether a frame has these columns; sums, which are stored narrow, may have any of `units.SIZES`."""
    more = list_boundaries(frame) if "tokens" in schema else []
    known = {**schema, **dict.fromkeys(more, SUM)}
    return list(frame.columns) == list(known) and all(
        found == kind or (kind is SUM and found in SIZES)
        for found, kind in zip(frame.dtypes, known.values(), strict=True)
    )
