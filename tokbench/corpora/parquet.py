"""Parquet: a string column, or a field of `translation`, per language.

Options: `LANG=COLUMN` (name or number from 1) and `document=COLUMN`; a dot in a name that is not a column leads into a
struct (`translation.en`). Without `LANG=COLUMN` every string column whose name is a language tag is read, or the fields
of `translation` if there is one. A null is a missing text. Not parallel and long tables: `text=COLUMN`, as for JSON
Lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tokbench.corpora._frames import read_frame
from tokbench.corpora._parquet_trial import try_reading
from tokbench.corpora._reader_api import RawCorpus
from tokbench.corpora._storage import is_file, is_plain
from tokbench.corpora._utf8 import first_line
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """Claim a file that starts with the magic bytes of Parquet."""
    return is_file(path) and first_line(path, 4) == b"PAR1"


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns of the requested languages.

    Raises TokbenchError for a damaged file and a column without text.
    """
    if not is_plain(path):
        raise TokbenchError(f"{path} is compressed or in an archive, where Parquet cannot be read", "unpack it first")
    try:
        fault = try_reading(path, options, languages)
    except OSError as error:
        raise _refuse(path, error.strerror) from error
    if fault is not None:
        raise _refuse(path, fault)
    return read_here(path, options, languages)


def read_here(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns in this process, which a damaged file may end."""
    try:
        return read_frame(path, "parquet", pl.scan_parquet(path, glob=False), options, languages)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _refuse(path, str(error).partition("\n")[0]) from error


def _refuse(path: Path, reason: str | None) -> TokbenchError:
    return TokbenchError(f"{path} cannot be read as Parquet: {reason}", "check that the file is complete")
