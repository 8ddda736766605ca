"""What a vocabulary contains, and what it wastes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import polars as pl

from tokbench._shared.visible_text import reveal
from tokbench.analysis.vocabulary import DeadRows, Reach, VocabularyReport, national_sets
from tokbench.report._document_model import Plain, Prose, Results
from tokbench.report._table import Table, tabulate

_SHOWN = 60


def show(found: VocabularyReport, cost: DeadRows, top: int) -> Results:
    """Return the report on a vocabulary.

    top: lines per list; the document has all of them.
    """
    return Results(lambda: lay_out(found, cost, top), lambda: to_document(found, cost))


def lay_out(found: VocabularyReport, cost: DeadRows, top: int) -> list[Plain]:
    """Lay out sizes, classes, scripts, reach, duplicates, longest tokens, coverage and cost."""
    sizes = found.sizes
    rows = "unknown" if sizes.rows is None else f"{sizes.rows:,}"
    facts = (
        f"{found.tokenizer} ({found.engine}): {sizes.base:,} model tokens, {sizes.total:,} ids in total, highest "
        f"id {sizes.highest_id:,}, {rows} rows in its own model"
    )
    duplicates = found.duplicates()
    shown = [{"ids": row["ids"], "token": format_bytes(row["bytes"])} for row in duplicates.head(top).to_dicts()]
    ladders = (*list_ladders(found), *list_numbers(found))
    return [
        Prose((facts,)),
        tabulate(found.count_by("class").to_dicts(), f"token classes (whole words: those of {found.words}):"),
        *([Prose(ladders)] if ladders else []),
        tabulate(found.count_by("script").head(top).to_dicts(), "scripts:"),
        tabulate(found.count_by("reach").to_dicts(), "reach:"),
        Prose((f"without context, {found.unreachable_alone:,} tokens of whole characters would be unreachable",)),
        *(
            lay_out_tokens(unreachable.select("id", "bytes").head(top), f"unreachable, {reach}:")
            for reach in (Reach.SINGLE, Reach.MULTI)
            if (unreachable := found.unreachable(reach)).height
        ),
        *([tabulate(shown, f"{duplicates.height:,} byte strings with several ids:")] if shown else []),
        lay_out_tokens(found.longest(top).select("id", "length", "bytes"), "longest tokens:"),
        lay_out_coverage(found.coverage, top),
        Prose((format_dead_rows(cost),)),
    ]


LADDERS = {"space": " ", "tab": "\t", "line feed": "\n"}


def list_ladders(found: VocabularyReport) -> list[str]:
    """List which white space and indentations are single tokens."""
    steps = {f"{name} ladder": found.ladder(character) for name, character in LADDERS.items()}
    steps |= {f"indentation by {name}s": found.indentations(LADDERS[name]) for name in ("space", "tab")}
    return [f"{name}: {format_steps(lengths)}" for name, lengths in steps.items() if lengths]


def list_numbers(found: VocabularyReport) -> list[str]:
    """List how many numbers are single tokens, by their digits; nothing if none is."""
    numbers = [f"{count:,} of {10**digits:,} of {digits}" for digits, count in found.numbers().items()]
    return [f"numbers by digits: {', '.join(numbers)}"] if numbers else []


def format_steps(steps: list[int]) -> str:
    """Format sorted numbers, with consecutive ones as a range.

    >>> format_steps([1, 2, 3, 4, 8, 15, 16])
    '1-4, 8, 15-16'
    """
    runs: list[list[int]] = []
    for step in steps:
        if runs and step == runs[-1][-1] + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def lay_out_coverage(coverage: pl.DataFrame, top: int) -> Table:
    """Lay out the national character sets, then the best-covered Unicode blocks."""
    national = len(national_sets())
    blocks = coverage.slice(national).filter(pl.col("covered") > 0).sort("share", "characters", descending=True)
    return tabulate(
        pl.concat([coverage.head(national), blocks.head(top)]).to_dicts(),
        "coverage (characters that are a single token):",
        formats={"share": lambda share: f"{100 * share:.1f} %"},
    )


def format_dead_rows(cost: DeadRows) -> str:
    """Describe in a sentence what the dead rows cost."""
    return (
        f"dead rows in a {cost.model} with this vocabulary: {cost.dead:,} of {cost.rows:,} ({cost.unreachable:,} "
        f"unreachable, {cost.unused:,} unused, {cost.padding:,} padding) = {cost.parameters:,} parameters, "
        f"{100 * cost.share:.2f} % of the model"
    )


def format_bytes(content: bytes) -> str:
    """Quote a token's text with everything unprintable escaped.

    Bytes that are not text appear as in \\xe4.
    """
    text = content.decode(errors="backslashreplace")
    return f'"{reveal(text)}"' if len(text) <= _SHOWN else f'"{reveal(text[:_SHOWN])}"...'


def lay_out_tokens(tokens: pl.DataFrame, title: str) -> Table:
    """Lay out tokens, with their bytes, the last column, as text."""
    return tabulate(tokens.rename({"bytes": "token"}).to_dicts(), title, formats={"token": format_bytes})


def to_document(found: VocabularyReport, cost: DeadRows) -> dict[str, Any]:
    """Convert the report to a JSON document, with bytes in hexadecimal."""

    def counts(column: str) -> dict[str, int]:
        return {str(name): int(count) for name, count in found.count_by(column).iter_rows()}

    def in_hexadecimal(tokens: pl.DataFrame) -> list[dict[str, Any]]:
        return [{**row, "bytes": row["bytes"].hex()} for row in tokens.to_dicts()]

    return {
        "tokenizer": found.tokenizer,
        "engine": found.engine,
        "sha256": found.sha256,
        "sizes": asdict(found.sizes),
        "words_of": found.words,
        "classes": counts("class"),
        "scripts": counts("script"),
        "reach": counts("reach"),
        "unreachable_without_context": found.unreachable_alone,
        "unreachable": {
            kind.value: in_hexadecimal(found.unreachable(kind).select("id", "bytes", "text"))
            for kind in (Reach.SINGLE, Reach.MULTI, Reach.IMPOSSIBLE)
        },
        "duplicates": in_hexadecimal(found.duplicates()),
        "longest": in_hexadecimal(found.longest(100)),
        "ladders": {name: found.ladder(character) for name, character in LADDERS.items()},
        "indentations": {name: found.indentations(LADDERS[name]) for name in ("space", "tab")},
        "numbers": found.numbers(),
        "coverage": found.coverage.to_dicts(),
        "dead_rows": {**asdict(cost), "dead": cost.dead},
    }
