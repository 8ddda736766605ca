"""What requests cost beyond their texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import polars as pl

from tokbench.analysis.requests import Requests
from tokbench.report._document_model import Plain, Points, Results, Signature
from tokbench.report._shares import format_percent
from tokbench.report._table import ABSENT, Cell, Table, tabulate

_LENGTHS = {
    "tokens_per_segment": "tokens/text",
    "tokens_per_segment_with_special": "with special",
    "p50": "p50",
    "p90": "p90",
    "p99": "p99",
    "max": "max",
}


def show(found: Requests) -> Results:
    """Return tables of lengths, chat overhead and formats; as one frame, a row per value."""
    return Results(lambda: lay_out(found), lambda: to_document(found), lambda: to_frame(found))


def lay_out(found: Requests) -> list[Plain]:
    """Lay out all languages together; of a single tokenizer, also lengths by language."""
    parts: list[Plain] = [lay_out_lengths(found)]
    if found.chat.height:
        parts.append(lay_out_chat(found))
    return [*parts, lay_out_formats(found), Points(tuple(write_notes(found))), Signature(found.signature)]


def lay_out_lengths(found: Requests) -> Table:
    """Lay out tokens per text: one row per tokenizer, and per language if there is one tokenizer."""
    single = len(found.tokenizers) == 1 and len(found.languages) > 1
    rows = found.lengths if single else found.lengths.filter(pl.col("lang").is_null())
    over = f"over {found.context:,}"
    shown = [
        {
            **({"language": row["lang"] or "all"} if single else {"tokenizer": row["tokenizer"]}),
            **{title: row[name] for name, title in _LENGTHS.items()},
            over: row["share_over"],
        }
        for row in rows.iter_rows(named=True)
    ]
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(("p50", "p90", "p99", "max"), "{:,}".format)
    formats |= dict.fromkeys(("tokens/text", "with special"), "{:,.1f}".format)
    formats[over] = partial(format_percent, decimals=1)
    title = f"{found.corpus}: tokens per text" + (f" of {found.tokenizers[0]}" if single else "")
    return tabulate(shown, title, formats=formats, ruled=True)


def lay_out_chat(found: Requests) -> Table:
    """Lay out the tokens that templates add to a conversation, on average over languages, by number of turns."""
    rows = found.chat.filter(pl.col("lang").is_not_null()).group_by("tokenizer", "turns").agg(pl.col("overhead").mean())
    means = {(name, turns): mean for name, turns, mean in rows.iter_rows() if mean is not None}
    turns = sorted(rows["turns"].unique())
    cells = tuple(
        (Cell(name), *(Cell(f"{means[name, n]:,.1f}" if (name, n) in means else ABSENT) for n in turns))
        for name in found.tokenizers
    )
    headers = ("tokenizer", *(f"{n} turn{'s' if n > 1 else ''}" for n in turns))
    return Table("tokens that the chat template adds to a conversation", headers, cells, labels=1)


def lay_out_formats(found: Requests) -> Table:
    """Lay out tokens of records relative to JSON: formats by tokenizers."""
    rows = found.formats.filter(pl.col("lang").is_null())
    cell_of = {(row["tokenizer"], row["format"]): write_ratio(row) for row in rows.iter_rows(named=True)}
    names = rows["format"].unique(maintain_order=True).to_list()
    cells = tuple((Cell(name), *(cell_of[t, name] for t in found.tokenizers)) for name in names)
    return Table(
        "tokens of the same records, relative to JSON on one line", ("format", *found.tokenizers), cells, labels=1
    )


def write_ratio(row: Mapping[str, Any]) -> Cell:
    """Format a ratio, in brackets where unknown tokens hide text, a dash if it is not defined."""
    return Cell(ABSENT if row["ratio"] is None else f"{row['ratio']:.2f}", unranked=row["unknown"] > 0)


def write_notes(found: Requests) -> Iterator[str]:
    """Say which files the special tokens and the templates come from, and who loses text."""
    for row in found.lengths.filter(pl.col("lang").is_null() & (pl.col("unknown") > 0)).iter_rows(named=True):
        share = format_percent(row["unknown"] / row["tokens"], 1)
        yield f"{row['tokenizer']}: {share} of its tokens are the unknown token, which hides the length of the text"
    for name in found.tokenizers:
        added, template = found.added[name], found.templates[name]
        special = "no file says" if added.count is None else f"{added.count} per text ({added.source})"
        chat = "no template" if template is None else f"template of {template.source}"
        if found.chat.filter(tokenizer=name)["overhead"].null_count():
            chat += ", whose special tokens the engine does not read from text"
        yield f"{name}: special tokens added: {special}; chat: {chat}"


def to_frame(found: Requests) -> pl.DataFrame:
    """Return one row per value: part, tokenizer, lang, name, value."""
    keys = ["tokenizer", "lang"]
    lengths = found.lengths.unpivot(index=keys, variable_name="name").with_columns(part=pl.lit("lengths"))
    chat = found.chat.with_columns(
        name=pl.format("overhead of {} turns", "turns"), value="overhead", part=pl.lit("chat")
    )
    formats = found.formats.with_columns(name="format", value="ratio", part=pl.lit("formats"))
    columns = ["part", *keys, "name", pl.col("value").cast(pl.Float64)]
    return pl.concat([frame.select(columns) for frame in (lengths, chat, formats)])


def to_document(found: Requests) -> dict[str, Any]:
    """Convert a result to a JSON document."""
    return {
        "tokenizers": found.tokenizers,
        "corpus": found.corpus,
        "languages": found.languages,
        "context": found.context,
        "special_tokens": {name: asdict(added) for name, added in found.added.items()},
        "templates": {
            name: None if one is None else {"source": one.source, "sha256": one.sha256}
            for name, one in found.templates.items()
        },
        "signature": found.signature,
        "lengths": found.lengths.to_dicts(),
        "chat": found.chat.to_dicts(),
        "formats": found.formats.to_dicts(),
    }
