"""Which characters of a writing system are single tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

import polars as pl

from tokbench.analysis.vocabulary._scripts import character_blocks
from tokbench.errors import MissingExtraError

_ROWS = (
    ("GB 2312 level 1", "gb2312", range(16, 56)),
    ("GB 2312 level 2", "gb2312", range(56, 88)),
    ("JIS X 0208 level 1", "euc_jp", range(16, 48)),
    ("JIS X 0208 level 2", "euc_jp", range(48, 85)),
    ("KS X 1001 syllables", "euc_kr", range(16, 41)),
)
"""Parts of national character sets: name, codec of the set, and rows (1 to 94) of the part."""
_CELLS = range(1, 95)
_OFFSET = 0xA0


def read_rows(codec: str, rows: range) -> tuple[str, ...]:
    """Read the characters in these rows of an EUC codec.

    Rows have 94 cells; empty ones are skipped.
    """
    cells = (bytes([_OFFSET + row, _OFFSET + cell]).decode(codec, "ignore") for row in rows for cell in _CELLS)
    return tuple(character for character in cells if len(character) == 1)


def read_kanji() -> dict[str, tuple[str, ...]]:
    """Return the kanji for general use (Joyo) and primary school (Kyoiku).

    Raises MissingExtraError without kanji-lists, which provides them.
    """
    try:
        from kanji_lists import JOYO, KYOIKU
    except ModuleNotFoundError as error:
        raise MissingExtraError("kanji-lists", "unicode", "coverage of the Joyo kanji") from error
    return {"Joyo kanji": tuple(sorted(JOYO)), "Kyoiku kanji": tuple(sorted(KYOIKU))}


@cache
def national_sets() -> dict[str, tuple[str, ...]]:
    """Return national character sets, by level, and Japanese school kanji."""
    return {name: read_rows(codec, rows) for name, codec, rows in _ROWS} | read_kanji()


@cache
def character_sets() -> dict[str, tuple[str, ...]]:
    """Return the national character sets, then the letters of each Unicode block."""
    return national_sets() | dict(character_blocks())


def measure_coverage(tokens: Collection[bytes]) -> pl.DataFrame:
    """Count the characters of each set that are a token.

    Columns: set, characters, covered, share.

    Characters count as covered bare or after one space. share: 0 to 1.
    """
    known = {token.removeprefix(b" ") for token in tokens} | set(tokens)
    return pl.DataFrame(
        list(_rows(known)),
        schema={"set": pl.String, "characters": pl.Int64, "covered": pl.Int64},
        orient="row",
    ).with_columns(share=pl.col("covered") / pl.col("characters"))


def _rows(known: Collection[bytes]) -> Iterator[tuple[str, int, int]]:
    for name, characters in character_sets().items():
        yield name, len(characters), sum(character.encode() in known for character in characters)
