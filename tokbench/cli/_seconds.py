"""Where the seconds of costs come from: timings of other models, or a device's published figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.model.architecture import Architecture
    from tokbench.pythia.speed.rates import Rates
    from tokbench.pythia.speed.speeds import Speed


def refuse_runs(given: Mapping[str, object]) -> None:
    """Raise TokbenchError for options of a model where there is none."""
    for name, value in given.items():
        if value is not None:
            raise TokbenchError(f"{name} is of a model, and there is none", "name a model with --model")


def choose_device(
    name: str | None, efficiency: float | None, quantization: str
) -> Callable[[Architecture], Speed] | None:
    """Return what estimates the times of a shape on a device; None without one."""
    if name is None:
        if efficiency is not None:
            raise TokbenchError("--efficiency is of a device", "name it with --device")
        return None
    from tokbench.pythia.devices import device_speed

    def estimate(architecture: Architecture) -> Speed:
        speed: Speed = device_speed(name, architecture, quantization, efficiency)
        return speed

    return estimate


def read_rates(path: Path) -> tuple[Rates, ...]:
    """Fit rates to the timings in a file written by `tokbench model measure`."""
    import polars as pl

    from tokbench.pythia.measure.timings import PYTHIA_LAYERS
    from tokbench.pythia.speed.roofline import TIMINGS_SCHEMA, fit_each

    try:
        rows = json.loads(path.read_bytes())["timings"]
        found = pl.DataFrame(rows)
        kinds = {**TIMINGS_SCHEMA, **({PYTHIA_LAYERS: pl.Boolean()} if PYTHIA_LAYERS in found.columns else {})}
        frame = found.select(pl.col(name).cast(kind) for name, kind in kinds.items())
    except OSError as error:
        raise TokbenchError(f"cannot read {path}: {error.strerror}", "choose another file") from error
    except (ValueError, KeyError, TypeError, RecursionError, pl.exceptions.PolarsError) as error:
        raise TokbenchError(
            f"{path}: no timings ({error!s:.200})", "create it with: tokbench model measure -o FILE.json"
        ) from error
    return fit_each(frame)
