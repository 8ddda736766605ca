"""Fit tables and sentences to a width: nothing is truncated, and no number is broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tokbench.report._table import Table

GAP = 2
"""Spaces between columns."""

LONGEST_WORD = 24
"""Words of text columns that are longer, such as paths, may be broken."""

READABLE = 30
"""Columns that an optional text needs: narrower, it is left out."""

BARS = (4, 14, 40)
"""Columns of a bar: at least, at least where a further column is shown, at most."""

STAR = " *"


@dataclass(frozen=True)
class FittedTable:
    """A table, or a part of one, with the widths of its columns."""

    table: Table
    widths: tuple[int, ...]


def format_column(table: Table, column: int) -> list[str]:
    """Format the cells of a column: the best with a star, unranked values in brackets, digits in line."""
    cells = [row[column] for row in table.rows]
    marks = [")" if cell.unranked else STAR if cell.best else "" for cell in cells]
    widest = 0 if table.holds_text(column) else max(map(len, marks), default=0)
    return [
        f"{'(' if cell.unranked else ''}{cell.text}{mark.ljust(widest)}"
        for cell, mark in zip(cells, marks, strict=True)
    ]


def fit_table(table: Table, width: int) -> list[FittedTable]:
    """Return a table that fits a width, or parts of it to stand one below the other.

    In turn: columns that may be left out go, last first; headers wrap at spaces, then texts; the other columns
    are spread over parts, each with the first column, or all labels if they leave room.
    """
    chosen = drop_columns(table, width)
    widths = fit_columns(chosen, width)
    if widths is not None:
        return [FittedTable(chosen, tuple(widths))]
    return [FittedTable(part, tuple(fit_columns(part, width) or least_widths(part))) for part in stack(chosen, width)]


def drop_columns(table: Table, width: int) -> Table:
    """Leave out optional columns, last first, then bars, until the rest fits with its headers wrapped."""
    columns = list(range(len(table.headers)))
    for lost in (None, *reversed(table.optional), *([] if table.bars is None else [table.bars])):
        columns = [column for column in columns if column != lost]
        chosen = table.select(columns)
        natural, least = natural_widths(chosen), least_widths(chosen)
        for i in filter(chosen.holds_text, chosen.optional):
            least[i] = max(least[i], min(natural[i], READABLE))
        if chosen.bars is not None and chosen.optional:
            least[chosen.bars] = BARS[1]
        if total(least) <= width:
            return chosen
    return table.select(columns)


def total(widths: Sequence[int]) -> int:
    """Return the width of a table."""
    return sum(widths) + GAP * (len(widths) - 1)


def natural_widths(table: Table) -> list[int]:
    """Return the widths at which nothing wraps."""
    return [
        BARS[2] if i == table.bars else max(map(cell_len, (header, *format_column(table, i))))
        for i, header in enumerate(table.headers)
    ]


def least_widths(table: Table) -> list[int]:
    """Return the least widths: numbers whole, words whole unless very long."""
    found = []
    for i, header in enumerate(table.headers):
        cells = format_column(table, i)
        longest = max(map(cell_len, header.split()), default=0)
        if i == table.bars:
            longest = BARS[0]
        elif table.holds_text(i):
            words = (cell_len(word) for text in cells for word in text.split())
            longest = max(longest, min(LONGEST_WORD, max(words, default=0)))
        else:
            longest = max(longest, *map(cell_len, cells)) if cells else longest
        found.append(longest)
    return found


def fit_columns(table: Table, width: int) -> list[int] | None:
    """Return widths of all columns that fit; None if there are none."""
    natural, least = natural_widths(table), least_widths(table)
    if total(natural) <= width:
        return natural
    if total(least) > width:
        return None
    elastic = [i for i in range(len(least)) if i == table.bars]
    texts = [i for i in range(len(least)) if table.holds_text(i)]
    widths = [natural[i] if i in texts else least[i] for i in range(len(least))]
    spare = width - total(widths)
    if spare < 0:  # texts wrap too, the widest first
        for i in elastic:
            widths[i] = least[i]
        fixed = total(widths) - sum(widths[i] for i in texts)
        return shrink(widths, least, texts, width - fixed)
    for i in elastic:
        widths[i] = min(BARS[2], widths[i] + spare)
    return widths


def shrink(widths: list[int], least: Sequence[int], columns: Sequence[int], room: int) -> list[int]:
    """Cut the widest of some columns to one width, so that these columns take at most `room`."""

    def cut(limit: int) -> dict[int, int]:
        return {i: max(least[i], min(widths[i], limit)) for i in columns}

    limit = max((widths[i] for i in columns), default=0)
    while limit > 0 and sum(cut(limit).values()) > room:
        limit -= 1
    chosen = cut(limit)
    return [chosen.get(i, width) for i, width in enumerate(widths)]


def stack(table: Table, width: int) -> list[Table]:
    """Spread columns over parts that fit."""
    least = least_widths(table)
    labels = list(range(max(1, table.labels)))
    if total([least[i] for i in labels]) > width / 2 and len(labels) > 1:
        labels = [0]
    parts: list[list[int]] = []
    for i in range(len(labels), len(least)):
        if not parts or total([least[j] for j in (*parts[-1], i)]) > width:
            parts.append(list(labels))
        parts[-1].append(i)
    return [table.select(columns) for columns in parts or [labels]]


def wrap(text: str, width: int, indent: str = "") -> str:
    """Break a sentence at spaces into lines of at most `width`; longer words stay whole.

    indent: what further lines start with, after the sentence's own indentation.
    """
    start = text[: len(text) - len(text.lstrip(" "))]
    return "\n".join(join_words(text.split(" ")[len(start) :], width, start, start + indent))


def join_words(words: Iterable[str], width: int, first: str, further: str, separator: str = " ") -> list[str]:
    """Join words into lines of at most `width`."""
    lines: list[str] = []
    line, empty = first, True
    for word in words:
        joined = line + word if empty else line + separator + word
        if not empty and cell_len(joined) > width:
            lines.append(line if separator == " " else line + separator.rstrip(" "))
            joined = further + word
        line, empty = joined, False
    return [*lines, line]
