"""How long the models of a comparison of costs take: estimated, or measured on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.resolution import ModelSpec
from tokbench.pythia.speed.speeds import EstimatedSpeed, MeasuredSpeed, Speed, find_rates, prompt_grid

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

    Measures the model itself, or one of that shape with random weights.

    prompts: tokens read, by tokenizer.
    """
    from tokbench.pythia.formats.opening import open_checkpoint
    from tokbench.pythia.formats.random_weights import make_in_cache, open_or_make
    from tokbench.pythia.measure.probe import measure_backend

    speeds: dict[str, Speed] = {}
    done: dict[int, Speed] = {}
    for name, shape in shapes.items():
        on_step(f"{spec.name} with {name} ({shape.vocab_rows:,} rows) on {backend}")
        if shape.vocab_rows not in done:
            if shape == spec.architecture:
                checkpoint = open_or_make(spec.name, offline=offline)
            else:
                checkpoint = open_checkpoint(make_in_cache(shape, f"{spec.name}-v{shape.vocab_rows}"))
            alike = [other for other, changed in shapes.items() if changed == shape]
            read = np.concatenate([prompts[other].ravel() for other in alike])
            lengths = np.ceil(read[np.isfinite(read)]).astype(np.int64)
            grid = [length for length in prompt_grid(lengths) if length <= shape.context]
            measured = measure_backend(
                checkpoint,
                backend,
                quantization,
                threads,
                prompt_lengths=grid,
                decode_batches=(1,),
                new_tokens=32,
                rounds=ROUNDS,
            )
            done[shape.vocab_rows] = MeasuredSpeed(measured)
        speeds[name] = done[shape.vocab_rows]
    return speeds
