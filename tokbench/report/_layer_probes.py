"""Results of `tokbench model measure --extrapolate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokbench.pythia.measure.extrapolated import SIZES, Found, frame_probes, list_measured, list_notes, to_document
from tokbench.pythia.measure.measurement import BackendMeasurement, spell_ratio
from tokbench.report._document_model import Plain, Results, Signature
from tokbench.report._model_runs import describe
from tokbench.report._table import tabulate

MIB = "{:,.1f}".format

SPEEDS = {
    "extrapolated": "extrapolated: from the fastest rounds, 95 % with the A/A ratio",
    "measured": "measured: median, slowest and fastest round",
}
"""What value, low and high are, by basis."""


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
    bases = [text for basis, text in SPEEDS.items() if any(row["basis"] == basis for row in speed)]
    whole = [one for one in found if isinstance(one, BackendMeasurement)]
    floats = dict.fromkeys((*SIZES, "value", "low", "high"), MIB)
    return [
        tabulate(list(memory.values()), "Memory, MiB, and loading", formats={**floats, "load s": "{:.2f}".format}),
        tabulate(speed, f"Speed, tokens per second ({'; '.join(bases)})", formats=floats),
        *map(Signature, sorted({f"{describe(one)}, A/A ratio {spell_ratio(one.aa_ratio)}" for one in whole})),
        *map(Signature, sorted({describe(one) for one in list_measured(found) if one not in whole})),
        *map(Signature, list_notes(found)),
    ]
