"""Tables of costs: per segment, per 1,000 characters, and what-if."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from tokbench.pythia.cost import DAYS_PER_MONTH, Costs, Prices
from tokbench.report._table import ABSENT, Cell, Table

TITLES = {
    "tokens": "tokens",
    "flops": "GFLOP",
    "prefill_seconds": "prefill ms",
    "decode_seconds": "decode ms",
    "seconds": "total ms",
    "kv_bytes": "KV KiB",
    "money": "money",
}
PERIODS = {"segment": "per request", "1000 requests": "per 1,000 requests", "month": "per month"}
SCALES = {"flops": 1e-9, "prefill_seconds": 1e3, "decode_seconds": 1e3, "seconds": 1e3, "kv_bytes": 1 / 1024}


def write_number(value: float | None) -> str:
    """Format a number with about four significant digits and thousands separators."""
    if value is None:
        return ABSENT
    if value and abs(value) < 0.01:
        return f"{value:.3g}"
    return f"{value:,.{0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3}f}"


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


def lay_out_costs(costs: Costs, per: str) -> Table:
    """Lay out one row per tokenizer and language; estimates are marked with a tilde."""
    frame = costs.frame.filter(pl.col("per") == per)
    present = set(frame["quantity"]) - ({"money"} if per == "segment" else set())  # it has a table of its own
    quantities = [name for name in TITLES if name in present]
    whole = next(name for name in ("seconds", "flops", "tokens") if name in present)
    rows = []
    for (tokenizer, lang), cells in frame.group_by("tokenizer", "lang", maintain_order=True):
        by_quantity = {row["quantity"]: row for row in cells.iter_rows(named=True)}
        row = [Cell(str(tokenizer)), Cell(str(lang))]
        for name in quantities:
            found = by_quantity.get(name)
            if found is None:  # of a closed model only tokens and money are known
                row.append(Cell(ABSENT))
                continue
            mark = "~" if found["basis"] == "estimated" else ""
            write = write_money if name == "money" else write_number
            interval = write_interval(found["value"], found["low"], found["high"], SCALES.get(name, 1), write)
            row.append(Cell(mark + interval))
        row.append(write_premium(by_quantity.get(whole)))
        rows.append(tuple(row))
    premium = {"seconds": "premium, seconds", "flops": "premium, FLOPs", "tokens": "premium, tokens"}[whole]
    titles = {**TITLES, "money": costs.prices.currency or TITLES["money"]}
    headers = ("tokenizer", "language", *(titles[name] for name in quantities), premium)
    on = f"{costs.model}, {costs.backend} {costs.quantization}: " if costs.model else ""
    return Table(f"{on}per {per}, each segment {describe_request(costs)}", headers, tuple(rows), labels=2)


def describe_request(costs: Costs) -> str:
    """Return what is done with each segment."""
    after = "as many new tokens as it has itself" if costs.new_tokens == "same" else f"{costs.new_tokens} new tokens"
    return f"a prompt with {after}"


def write_premium(row: Mapping[str, Any] | None) -> Cell:
    """Return the cell of a premium with its interval."""
    return Cell(ABSENT if row is None else write_interval(row["premium"], row["premium_low"], row["premium_high"]))


def lay_out_money(costs: Costs) -> Table:
    """Lay out the money of one request, of 1,000, and of a month, one row per tokenizer and language.

    Only the last column has an interval: the others are the same in other units.
    """
    frame = costs.frame.filter(pl.col("quantity") == "money")
    periods = [per for per in PERIODS if per in set(frame["per"])]
    rows = []
    for (tokenizer, lang), cells in frame.group_by("tokenizer", "lang", maintain_order=True):
        by_period = {row["per"]: row for row in cells.iter_rows(named=True)}
        mark = "~" if by_period["segment"]["basis"] == "estimated" else ""
        amounts = [mark + write_money(by_period[per]["value"]) for per in periods[:-1]]
        last = by_period[periods[-1]]
        amounts.append(mark + write_interval(last["value"], last["low"], last["high"], 1, write_money))
        labels = (Cell(str(tokenizer)), Cell(str(lang)))
        rows.append((*labels, *map(Cell, amounts), write_premium(last)))
    unit = costs.prices.currency or "money"
    headers = ("tokenizer", "language", *(PERIODS[per] for per in periods), "premium")
    return Table(f"{unit}: each segment a request, {describe_request(costs)}", headers, tuple(rows), labels=2)


def lay_out_what_if(what_if: pl.DataFrame, model: str, quantization: str) -> Table:
    """Lay out the model with each tokenizer."""
    headers = (
        *("tokenizer", "V rows", "parameters", f"{quantization} MiB", "GFLOP/token", "NSL", "break-even NSL"),
        *("relative FLOPs", "verdict", "training PFLOP"),
    )
    rows = tuple(
        (
            Cell(row["tokenizer"]),
            Cell(f"{row['vocab_rows']:,}"),
            Cell(f"{row['parameters']:,}"),
            Cell(write_number(row["weight_bytes"] / 2**20)),
            Cell(write_number(row["flops_per_token"] / 1e9)),
            Cell(write_number(row["nsl"])),
            Cell(write_number(row["break_even_nsl"])),
            Cell(write_number(row["relative_flops"])),
            Cell(row["verdict"] or ABSENT),
            Cell(write_number(None if row["training_flops"] is None else row["training_flops"] / 1e15)),
        )
        for row in what_if.iter_rows(named=True)
    )
    return Table(f"{model} with each tokenizer (same layers, other embeddings)", headers, rows, labels=1)


def lay_out(costs: Costs) -> list[Table]:
    """Lay out all tables of costs."""
    tables = [lay_out_money(costs)] if "money" in set(costs.frame["quantity"]) else []
    tables += [lay_out_costs(costs, "segment"), lay_out_costs(costs, "1000 characters")]
    if costs.model is not None:
        tables.append(lay_out_what_if(costs.what_if, costs.model, costs.quantization))
    return tables


def write_notes(costs: Costs) -> list[str]:
    """List the notes below the tables."""
    notes = [
        "[low, high]: 95 % confidence intervals of the mean over texts like these (paired bootstrap)",
        f"premium: the same segments, relative to {costs.reference}"
        if costs.reference
        else "no premiums: they need parallel text",
    ]
    bases = set(costs.frame["basis"])
    if "estimated" in bases:
        notes.append("~ estimated, not measured")
    notes += write_prices(costs.prices)
    if costs.model is not None and "measured" not in bases and "estimated" not in bases:
        notes.append("no timings: the analytic backend runs nothing; use --backend or --timings")
    notes += [f"{name}: {note}" for name, note in costs.notes.items()]
    return notes


def write_prices(prices: Prices) -> list[str]:
    """List what the prices mean."""
    unit = f" {prices.currency}" if prices.currency else ""
    notes = []
    if prices.per_token:
        given = {"read": prices.per_mtok_in, "written": prices.per_mtok_out}
        notes.append(
            "prices per million tokens: "
            + ", ".join(f"{price or 0:g}{unit} {word}" for word, price in given.items())
            + (f", {prices.per_mtok_cached:g}{unit} cached" if prices.per_mtok_cached is not None else "")
        )
        notes += [f"tokens {word} have no price and cost nothing" for word, price in given.items() if price is None]
    if prices.cached_share:
        notes.append(f"{100 * prices.cached_share:g} % of the tokens read in every request are billed as cached")
    if prices.per_hour is not None:
        notes.append(f"price of the machine: {prices.per_hour:g}{unit} per hour, one request at a time")
    if prices.requests_per_day is not None:
        notes.append(f"month: {DAYS_PER_MONTH} days of {prices.requests_per_day:,} requests")
    return notes
