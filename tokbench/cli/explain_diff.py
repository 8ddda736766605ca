"""`tokbench explain-diff`: show where a tokenizer's extra tokens go."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._numbers import whole_option
from tokbench.cli._options import Corpus, Json, Languages, Offline, Segments, TokenizerName, open_corpus

if TYPE_CHECKING:
    from fractions import Fraction

    from tokbench.analysis.token_attribution import Contribution, Explanation

_SHOWN = 60


def run(
    a: TokenizerName,
    b: Annotated[str, typer.Argument(help="Tokenizer to compare it with.")],
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    top: Annotated[int, whole_option("--top", low=1, help="Number of words and segments to show.")] = 10,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Show where the extra tokens of a tokenizer go, compared with another.

    They are attributed to kinds of text, words and segments, over all languages together.
    Each token is divided over the bytes that it covers, so that the parts add up exactly to the difference; JSON has
    them as fractions.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.token_attribution import explain_difference

    texts = open_corpus(corpus, languages, segments)
    found = explain_difference(load_tokenizer(a, offline=offline), load_tokenizer(b, offline=offline), texts)
    if as_json:
        typer.echo(json.dumps(document(found, top), indent=1))
    else:
        typer.echo("\n".join(write_lines(found, top)))


def write_lines(found: Explanation, top: int) -> list[str]:
    """Format the explanation for the terminal."""
    from tokbench.cli.listing import write_rows

    more = f"{abs(found.difference):,} tokens {'more than' if found.difference > 0 else 'fewer than'} b"
    dearer = [word for word in found.words[:top] if word.difference > 0]
    cheaper = [word for word in found.words[::-1][:top] if word.difference < 0]
    lines = [
        f"a = {found.a}, b = {found.b}, on {found.corpus} ({', '.join(found.languages)}):",
        f"a needs {more if found.difference else 'as many tokens as b'} ({found.tokens_a:,} and {found.tokens_b:,})",
        "",
        write_rows(list_kinds(found)),
    ]
    for title, words in (("where a needs more:", dearer), ("where b needs more:", cheaper)):
        if words:
            lines += [title, write_rows([describe_word(word) for word in words])]
    costly = [
        {"a - b": f"{row['difference']:+,}", "lang": row["lang"], "segment": row["segment"], "text": cut(row["text"])}
        for row in found.segments.head(top).iter_rows(named=True)
    ]
    return [*lines, "segments:", write_rows(costly).rstrip()]


def list_kinds(found: Explanation) -> list[dict[str, Any]]:
    """List one row per kind of text and a total.

    Rounded to tenths so that columns add up.
    """
    sides = [round_parts([k.tokens_a for k in found.kinds]), round_parts([k.tokens_b for k in found.kinds])]
    names = [kind.name for kind in found.kinds]
    counts = [f"{kind.count:,}" for kind in found.kinds]
    rows = [*zip(names, counts, *sides, strict=True), ("all", "", sum(sides[0]), sum(sides[1]))]
    return [
        {"kind": name, "units": count, "tokens a": tenths(a), "tokens b": tenths(b), "a - b": tenths(a - b, sign="+")}
        for name, count, a, b in rows
    ]


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


def tenths(amount: int, sign: str = "") -> str:
    """Format a number of tenths with one decimal."""
    return f"{amount / 10:{sign},.1f}"


def describe_word(word: Contribution) -> dict[str, Any]:
    """Describe one word: total cost, occurrences, text."""
    return {
        "a - b": f"{float(word.difference):+,.2f}",
        "times": f"{word.count:,}",
        "tokens a": f"{float(word.tokens_a):,.2f}",
        "tokens b": f"{float(word.tokens_b):,.2f}",
        "text": cut(word.name),
    }


def cut(text: str) -> str:
    """Escape invisible characters and shorten a long text."""
    from tokbench.cli.roundtrip import escape

    return escape(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def document(found: Explanation, top: int) -> dict[str, Any]:
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
