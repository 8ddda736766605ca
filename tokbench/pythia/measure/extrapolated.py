"""Extrapolated figures as frames and documents, beside those of models that were measured themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from tokbench.pythia.measure.layer_probe import LayerProbe, list_extrapolated
from tokbench.pythia.measure.measured import FIGURES_SCHEMA, frame_figures, frame_timings
from tokbench.pythia.measure.measurement import BackendMeasurement, spell_ratio, spell_turns

SIZES = {"file": "file_bytes", "rss_loaded": "loaded", "rss_generated": "generated", "rss_peak": "peak"}
"""Figures in bytes, and where a measurement has them."""

Found = LayerProbe | BackendMeasurement


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
    load = probe.extend(lambda one: one.load_seconds)
    yield {**common, "figure": "load", "value": load, "unit": "s"}
    for figure, name in SIZES.items():
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
            "low": None if seconds.high is None else tokens_timed / seconds.high,
            "high": None if seconds.low is None else tokens_timed / seconds.low,
            "unit": "tokens/s",
        }


def list_measured(found: Sequence[Found]) -> list[BackendMeasurement]:
    """Return everything that was run: models themselves, and those of each probe."""
    runs = [[one] if isinstance(one, BackendMeasurement) else one.run for one in found]
    return [one for run in runs for one in run]


def spell_layers(probe: LayerProbe) -> str:
    """Say which layers a probe was extrapolated from."""
    first, second = probe.small.architecture.layers, probe.large.architecture.layers
    return (
        f"{probe.model}, {probe.small.backend} {probe.small.quantization}: extrapolated from {first} and {second} "
        f"layers to {probe.architecture.layers}; A/A ratio {spell_ratio(probe.aa_ratio)}{spell_turns(probe.took_turns)}"
    )


def to_document(found: Sequence[Found]) -> dict[str, Any]:
    """Convert to a JSON document: figures, everything that was run, and its timings as `roofline.fit` takes them."""
    run = list_measured(found)
    return {
        "figures": frame_probes(found).to_dicts(),
        "measurements": [asdict(one) for one in run],
        "timings": frame_timings(run).to_dicts(),
    }


def list_notes(found: Sequence[Found]) -> list[str]:
    """Say of every probe which layers it was extrapolated from."""
    return [spell_layers(one) for one in found if isinstance(one, LayerProbe)]
