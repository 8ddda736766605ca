"""Results of `tokbench model measure --extrapolate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from tokbench.pythia.measure.layer_probe import LayerProbe, list_extrapolated
from tokbench.pythia.measure.measured import FIGURES_SCHEMA, frame_figures, frame_timings
from tokbench.pythia.measure.measurement import BackendMeasurement
from tokbench.report._document_model import Plain, Results, Signature
from tokbench.report._model_runs import describe
from tokbench.report._table import tabulate

MIB = "{:,.1f}".format
_SIZES = {"file": "file_bytes", "rss_loaded": "loaded", "rss_generated": "generated", "rss_peak": "peak"}

Found = LayerProbe | BackendMeasurement


def show_probes(found: Sequence[Found]) -> Results:
    """Return figures extrapolated from layer probes, and those of models that were measured themselves."""
    return Results(lambda: lay_out_probes(found), lambda: to_document(found), lambda: frame_probes(found))


def frame_probes(found: Sequence[Found]) -> pl.DataFrame:
    """Tabulate every figure, one per row, in the columns of `frame_figures`, and basis.

    Load time (s), file and memory (bytes), prefill and decoding (tokens/s, with low and high).
    """
    parts = [
        frame_figures([one]).with_columns(basis=pl.lit("measured"))
        if isinstance(one, BackendMeasurement)
        else pl.DataFrame(list(_list_rows(one)), schema={**FIGURES_SCHEMA, "basis": pl.String})
        for one in found
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema={**FIGURES_SCHEMA, "basis": pl.String})


def _list_rows(probe: LayerProbe) -> Iterator[dict[str, Any]]:
    small = probe.small
    common = {
        "model": probe.model,
        "weights": small.weights,
        "backend": small.backend,
        "device": small.device,
        "quantization": small.quantization,
        "threads": small.threads,
        "context": small.context,
        "basis": "extrapolated",
    }
    load = probe.extend(small.load_seconds, probe.large.load_seconds)
    yield {**common, "figure": "load", "value": load, "unit": "s"}
    for figure, name in _SIZES.items():
        tokens = small.generated_tokens if figure == "rss_generated" else None
        yield {**common, "figure": figure, "tokens": tokens, "value": probe.extrapolate_bytes(name), "unit": "B"}
    for timing, seconds in list_extrapolated(probe):
        tokens_timed = timing.batch * (timing.tokens if timing.phase == "prefill" else 1)
        yield {
            **common,
            "figure": timing.phase,
            "batch": timing.batch,
            "tokens": timing.tokens,
            "value": tokens_timed / seconds.value,
            "low": tokens_timed / seconds.high,
            "high": tokens_timed / seconds.low,
            "unit": "tokens/s",
        }


def list_measured(found: Sequence[Found]) -> list[BackendMeasurement]:
    """Return everything that was run: models themselves, and the two of each probe."""
    pairs = [[one] if isinstance(one, BackendMeasurement) else [one.small, one.large] for one in found]
    return [one for pair in pairs for one in pair]


def lay_out_probes(found: Sequence[Found]) -> list[Plain]:
    """Lay out memory and speed, what was run, and what figures depend on."""
    rows = frame_probes(found).to_dicts()
    names = ("model", "backend", "quantization", "basis")
    memory: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        if row["unit"] == "B" and row["figure"] in _SIZES and row["value"] is not None:
            memory.setdefault(key, dict(zip(names, key, strict=True)))[row["figure"]] = row["value"] / 2**20
        elif row["figure"] == "load":
            memory.setdefault(key, dict(zip(names, key, strict=True)))["load s"] = row["value"]
    speed = [
        {**{name: row[name] for name in names}, "phase": row["figure"]}
        | {name: row[name] for name in ("batch", "tokens", "value", "low", "high")}
        for row in rows
        if row["unit"] == "tokens/s"
    ]
    floats = dict.fromkeys((*_SIZES, "value", "low", "high"), MIB)
    return [
        tabulate(list(memory.values()), "Memory, MiB, and loading", formats={**floats, "load s": "{:.2f}".format}),
        tabulate(speed, "Speed, tokens per second (low and high: 95 %, with the A/A ratio)", formats=floats),
        *map(Signature, sorted({describe(one) for one in list_measured(found)})),
        *(Signature(spell_layers(one)) for one in found if isinstance(one, LayerProbe)),
    ]


def spell_layers(probe: LayerProbe) -> str:
    """Say which layers a probe was extrapolated from."""
    first, second = probe.small.architecture.layers, probe.large.architecture.layers
    return (
        f"{probe.model}, {probe.small.backend} {probe.small.quantization}: extrapolated from {first} and {second} "
        f"layers to {probe.architecture.layers}; A/A ratio {probe.aa_ratio:.2f}"
    )


def to_document(found: Sequence[Found]) -> dict[str, Any]:
    """Convert to a JSON document: figures, everything that was run, and its timings as `roofline.fit` takes them."""
    run = list_measured(found)
    return {
        "figures": frame_probes(found).to_dicts(),
        "measurements": [asdict(one) for one in run],
        "timings": frame_timings(run).to_dicts(),
    }
