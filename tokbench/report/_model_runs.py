"""Results of `tokbench model measure` and `score`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import polars as pl

from tokbench.pythia.measure.measured import frame_figures, frame_ram, frame_timings, to_document
from tokbench.pythia.measure.measurement import BackendMeasurement, spell_ratio
from tokbench.report._document_model import Plain, Results, Signature
from tokbench.report._table import tabulate

MIB = "{:,.1f}".format


def show_measurements(found: Sequence[BackendMeasurement]) -> Results:
    """Return memory, speed and loading of models on backends."""
    return Results(lambda: lay_out_measurements(found), lambda: to_document(found), lambda: frame_figures(found))


def lay_out_measurements(found: Sequence[BackendMeasurement]) -> list[Plain]:
    """Lay out a table per kind of measurement, and what they depend on."""
    columns = ["model", "backend", "quantization", "weights", "phase", "batch", "tokens", "tokens_per_second"]
    speed = frame_timings(found).select(*columns, "low", "high")
    memory = frame_ram(found)
    loading = [
        {
            "model": one.model,
            "backend": one.backend,
            "quantization": one.quantization,
            "file MiB": one.file_bytes / 2**20,
            "seconds": one.load_seconds,
            "settings": ", ".join(f"{key}: {value}" for key, value in one.settings.items()),
        }
        for one in found
    ]
    floats = {
        name_column(name): MIB for frame in (speed, memory) for name, kind in frame.schema.items() if kind.is_float()
    }
    ram = "Resident memory, MiB (2023: figures of that year's ggml model card)"
    rates = "Speed, tokens per second (median; low and high: slowest and fastest round)"
    return [
        tabulate(name_columns(memory), ram, formats=floats),
        tabulate(name_columns(speed), rates, formats=floats),
        tabulate(loading, "Loading", formats={"file MiB": MIB, "seconds": "{:.3f}".format}),
        *map(Signature, sorted({f"{describe(one)}, A/A ratio {spell_ratio(one.aa_ratio)}" for one in found})),
    ]


def name_columns(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame by titles of columns, without the columns that hold nothing."""
    known = [name for name in frame.columns if frame[name].null_count() < frame.height]
    return frame.select(known).rename({name: name_column(name) for name in known}).to_dicts()


def name_column(name: str) -> str:
    """Return the title of a column.

    >>> name_column("initial_2023"), name_column("tokens_per_second"), name_column("after_generation")
    ('initial, 2023', 'tokens/s', 'after generation')
    """
    return name.removesuffix("_2023").replace("_per_second", "/s").replace("_", " ") + (
        ", 2023" if name.endswith("_2023") else ""
    )


def describe(found: BackendMeasurement) -> str:
    """Describe on one line what measurements depend on, but for what the machine did meanwhile."""
    place = found.environment
    libraries = ", ".join(f"{name} {version}" for name, version in found.libraries.items())
    return (
        f"{place.date[:10]}, {place.processor}, {place.cores} cores, {place.system}, {found.threads} threads, "
        f"{found.device}, context {found.context}, {found.generated_tokens} tokens generated after "
        f"{found.generation_prompt}, weights: {found.weights}, "
        f"tokbench {place.tokbench}, {libraries}"
    )


def show_scores(rows: list[dict[str, Any]]) -> Results:
    """Return bits per byte, one row per language, with signatures below the table."""
    return Results(lambda: lay_out_scores(rows), lambda: rows, lambda: pl.DataFrame(rows))


def lay_out_scores(rows: list[dict[str, Any]]) -> list[Plain]:
    """Lay out scores, and their signatures with short hashes."""
    shown = [{key: value for key, value in row.items() if key != "signature"} for row in rows]
    formats = dict.fromkeys(("bits", "bits_per_token", "bits_per_byte"), "{:.4f}".format)
    formats |= dict.fromkeys(("byte_perplexity", "word_perplexity"), "{:.7g}".format)
    signatures = (re.sub(r"(?<=sha256:.{8})[0-9a-f]+", "", row["signature"]) for row in rows)
    return [tabulate(shown, "Bits per byte", formats=formats), *map(Signature, signatures)]
