"""Read and check timings of a backend from a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import polars as pl

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.work import PHASES, Phase, Work, count_work

GROUP = ("backend", "device", "quantization", "threads")
"""The columns that identify a set of effective rates."""

TIMINGS_SCHEMA: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "backend": pl.String(),
        "device": pl.String(),
        "quantization": pl.String(),
        "threads": pl.Int64(),
        "kv_bytes_per_value": pl.Int64(),
        "model": pl.String(),
        "layers": pl.Int64(),
        "width": pl.Int64(),
        "heads": pl.Int64(),
        "vocab_rows": pl.Int64(),
        "phase": pl.String(),
        "batch": pl.Int64(),
        "tokens": pl.Int64(),
        "seconds": pl.Float64(),
    }
)
"""Columns of timings: `tokens` is the prompt of a prefill or context of a step, `seconds` for the whole batch."""


PYTHIA_LAYERS = "pythia_layers"
"""An optional column: false for models of other families, whose work does not follow from these columns."""

_LEAST = MappingProxyType(
    {"threads": 0, "tokens": 0}
    | dict.fromkeys(("kv_bytes_per_value", "layers", "width", "heads", "vocab_rows", "batch"), 1)
)
"""Smallest valid value of each column of counts."""
_MOST = 2**31 - 1


@dataclass(frozen=True)
class Timing:
    """One measured prefill or decoding step."""

    group: tuple[str, str, str, int]
    kv_bytes_per_value: int
    model: str
    architecture: Architecture
    phase: Phase
    batch: int
    tokens: int
    seconds: float

    @property
    def work(self) -> Work:
        """Return the work done in that time."""
        return count_work(
            self.architecture,
            find_quantization(self.group[2]),
            self.phase,
            tokens=self.tokens,
            batch=self.batch,
            kv_bytes_per_value=self.kv_bytes_per_value,
        )

    def spell_group(self) -> str:
        """Describe the group as text."""
        backend, device, quantization, threads = self.group
        return f"{backend} {quantization} on {device} with {threads} threads"


def read_timings(timings: pl.DataFrame) -> list[Timing]:
    """Read a frame of timings of one group; TokbenchError if they are unusable."""
    missing = [name for name in TIMINGS_SCHEMA if name not in timings.columns]
    if missing:
        raise TokbenchError(f"timings lack the columns {', '.join(missing)}")
    if timings.is_empty():
        raise TokbenchError("there are no timings", "measure one or more models first")
    for name in (*GROUP, "kv_bytes_per_value"):
        values = timings[name].unique(maintain_order=True).to_list()
        if len(values) > 1:
            raise TokbenchError(
                f"timings of more than one {name}: {', '.join(map(str, values))}", "fit each separately (fit_each)"
            )
    if PYTHIA_LAYERS in timings.columns and not timings[PYTHIA_LAYERS].fill_null(value=True).all():
        others = timings.filter(~pl.col(PYTHIA_LAYERS))["model"].unique(maintain_order=True).to_list()
        raise TokbenchError(
            f"rates are fitted to GPT-NeoX models, and the timings have {', '.join(others)}", "measure others for them"
        )
    wrong = [name for name, expected in TIMINGS_SCHEMA.items() if not _fits(timings[name].dtype, expected)]
    if wrong:
        kinds = ", ".join(f"{name} is {timings[name].dtype}, not {TIMINGS_SCHEMA[name]}" for name in wrong)
        raise TokbenchError(f"timings have columns of the wrong type: {kinds}")
    rows = timings.select(list(TIMINGS_SCHEMA)).iter_rows(named=True)
    return [_read_row(number, row) for number, row in enumerate(rows)]


def _fits(found: pl.DataType, expected: pl.DataType) -> bool:
    if expected.is_integer():
        return found.is_integer()
    return found.is_numeric() if expected.is_float() else found == expected


def _read_row(number: int, row: Mapping[str, Any]) -> Timing:
    for name, value in row.items():
        if value is None:
            raise TokbenchError(f"timings, row {number}: no {name}")
    if row["phase"] not in PHASES:
        raise TokbenchError(f"timings, row {number}: no phase is called {row['phase']!r}", "prefill or decode")
    for name, least in _LEAST.items():
        if not least <= row[name] <= _MOST:
            raise TokbenchError(f"timings, row {number}: {name} is {row[name]}", f"use {least} to {_MOST:,}")
    if not 0 < row["seconds"] < float("inf"):
        raise TokbenchError(f"timings, row {number}: {row['seconds']} seconds is not a time")
    return Timing(
        group=(row["backend"], row["device"], row["quantization"], row["threads"]),
        kv_bytes_per_value=row["kv_bytes_per_value"],
        model=row["model"],
        architecture=Architecture(row["layers"], row["width"], row["heads"], row["vocab_rows"]),
        phase=cast(Phase, row["phase"]),
        batch=row["batch"],
        tokens=row["tokens"],
        seconds=row["seconds"],
    )
