"""Tables of costs: money, per request, per million characters, relative, and what-if."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from tokbench.pythia.cost import Costs
from tokbench.report._table import ABSENT, Cell, Table

MILLION = "1000000 characters"
TITLES = {
    "tokens": "tokens read",
    "new_tokens": "written",
    "flops": "GFLOP",
    "prefill_seconds": "prefill ms",
    "decode_seconds": "decode ms",
    "seconds": "total ms",
    "kv_bytes": "KV KiB",
    "money": "money",
}
MILLION_TITLES = {"tokens": "tokens read", "flops": "TFLOP", "seconds": "s", "money": "money"}
PERIODS = {"request": "per request", "1000 requests": "per 1,000", "month": "per month"}
SCALES = {"flops": 1e-9, "prefill_seconds": 1e3, "decode_seconds": 1e3, "seconds": 1e3, "kv_bytes": 1 / 1024}
MILLION_SCALES = {"flops": 1e-12, "training_flops": 1e-12}
EXACT = frozenset({"counted", "computed", "measured"})
"""Bases of values without a tilde."""


def write_number(value: float | None) -> str:
    """Format a number with about four significant digits and thousands separators."""
    if value is None:
        return ABSENT
    if value and abs(value) < 0.01:
        return f"{value:.3g}"
    return f"{value:,.{0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3}f}"


def write_ratio(value: float | None) -> str:
    """Format a ratio with three decimals.

    >>> write_ratio(1.0), write_ratio(0.84771)
    ('1.000', '0.848')
    """
    return ABSENT if value is None else f"{value:,.3f}"


def write_money(value: float | None) -> str:
    """Format an amount: with cents from 1 on, with three significant digits below, never with an exponent.

    >>> write_money(1234.5), write_money(0.0246), write_money(0.0000123), write_money(0)
    ('1,234.50', '0.0246', '0.0000123', '0.00')
    """
    if value is None:
        return ABSENT
    if value == 0 or abs(value) >= 0.995:
        return f"{value:,.2f}"
    return format(Decimal(f"{value:.2e}"), "f")


def write_interval(
    value: float | None,
    low: float | None,
    high: float | None,
    scale: float = 1,
    write: Callable[[float | None], str] = write_number,
) -> str:
    """Format a value with its interval."""
    numbers = [None if number is None else number * scale for number in (value, low, high)]
    if None in numbers:
        return write(numbers[0])
    return f"{write(numbers[0])} [{write(numbers[1])}, {write(numbers[2])}]"


def find_headline(costs: Costs) -> str:
    """Return the quantity that costs are judged by: money if there are prices, else seconds, FLOPs or tokens."""
    present = set(costs.frame["quantity"])
    return next(name for name in ("money", "seconds", "flops", "tokens") if name in present)


def name_language(costs: Costs, lang: str | None) -> str:
    """Name a language, or all of them."""
    if lang is not None:
        return lang
    return "(mixture)" if costs.shares else "(all)"


def label(costs: Costs, tokenizer: object, lang: object) -> list[Cell]:
    """Return the cells that name a row's tokenizer and language."""
    return [Cell(str(tokenizer)), Cell(name_language(costs, lang if lang is None else str(lang)))]


def mark_losses(costs: Costs, row: Sequence[Cell], tokenizer: object, lang: object) -> tuple[Cell, ...]:
    """Return a row whose values are marked if the tokenizer loses text there."""
    if not costs.loses_text(str(tokenizer), lang if lang is None else str(lang)):
        return tuple(row)
    return (*row[:2], *(replace(cell, unranked=cell.text != ABSENT) for cell in row[2:]))


