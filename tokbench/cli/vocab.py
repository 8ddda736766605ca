"""`tokbench vocab`: what a vocabulary holds, and what it wastes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._numbers import whole_option
from tokbench.cli._options import Json, Offline, TokenizerName, open_corpus

if TYPE_CHECKING:
    import polars as pl

    from tokbench.analysis.vocabulary import DeadRows, VocabularyReport

_SHOWN = 60


def run(
    tokenizer: TokenizerName,
    corpus: Annotated[
        str | None,
        typer.Option(
            "-c", "--corpus", help="Corpus whose words distinguish whole words from word starts. [default: tokbench14]"
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="Pythia model whose dead rows are counted, 70m to 12b.")] = "pythia-70m",
    top: Annotated[int, whole_option("--top", low=1, help="Lines per list; JSON has all of them.")] = 10,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Examine a vocabulary: sizes, classes, scripts, reachability and coverage.

    Also reports duplicates, and what dead rows cost in a Pythia model.

    A token is unreachable if its own text, alone and between other characters, never encodes to it: it becomes one
    other token (single) or several (multi). Tokens that are not whole characters have no text of their own
    (undecodable).
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.vocabulary import inspect_vocabulary
    from tokbench.pythia.model.models import find_model

    size = find_model(model)
    found = inspect_vocabulary(load_tokenizer(tokenizer, offline=offline), open_corpus(corpus))
    cost = found.dead_rows(size)
    if as_json:
        typer.echo(json.dumps(document(found, cost), indent=1))
    else:
        typer.echo("\n".join(write_lines(found, cost, top)))


def write_lines(found: VocabularyReport, cost: DeadRows, top: int) -> list[str]:
    """Format the report for the terminal."""
    from tokbench.analysis.vocabulary import Reach
    from tokbench.cli.listing import write_rows

    sizes = found.sizes
    rows = "unknown" if sizes.rows is None else f"{sizes.rows:,}"
    lines = [
        f"{found.tokenizer} ({found.engine}): {sizes.base:,} model tokens, {sizes.total:,} ids in total, highest "
        f"id {sizes.highest_id:,}, {rows} rows in its own model",
        "",
        f"token classes (whole words: those of {found.words}):",
        write_rows(found.count_by("class").to_dicts()),
        *write_ladders(found),
        "",
        "scripts:",
        write_rows(found.count_by("script").head(top).to_dicts()),
        "reach:",
        write_rows(found.count_by("reach").to_dicts()),
    ]
    for reach in (Reach.SINGLE, Reach.MULTI):
        unreachable = found.unreachable(reach)
        if unreachable.height:
            lines += [f"unreachable, {reach}:", write_rows(show_tokens(unreachable.select("id", "bytes").head(top)))]
    duplicates = found.duplicates()
    if duplicates.height:
        shown = [{"ids": row["ids"], "token": show_bytes(row["bytes"])} for row in duplicates.head(top).to_dicts()]
        lines += [f"{duplicates.height:,} byte strings with several ids:", write_rows(shown)]
    lines += ["longest tokens:", write_rows(show_tokens(found.longest(top).select("id", "length", "bytes")))]
    lines += ["coverage (characters that are a single token):", write_rows(list_coverage(found.coverage, top))]
    return [*lines, write_cost(cost)]


LADDERS = {"space": " ", "tab": "\t", "line feed": "\n"}


def write_ladders(found: VocabularyReport) -> list[str]:
    """List which white space, indentations and numbers are single tokens."""
    steps = {f"{name} ladder": found.ladder(character) for name, character in LADDERS.items()}
    steps |= {f"indentation by {name}s": found.indentations(LADDERS[name]) for name in ("space", "tab")}
    lines = [f"{name}: {write_steps(lengths)}" for name, lengths in steps.items() if lengths]
    numbers = [f"{count:,} of {10**digits:,} of {digits}" for digits, count in found.numbers().items()]
    return [*lines, f"numbers by digits: {', '.join(numbers)}"] if numbers else lines


def write_steps(steps: list[int]) -> str:
    """Format sorted numbers, with consecutive ones as a range.

    >>> write_steps([1, 2, 3, 4, 8, 15, 16])
    '1-4, 8, 15-16'
    """
    runs: list[list[int]] = []
    for step in steps:
        if runs and step == runs[-1][-1] + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def list_coverage(coverage: pl.DataFrame, top: int) -> list[dict[str, Any]]:
    """List the national character sets, then the best-covered Unicode blocks."""
    import polars as pl

    from tokbench.analysis.vocabulary import national_sets

    national = len(national_sets())
    blocks = coverage.slice(national).filter(pl.col("covered") > 0).sort("share", "characters", descending=True)
    rows = pl.concat([coverage.head(national), blocks.head(top)]).to_dicts()
    return [{**row, "share": f"{100 * row['share']:.1f} %"} for row in rows]


def write_cost(cost: DeadRows) -> str:
    """Describe in a sentence what the dead rows cost."""
    return (
        f"dead rows in a {cost.model} with this vocabulary: {cost.dead:,} of {cost.rows:,} ({cost.unreachable:,} "
        f"unreachable, {cost.unused:,} unused, {cost.padding:,} padding) = {cost.parameters:,} parameters, "
        f"{100 * cost.share:.2f} % of the model"
    )


def show_bytes(content: bytes) -> str:
    """Quote a token's text with everything unprintable escaped.

    Bytes that are not text appear as in \\xe4.
    """
    from tokbench.cli.roundtrip import escape

    text = content.decode(errors="backslashreplace")
    return f'"{escape(text)}"' if len(text) <= _SHOWN else f'"{escape(text[:_SHOWN])}"...'


def show_tokens(tokens: pl.DataFrame) -> list[dict[str, Any]]:
    """Convert rows, with bytes shown as text."""
    return [
        {**{key: value for key, value in row.items() if key != "bytes"}, "token": show_bytes(row["bytes"])}
        for row in tokens.to_dicts()
    ]


def document(found: VocabularyReport, cost: DeadRows) -> dict[str, Any]:
    """Convert the report to a JSON document, with bytes in hexadecimal."""
    from dataclasses import asdict

    from tokbench.analysis.vocabulary import Reach

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
