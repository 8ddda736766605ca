"""Tables as CSV for programs: intervals in columns of their own, numbers without separators."""

from __future__ import annotations

import csv
import io
import re

from tokbench.report._table import ABSENT, Table

_INTERVAL = re.compile(r"(.*?) \[(.*), (.*)\]")
_SEPARATOR = re.compile(r"(?<=\d),(?=\d{3})")


def write_csv(table: Table) -> str:
    """Format a table as CSV; a column with intervals is followed by its low and high ends.

    >>> from tokbench.report._table import Cell
    >>> print(write_csv(Table("t", ("name", "x"), ((Cell("a"), Cell("1,234 [1,000, 2,000]")),), labels=1)), end="")
    name,x,x low,x high
    a,1234,1000,2000
    """
    columns: list[list[str]] = []
    for place, header in enumerate(table.headers):
        texts = [row[place].text for row in table.rows]
        if table.holds_text(place):
            columns.append([header, *texts])
            continue
        parts = [split_interval(text) for text in texts]
        values, lows, highs = ([part[i] for part in parts] for i in range(3))
        columns.append([header, *values])
        if any(lows):
            columns += [[f"{header} low", *lows], [f"{header} high", *highs]]
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(zip(*columns, strict=True))
    return file.getvalue()


def split_interval(text: str) -> tuple[str, str, str]:
    """Return a value and the ends of its interval, empty where there are none."""
    found = _INTERVAL.fullmatch(text)
    parts = (found[1], found[2], found[3]) if found else ("" if text == ABSENT else text, "", "")
    value, low, high = (_SEPARATOR.sub("", part) for part in parts)
    return value, low, high
