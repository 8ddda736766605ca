"""Measurements of backends as frames.

For display, for fits, and next to the figures of 2023.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files as package_files
from typing import Any

import polars as pl

from tokbench.pythia.measure.probe import BackendMeasurement
from tokbench.pythia.measure.timings import PYTHIA_LAYERS, TIMINGS_SCHEMA
from tokbench.pythia.model.models import DEDUPED

FIGURES_SCHEMA: dict[str, Any] = {
    "model": pl.String,
    "weights": pl.String,
    "backend": pl.String,
    "device": pl.String,
    "quantization": pl.String,
    "threads": pl.Int64,
    "context": pl.Int64,
    "figure": pl.String,
    "batch": pl.Int64,
    "tokens": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "unit": pl.String,
}
_RATES = {"tokens_per_second": pl.Float64, "low": pl.Float64, "high": pl.Float64}
_MIB = 1 << 20


def frame_timings(measurements: Sequence[BackendMeasurement]) -> pl.DataFrame:
    """Tabulate timings in the columns that `roofline.fit` takes.

    Adds tokens per second (median, low, high), rounds, weights, and whether the layers are those of Pythia.
    """
    rows = [
        {
            "backend": found.backend,
            "device": found.device,
            "quantization": found.quantization,
            "threads": found.threads,
            "kv_bytes_per_value": found.kv_bytes_per_value,
            "model": found.model,
            "layers": found.architecture.layers,
            "width": found.architecture.width,
            "heads": found.architecture.heads,
            "vocab_rows": found.architecture.vocab_rows,
            PYTHIA_LAYERS: found.architecture.has_pythia_layers,
            "phase": timing.phase,
            "batch": timing.batch,
            "tokens": timing.tokens,
            "seconds": timing.seconds,
            "tokens_per_second": timing.value,
            "low": timing.low,
            "high": timing.high,
            "rounds": len(timing.rounds),
            "weights": found.weights,
        }
        for found in measurements
        for timing in found.timings
    ]
    more = {PYTHIA_LAYERS: pl.Boolean(), "rounds": pl.Int64(), "weights": pl.String()}
    return pl.DataFrame(rows, schema={**TIMINGS_SCHEMA, **_RATES, **more})


def frame_figures(measurements: Sequence[BackendMeasurement]) -> pl.DataFrame:
    """Tabulate every figure, one per row.

    Load time (s), file and memory (bytes), prefill and decoding (tokens/s, with low and high).
    """
    rows = [
        {
            "model": found.model,
            "weights": found.weights,
            "backend": found.backend,
            "device": found.device,
            "quantization": found.quantization,
            "threads": found.threads,
            "context": found.context,
            **figure,
        }
        for found in measurements
        for figure in _list_figures(found)
    ]
    return pl.DataFrame(rows, schema=FIGURES_SCHEMA)


def _list_figures(found: BackendMeasurement) -> Iterator[dict[str, Any]]:
    yield {"figure": "load", "value": found.load_seconds, "unit": "s"}
    sizes = {
        "file": found.file_bytes,
        **{
            f"{kind}_{when}": getattr(memory, kind)
            for when, memory in (("before", found.before), ("loaded", found.loaded), ("generated", found.generated))
            for kind in ("rss", "pss")
        },
        "rss_peak": found.peak,
        "device_memory": found.device_bytes,
    }
    for name, size in sizes.items():
        tokens = found.generated_tokens if name.endswith("_generated") else None
        yield {"figure": name, "tokens": tokens, "value": size, "unit": "B"}
    for timing in found.timings:
        yield {
            "figure": timing.phase,
            "batch": timing.batch,
            "tokens": timing.tokens,
            "value": timing.value,
            "low": timing.low,
            "high": timing.high,
            "unit": "tokens/s",
        }


@cache
def read_card() -> Mapping[tuple[str, str], tuple[float, float]]:
    """Return RAM in MiB after loading and after generation, by model and type.

    As a model card of 2023 gave it.
    """
    data = tomllib.loads((package_files("tokbench.pythia.measure") / "card_2023.toml").read_text("utf-8"))
    return {
        (row["model"], kind): (pair[0], pair[1]) for row in data["ram"] for kind, pair in row.items() if kind != "model"
    }


def frame_ram(measurements: Sequence[BackendMeasurement]) -> pl.DataFrame:
    """Tabulate resident memory in MiB like the ggml card of 2023, next to its figures.

    Columns: model, quantization, backend, weights, before, initial, after_generation, generated (tokens), pss (after
    generation), peak, device (null on a CPU), initial_2023, after_generation_2023 (null where the card has none).
    """

    def write(size: int | None) -> float | None:
        return None if size is None else size / _MIB

    rows = []
    for found in measurements:
        name = found.model.partition("@")[0].removesuffix(DEDUPED)
        card = read_card().get((name, found.quantization), (None, None))
        rows.append(
            {
                "model": found.model,
                "quantization": found.quantization,
                "backend": found.backend,
                "weights": found.weights,
                "before": write(found.before.rss),
                "initial": write(found.loaded.rss),
                "after_generation": write(found.generated.rss),
                "generated": found.generated_tokens,
                "pss": write(found.generated.pss),
                "peak": write(found.peak),
                "device": write(found.device_bytes),
                "initial_2023": card[0],
                "after_generation_2023": card[1],
            }
        )
    words = dict.fromkeys(("model", "quantization", "backend", "weights"), pl.String)
    sizes = dict.fromkeys(("pss", "peak", "device", "initial_2023", "after_generation_2023"), pl.Float64)
    first = dict.fromkeys(("before", "initial", "after_generation"), pl.Float64)
    return pl.DataFrame(rows, schema={**words, **first, "generated": pl.Int64, **sizes})


def to_document(measurements: Sequence[BackendMeasurement]) -> dict[str, Any]:
    """Convert everything measured to a JSON document.

    `measurements` in full, and `timings` as rows that `roofline.fit` takes.
    """
    return {
        "measurements": [asdict(found) for found in measurements],
        "timings": frame_timings(measurements).to_dicts(),
    }
