"""Where the extra tokens of a tokenizer go: kinds of text, words, segments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tokbench._shared.visible_text import reveal
from tokbench.analysis.token_attribution import Contribution, Explanation
from tokbench.report._document_model import Plain, Prose, Results
from tokbench.report._table import Table, tabulate

_SHOWN = 60


def show(found: Explanation, top: int) -> Results:
    """Return an explanation.

    top: number of words and segments.
    """
    return Results(lambda: lay_out(found, top), lambda: to_document(found, top))


def lay_out(found: Explanation, top: int) -> list[Plain]:
    """Lay out the difference by kind of text, by word and by segment."""
    more = f"{abs(found.difference):,} tokens {'more than' if found.difference > 0 else 'fewer than'} b"
    words = {
        "where a needs more:": [word for word in found.words[:top] if word.difference > 0],
        "where b needs more:": [word for word in found.words[::-1][:top] if word.difference < 0],
    }
    segments = [
        {"a - b": row["difference"], "lang": row["lang"], "segment": row["segment"], "text": shorten(row["text"])}
        for row in found.segments.head(top).iter_rows(named=True)
    ]
    facts = (
        f"a = {found.a}, b = {found.b}, on {found.corpus} ({', '.join(found.languages)}):",
        f"a needs {more if found.difference else 'as many tokens as b'} ({found.tokens_a:,} and {found.tokens_b:,})",
    )
    return [
        Prose(facts),
        lay_out_kinds(found),
        *(lay_out_words(chosen, title) for title, chosen in words.items() if chosen),
        tabulate(segments, "segments:", formats={"a - b": "{:+,}".format}),
    ]


def lay_out_kinds(found: Explanation) -> Table:
    """Lay out one row per kind of text and a total.

    Rounded to tenths so that columns add up.
    """
    a, b = (round_parts([getattr(kind, side) for kind in found.kinds]) for side in ("tokens_a", "tokens_b"))
    names, counts = [kind.name for kind in found.kinds], [kind.count for kind in found.kinds]
    rows = [*zip(names, counts, a, b, strict=True), ("all", None, sum(a), sum(b))]
    return tabulate(
        [{"kind": name, "units": n, "tokens a": a, "tokens b": b, "a - b": a - b} for name, n, a, b in rows],
        formats={
            "units": "{:,}".format,
            "tokens a": format_tenths,
            "tokens b": format_tenths,
            "a - b": lambda amount: format_tenths(amount, sign="+"),
        },
    )


def lay_out_words(words: Sequence[Contribution], title: str) -> Table:
    """Lay out one row per word: total cost, occurrences, text."""
    two = "{:,.2f}".format
    return tabulate(
        [
            {
                "a - b": float(word.difference),
                "times": word.count,
                "tokens a": float(word.tokens_a),
                "tokens b": float(word.tokens_b),
                "text": shorten(word.name),
            }
            for word in words
        ],
        title,
        formats={"a - b": "{:+,.2f}".format, "times": "{:,}".format, "tokens a": two, "tokens b": two},
    )


def round_parts(parts: Sequence[Fraction]) -> list[int]:
    """Round fractions to tenths, keeping their whole sum.

    By largest remainders.

    >>> from fractions import Fraction
    >>> round_parts([Fraction(1, 3)] * 3)
    [4, 3, 3]
    """
    rounded = [math.floor(10 * part) for part in parts]
    missing = int(10 * sum(parts)) - sum(rounded)
    by_remainder = sorted(range(len(parts)), key=lambda i: rounded[i] - 10 * parts[i])
    for i in by_remainder[:missing]:
        rounded[i] += 1
    return rounded


def format_tenths(amount: int, sign: str = "") -> str:
    """Format a number of tenths with one decimal."""
    return f"{amount / 10:{sign},.1f}"


def shorten(text: str) -> str:
    """Escape invisible characters and shorten a long text."""
    return reveal(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def to_document(found: Explanation, top: int) -> dict[str, Any]:
    """Convert the explanation to a JSON document.

    Exact fractions are strings such as `7/3`.

    Words are limited to both ends of the list.
    """
    words = found.words if len(found.words) <= 2 * top else (*found.words[:top], *found.words[-top:])
    return {
        "a": found.a,
        "b": found.b,
        "corpus": found.corpus,
        "languages": list(found.languages),
        "tokens_a": found.tokens_a,
        "tokens_b": found.tokens_b,
        "difference": found.difference,
        "kinds": [describe(kind) for kind in found.kinds],
        "words": [describe(word) for word in words],
        "segments": found.segments.head(top).to_dicts(),
    }


def describe(contribution: Contribution) -> dict[str, Any]:
    """Describe one contribution as a JSON document."""
    return {
        "name": contribution.name,
        "count": contribution.count,
        "bytes": contribution.bytes,
        "tokens_a": str(contribution.tokens_a),
        "tokens_b": str(contribution.tokens_b),
        "difference": str(contribution.difference),
    }