def lay_out_costs(costs: Costs, per: str = "request") -> Table:
    """Lay out one row per tokenizer and language, per request or per million characters.

    Estimates and extrapolations are marked with a tilde.
    """
    million = per == MILLION
    frame = costs.frame.filter(pl.col("per") == per)
    present = set(frame["quantity"]) - (set() if million else {"money"})  # it has a table of its own
    if not writes_other_text(frame):
        present -= {"new_tokens"}
    quantities = [name for name in (MILLION_TITLES if million else TITLES) if name in present]
    whole = next(name for name in ("seconds", "flops", "tokens") if name in present)
    timed = not million and "seconds" in present
    spread = timed and frame["measured_low"].count() > 0
    trained = million and "training_flops" in present
    rows = []
    for (tokenizer, lang), cells in frame.group_by("tokenizer", "lang", maintain_order=True):
        found = {row["quantity"]: row for row in cells.iter_rows(named=True)}
        row = label(costs, tokenizer, lang)
        row += [write_value(found.get(name), MILLION_SCALES if million else SCALES) for name in quantities]
        if spread:
            row.append(write_spread(found.get("seconds")))
        if trained:
            row.append(write_value(found.get("training_flops"), MILLION_SCALES))
        if not million:
            row.append(write_premium(found.get(whole)))
        basis = (Cell(found["seconds"]["basis"] if "seconds" in found else ABSENT),) if timed else ()
        rows.append((*mark_losses(costs, row, tokenizer, lang), *basis))
    titles = {**(MILLION_TITLES if million else TITLES), "money": costs.prices.currency or "money"}
    if "new_tokens" not in quantities and not isinstance(costs.request.new_tokens, int):
        titles["tokens"] = "tokens read" if costs.request.new_text is not None else "tokens read = written"
    if million:
        titles["tokens"] = "tokens read"
    headers = [
        *("tokenizer", "language"),
        *(titles[name] for name in quantities),
        *(["measurement"] if spread else []),
        *(["training TFLOP"] if trained else []),
        *([] if million else [f"premium, {'FLOPs' if whole == 'flops' else whole}"]),
        *(["basis"] if timed else []),
    ]
    on = f"{costs.model}, {costs.backend} {costs.quantization}: " if costs.model else ""
    texts = frozenset({len(headers) - 1}) if timed else frozenset()
    optional = tuple(i for i, title in enumerate(headers) if title in ("prefill ms", "decode ms", "KV KiB"))
    return Table(
        f"{on}per {name_per(costs, per)}", tuple(headers), tuple(rows), labels=2, texts=texts, optional=optional
    )


def name_per(costs: Costs, per: str) -> str:
    """Name what a table is per."""
    if per != MILLION:
        return "request"
    return f"million characters of {costs.reference}" if costs.reference else "million characters"


def writes_other_text(frame: pl.DataFrame) -> bool:
    """Return whether another number of tokens is written than read."""
    read, written = (frame.filter(pl.col("quantity") == name)["value"] for name in ("tokens", "new_tokens"))
    return not read.equals(written)


def write_value(row: Mapping[str, Any] | None, scales: Mapping[str, float]) -> Cell:
    """Return the cell of a value with its interval; of a closed model only tokens and money are known."""
    if row is None:
        return Cell(ABSENT)
    write = write_money if row["quantity"] == "money" else write_number
    interval = write_interval(row["value"], row["low"], row["high"], scales.get(row["quantity"], 1), write)
    return Cell(mark(row) + interval)


def mark(row: Mapping[str, Any]) -> str:
    """Return a tilde for values that are neither counted, computed nor measured."""
    return "" if row["basis"] in EXACT else "~"


def write_spread(row: Mapping[str, Any] | None) -> Cell:
    """Return the cell of the interval of measured milliseconds."""
    if row is None or row["measured_low"] is None:
        return Cell(ABSENT)
    return Cell(f"[{write_number(row['measured_low'] * 1e3)}, {write_number(row['measured_high'] * 1e3)}]")


def write_premium(row: Mapping[str, Any] | None) -> Cell:
    """Return the cell of a premium with its interval."""
    return Cell(ABSENT if row is None else write_interval(row["premium"], row["premium_low"], row["premium_high"]))


