"""Tables of costs: per segment, per 1,000 characters, and what-if."""

from __future__ import annotations

import polars as pl

from tokbench.pythia.cost import Costs
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
SCALES = {"flops": 1e-9, "prefill_seconds": 1e3, "decode_seconds": 1e3, "seconds": 1e3, "kv_bytes": 1 / 1024}


def write_number(value: float | None) -> str:
    """Format a number with about four significant digits and thousands separators."""
    if value is None:
        return ABSENT
    if value and abs(value) < 0.01:
        return f"{value:.3g}"
    return f"{value:,.{0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3}f}"


def write_interval(value: float | None, low: float | None, high: float | None, scale: float = 1) -> str:
    """Format a value with its interval."""
    numbers = [None if number is None else number * scale for number in (value, low, high)]
    if None in numbers:
        return write_number(numbers[0])
    return f"{write_number(numbers[0])} [{write_number(numbers[1])}, {write_number(numbers[2])}]"


def lay_out_costs(costs: Costs, per: str) -> Table:
    """Lay out one row per tokenizer and language; estimates are marked with a tilde."""
    frame = costs.frame.filter(pl.col("per") == per)
    quantities = [name for name in TITLES if name in set(frame["quantity"])]
    rows = []
    for (tokenizer, lang), cells in frame.group_by("tokenizer", "lang", maintain_order=True):
        by_quantity = {row["quantity"]: row for row in cells.iter_rows(named=True)}
        row = [Cell(str(tokenizer)), Cell(str(lang))]
        for name in quantities:
            found = by_quantity[name]
            mark = "~" if found["basis"] == "estimated" else ""
            row.append(Cell(mark + write_interval(found["value"], found["low"], found["high"], SCALES.get(name, 1))))
        whole = by_quantity.get("seconds", by_quantity["flops"])
        row.append(Cell(write_interval(whole["premium"], whole["premium_low"], whole["premium_high"])))
        rows.append(tuple(row))
    premium = "premium, seconds" if "seconds" in quantities else "premium, FLOPs"
    headers = ("tokenizer", "language", *(TITLES[name] for name in quantities), premium)
    after = "as many new tokens as it has itself" if costs.new_tokens == "same" else f"{costs.new_tokens} new tokens"
    title = f"{costs.model}, {costs.backend} {costs.quantization}: per {per}, each segment a prompt with {after}"
    return Table(title, headers, tuple(rows), labels=2)


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
    return [
        lay_out_costs(costs, "segment"),
        lay_out_costs(costs, "1000 characters"),
        lay_out_what_if(costs.what_if, costs.model, costs.quantization),
    ]


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
    if "measured" not in bases and "estimated" not in bases:
        notes.append("no timings: the analytic backend runs nothing; use --backend or --timings")
    notes += [f"{name}: {note}" for name, note in costs.notes.items()]
    return notes
