"""Strings that have another id in another vocabulary: what makes cached ids wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.errors import TokbenchError

SAME, MOVED, ONLY_A, ONLY_B = "same", "moved", "only in a", "only in b"
CHANGES = (SAME, MOVED, ONLY_A, ONLY_B)

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "change": pl.Enum(CHANGES),
    "special": pl.Boolean,
    "bytes": pl.Binary,
    "ids_a": pl.List(pl.Int32),
    "ids_b": pl.List(pl.Int32),
}


@dataclass(frozen=True, eq=False)
class MovedTokens:
    """Two vocabularies, string by string.

    strings: one row per string, by first id in a, then in b, with the columns
        change: `same` ids, `moved` (in both, but not with the same ids), `only in a`, `only in b`.
        special: whether it is a special token, of which the text is compared, in either vocabulary.
        bytes: of the token; of a special one, of its text.
        ids_a, ids_b: its ids, ascending; empty where the vocabulary lacks it.
    reused: ids that stand for one string in a and for another in b: id, bytes_a, bytes_b.
    ids_a, ids_b: ids with a string.
    """

    a: str
    b: str
    strings: pl.DataFrame
    reused: pl.DataFrame
    ids_a: int
    ids_b: int

    def select(self, change: str) -> pl.DataFrame:
        """Return the rows of `strings` with this change."""
        return self.strings.filter(pl.col("change") == change)

    def count(self) -> pl.DataFrame:
        """Count by change: strings, special ones, ids of a and of b, and their shares of all ids with a string."""
        counted = self.strings.group_by("change").agg(
            strings=pl.len(),
            special=pl.col("special").sum(),
            ids_a=pl.col("ids_a").list.len().sum(),
            ids_b=pl.col("ids_b").list.len().sum(),
        )
        every = pl.DataFrame({"change": CHANGES}, schema={"change": SCHEMA["change"]})
        filled = every.join(counted, on="change", how="left", maintain_order="left").with_columns(
            pl.col("strings", "special", "ids_a", "ids_b").fill_null(0).cast(pl.Int64)
        )
        return filled.with_columns(
            share_a=divide(filled["ids_a"].to_list(), self.ids_a), share_b=divide(filled["ids_b"].to_list(), self.ids_b)
        )


def divide(counts: Sequence[int], total: int) -> pl.Series:
    """Divide counts by a total, null if that is 0; polars would multiply by the reciprocal, which is rounded."""
    return pl.Series([count / total if total else None for count in counts], dtype=pl.Float64)


def find_moved(a: Tokenizer, b: Tokenizer) -> MovedTokens:
    """Compare the ids of the strings of two vocabularies.

    Strings are compared by their bytes, in which a space marker is a space. Unused ids, and special tokens whose text
    is not known, are left out.

    Raises TokbenchError for two tokenizers with one name.
    """
    if a.name == b.name:
        raise TokbenchError(f"{a.name} is given twice", "name another tokenizer, or rename its file")
    of_a, of_b = dict(list_strings(a)), dict(list_strings(b))
    places, others = group_ids(of_a), group_ids(of_b)
    special = {*list_special(a).values(), *list_special(b).values()}
    rows = [
        (name_change(ids := places.get(key, []), own := others.get(key, [])), key in special, key, ids, own)
        for key in {**places, **others}
    ]
    reused = [(id_, of_a[id_], of_b[id_]) for id_ in sorted(of_a.keys() & of_b.keys()) if of_a[id_] != of_b[id_]]
    kept: dict[str, type[pl.DataType]] = {"id": pl.Int32, "bytes_a": pl.Binary, "bytes_b": pl.Binary}
    return MovedTokens(
        a.name,
        b.name,
        pl.DataFrame(rows, schema=SCHEMA, orient="row"),
        pl.DataFrame(reused, schema=kept, orient="row"),
        len(of_a),
        len(of_b),
    )


def list_strings(tokenizer: Tokenizer) -> Iterator[tuple[int, bytes]]:
    """Yield the ids that have a string, ascending, with its bytes."""
    strings = list_special(tokenizer) | dict(tokenizer.token_table().items())
    return ((number, strings[number]) for number in sorted(strings) if strings[number])


def list_special(tokenizer: Tokenizer) -> dict[int, bytes]:
    """Return the special tokens whose text is known."""
    return {number: text.encode() for number, text in tokenizer.special_tokens().items() if text}


def group_ids(strings: Mapping[int, bytes]) -> dict[bytes, list[int]]:
    """Return the ids of each string."""
    found: dict[bytes, list[int]] = {}
    for number, string in strings.items():
        found.setdefault(string, []).append(number)
    return found


def name_change(ids_a: list[int], ids_b: list[int]) -> str:
    """Return what happened to a string with these ids."""
    if ids_a == ids_b:
        return SAME
    if not ids_b:
        return ONLY_A
    return MOVED if ids_a else ONLY_B
