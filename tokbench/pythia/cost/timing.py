"""How long the models of a comparison of costs take: estimated, or measured on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.resolution import ModelSpec
from tokbench.pythia.speed.speeds import EstimatedSpeed, Speed, find_rates, prompt_grid

if TYPE_CHECKING:
    from tokbench.pythia.speed.rates import Rates

Floats = npt.NDArray[np.float64]

ROUNDS = 3

Report = Callable[[str], None]


def estimate_speeds(
    shapes: Mapping[str, Architecture], rates: Sequence[Rates], quantization: str, requests: Mapping[str, Floats]
) -> dict[str, Speed]:
    """Estimate the times of each tokenizer's model; none without rates.

    requests: tokens read and written, by tokenizer.
    """
    if not rates:
        return {}
    chosen = find_rates(rates, None, quantization)
    speeds: dict[str, Speed] = {}
    for name, shape in shapes.items():
        speed = EstimatedSpeed(chosen, shape)
        longest = int(np.ceil(np.nanmax(requests[name], initial=1.0)))
        speed.check(min(longest, shape.context))
        speeds[name] = speed
    return speeds


def measure_speeds(
    spec: ModelSpec,
    shapes: Mapping[str, Architecture],
    backend: str,
    quantization: str,
    threads: int | None,
    prompts: Mapping[str, Floats],
    offline: bool,
    on_step: Report,
) -> dict[str, Speed]:
    """Measure the times of each tokenizer's model on this machine.

    Measures the model itself, or one of that shape with random weights, taking turns by rounds.

    prompts: tokens read, by tokenizer.
    """
    from tokbench.pythia.formats.opening import open_checkpoint
    from tokbench.pythia.formats.random_weights import make_in_cache, open_or_make
    from tokbench.pythia.speed import measuring

    checkpoints = {}
    for name, shape in shapes.items():
        if shape in checkpoints:
            continue
        on_step(f"{spec.name} with {name} ({shape.vocab_rows:,} rows) on {backend}")
        if shape == spec.architecture:
            checkpoints[shape] = open_or_make(spec.name, offline=offline)
        else:
            checkpoints[shape] = open_checkpoint(make_in_cache(shape, f"{spec.name}-v{shape.vocab_rows}"))
    read = np.concatenate([tokens.ravel() for tokens in prompts.values()])
    lengths = np.ceil(read[np.isfinite(read)]).astype(np.int64)
    grid = [length for length in prompt_grid(lengths) if length <= spec.architecture.context]
    speeds = measuring.measure_speeds(list(checkpoints.values()), backend, quantization, threads, grid, rounds=ROUNDS)
    return {name: speeds[checkpoints[shape].architecture] for name, shape in shapes.items()}