def lay_out_money(costs: Costs) -> Table:
    """Lay out the money of one request, of 1,000, and of a month, one row per tokenizer and language.

    Only the last of these columns has an interval: the others are the same in other units.
    """
    frame = costs.frame.filter(pl.col("quantity") == "money")
    periods = [per for per in PERIODS if per in set(frame["per"])]
    rows = []
    for (tokenizer, lang), cells in frame.group_by("tokenizer", "lang", maintain_order=True):
        by_period = {row["per"]: row for row in cells.iter_rows(named=True)}
        last = by_period[periods[-1]]
        amounts = [mark(last) + write_money(by_period[per]["value"]) for per in periods[:-1]]
        amounts.append(mark(last) + write_interval(last["value"], last["low"], last["high"], 1, write_money))
        row = [*label(costs, tokenizer, lang), *map(Cell, amounts), write_premium(last)]
        rows.append(mark_losses(costs, row, tokenizer, lang))
    headers = ("tokenizer", "language", *(PERIODS[per] for per in periods), "premium")
    return Table(costs.prices.currency or "money", headers, tuple(rows), labels=2, optional=(2,))


def lay_out_relative(costs: Costs) -> Table:
    """Lay out what each tokenizer costs relative to the baseline, by language and over all."""
    headline = find_headline(costs)
    frame = costs.relative.filter(pl.col("tokenizer") != costs.baseline)
    trained = "training" in set(frame["use"])
    rows = []
    for (tokenizer, lang), cells in frame.group_by("tokenizer", "lang", maintain_order=True):
        found = {(row["use"], row["quantity"]): row for row in cells.iter_rows(named=True)}
        row = label(costs, tokenizer, lang)
        keys = (("serving", headline), *([("training", "flops")] if trained else []))
        row += [write_relative(found.get(key)) for key in keys]
        rows.append(tuple(row))
    unit = {"money": costs.prices.currency or "money", "flops": "FLOPs"}.get(headline, headline)
    headers = ("tokenizer", "language", f"serving, {unit}", *(["training, FLOPs"] if trained else []))
    texts = frozenset(range(2, len(headers)))
    return Table(f"relative to {costs.baseline}", headers, tuple(rows), labels=2, texts=texts)


def write_relative(row: Mapping[str, Any] | None) -> Cell:
    """Return the cell of a relative cost with its interval and verdict."""
    if row is None:
        return Cell(ABSENT)
    interval = write_interval(row["relative"], row["low"], row["high"], 1, write_ratio)
    return Cell(f"{interval} {row['verdict'] or ''}".rstrip())


def lay_out_what_if(costs: Costs) -> Table:
    """Lay out the model with each tokenizer, and what it costs over all languages."""
    headers = (
        *("tokenizer", "V rows", "parameters", f"{costs.quantization} MiB", "NSL"),
        *("FLOPs, serving", "FLOPs, training"),
    )
    rows = []
    for row in costs.what_if.iter_rows(named=True):
        uses = [
            {"relative": row[use], **{name: row[f"{use}_{name}"] for name in ("low", "high", "verdict")}}
            for use in ("serving", "training")
        ]
        rows.append(
            (
                Cell(row["tokenizer"]),
                Cell(f"{row['vocab_rows']:,}"),
                Cell(f"{row['parameters'] / 1e6:,.1f} M"),
                Cell(write_number(row["weight_bytes"] / 2**20)),
                Cell(write_ratio(row["nsl"])),
                *map(write_relative, uses),
            )
        )
    title = f"{costs.model} with each tokenizer (same layers, other embeddings); FLOPs relative to {costs.baseline}"
    return Table(title, headers, tuple(rows), labels=1, texts=frozenset({5, 6}), optional=(2,))


def lay_out(costs: Costs) -> list[Table]:
    """Lay out all tables of costs."""
    tables = [lay_out_money(costs)] if "money" in set(costs.frame["quantity"]) else []
    tables.append(lay_out_costs(costs))
    if costs.frame["tokenizer"].n_unique() > 1:
        tables.append(lay_out_relative(costs))
    if costs.model is not None:
        tables.append(lay_out_what_if(costs))
    return [*tables, lay_out_costs(costs, MILLION)]
