"""Results of `tokbench model measure --extrapolate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokbench.pythia.measure.extrapolated import SIZES, Found, frame_probes, list_measured, list_notes, to_document
from tokbench.report._document_model import Plain, Results, Signature
from tokbench.report._model_runs import describe
from tokbench.report._table import tabulate

MIB = "{:,.1f}".format


def show_probes(found: Sequence[Found]) -> Results:
    """Return figures extrapolated from layer probes, and those of models that were measured themselves."""
    return Results(lambda: lay_out_probes(found), lambda: to_document(found), lambda: frame_probes(found))


def lay_out_probes(found: Sequence[Found]) -> list[Plain]:
    """Lay out memory and speed, what was run, and what figures depend on."""
    rows = frame_probes(found).to_dicts()
    names = ("model", "backend", "quantization", "basis")
    memory: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        if row["unit"] == "B" and row["figure"] in SIZES and row["value"] is not None:
            memory.setdefault(key, dict(zip(names, key, strict=True)))[row["figure"]] = row["value"] / 2**20
        elif row["figure"] == "load":
            memory.setdefault(key, dict(zip(names, key, strict=True)))["load s"] = row["value"]
    speed = [
        {**{name: row[name] for name in names}, "phase": row["figure"]}
        | {name: row[name] for name in ("batch", "tokens", "value", "low", "high")}
        for row in rows
        if row["unit"] == "tokens/s"
    ]
    floats = dict.fromkeys((*SIZES, "value", "low", "high"), MIB)
    return [
        tabulate(list(memory.values()), "Memory, MiB, and loading", formats={**floats, "load s": "{:.2f}".format}),
        tabulate(speed, "Speed, tokens per second (low and high: 95 %, with the A/A ratio)", formats=floats),
        *map(Signature, sorted({describe(one) for one in list_measured(found)})),
        *map(Signature, list_notes(found)),
    ]
