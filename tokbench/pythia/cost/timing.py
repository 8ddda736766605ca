"""How long the models of a comparison of costs take: estimated, or measured on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokbench.pythia.cost.checks import ANALYTIC
from tokbench.pythia.measure.probe import OnShare
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.resolution import ModelSpec
from tokbench.pythia.speed.speeds import EstimatedSpeed, Speed, find_rates, prompt_grid

if TYPE_CHECKING:
    from tokbench.pythia.formats.checkpoint import Checkpoint
    from tokbench.pythia.speed.rates import Rates

Floats = npt.NDArray[np.float64]

ROUNDS = 5

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
    on_share: OnShare,
) -> dict[str, Speed]:
    """Measure the times of each tokenizer's model on this machine.

    Measures the model itself, or one of that shape with random weights; models take turns by rounds.

    prompts: tokens read, by tokenizer.
    """
    from tokbench.pythia.formats.opening import open_checkpoint
    from tokbench.pythia.formats.random_weights import find_architecture, make_in_cache, open_or_make
    from tokbench.pythia.measure.memory_needs import check_free_memory
    from tokbench.pythia.speed import measuring

    for shape in dict.fromkeys(shapes.values()):
        if shape != spec.architecture or find_architecture(spec.name) is not None:  # files are asked once they are open
            check_free_memory(shape, backend, quantization, name=spec.name)
    checkpoints: dict[Architecture, Checkpoint] = {}
    for name, shape in shapes.items():
        on_step(f"{spec.name} with {name} ({shape.vocab_rows:,} rows) on {backend}")
        if shape not in checkpoints:
            checkpoints[shape] = (
                open_or_make(spec.name, offline=offline)
                if shape == spec.architecture
                else open_checkpoint(make_in_cache(shape, f"{spec.name}-v{shape.vocab_rows}"))
            )
    grid = choose_lengths(spec, prompts)
    models = list(checkpoints.values())
    found = measuring.measure_speeds(models, backend, quantization, threads, grid, rounds=ROUNDS, on_share=on_share)
    return {name: found[checkpoints[shape].architecture] for name, shape in shapes.items()}


def extrapolate_speeds(
    spec: ModelSpec,
    shapes: Mapping[str, Architecture],
    backend: str,
    quantization: str,
    threads: int | None,
    prompts: Mapping[str, Floats],
    on_step: Report,
    on_share: OnShare,
) -> dict[str, Speed]:
    """Extrapolate the times of each tokenizer's model from models with few of its layers, measured here.

    The layers' share is measured once, with the smallest vocabulary; all models take turns by rounds.

    prompts: tokens read, by tokenizer.
    """
    from tokbench.pythia.measure.layer_probe import plan_layers
    from tokbench.pythia.speed.measuring import probe_speeds

    distinct = list(dict.fromkeys(shapes.values()))
    layers = plan_layers(distinct, quantization)
    what = spec.name if layers is None else f"few layers of {spec.name}"
    for name, shape in shapes.items():
        on_step(f"{what} with {name} ({shape.vocab_rows:,} rows) on {backend}")
    grid = choose_lengths(spec, prompts)
    found = probe_speeds(
        spec.name, distinct, layers, backend, quantization, threads, grid, rounds=ROUNDS, on_share=on_share
    )
    return {name: found[shape] for name, shape in shapes.items()}


def choose_lengths(spec: ModelSpec, prompts: Mapping[str, Floats]) -> list[int]:
    """Choose the prompt lengths to measure: they span all prompts, up to the context.

    Only resampled prompts may be longer than the context.
    """
    read = np.concatenate([tokens.ravel() for tokens in prompts.values()])
    lengths = np.minimum(np.ceil(read[np.isfinite(read)]), spec.architecture.context).astype(np.int64)
    return list(prompt_grid(lengths))


def choose_cache_bytes(backend: str, quantization: str, rates: Sequence[Rates]) -> int:
    """Return the bytes per value of the key-value cache: those that a backend runs with, else 16 bits."""
    from tokbench.pythia.measure.ram import find_cache_bytes

    if rates:
        return find_rates(rates, None, quantization).kv_bytes_per_value
    return 2 if backend == ANALYTIC else find_cache_bytes(backend, quantization)
