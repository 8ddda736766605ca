"""Measure models together, and make speeds of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make_in_cache
from tokbench.pythia.measure.groups import measure_groups
from tokbench.pythia.measure.layer_probe import check_shape, probe_vocabularies
from tokbench.pythia.measure.memory_needs import check_free_memory
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.speed.probed import ProbedSpeed
from tokbench.pythia.speed.speeds import MeasuredSpeed, TimedSpeed

NEW_TOKENS = 32

_ONE_TEXT: dict[str, Any] = {"decode_batches": (1,), "new_tokens": NEW_TOKENS}


def measure_speeds(
    checkpoints: Sequence[Checkpoint],
    backend: str,
    quantization: str,
    threads: int | None,
    prompt_lengths: Sequence[int],
    **sizes: Any,
) -> dict[Architecture, MeasuredSpeed]:
    """Measure models of different shapes, as many together as fit into memory: these take turns in every round.

    sizes: as for `measure_together`.
    """
    found = measure_groups(
        checkpoints, backend, quantization, threads, prompt_lengths=prompt_lengths, **_ONE_TEXT, **sizes
    )
    return {measured.architecture: MeasuredSpeed(measured) for measured in found}


def probe_speeds(
    name: str,
    architectures: Sequence[Architecture],
    layers: tuple[int, int] | None,
    backend: str,
    quantization: str,
    threads: int | None,
    prompt_lengths: Sequence[int],
    **sizes: Any,
) -> dict[Architecture, TimedSpeed]:
    """Extrapolate the times of a model with different vocabularies from models with few of its layers.

    layers: as `plan_layers` returns them; None to measure the models themselves, with random weights. Other arguments
        as for `probe_vocabularies`.
    """
    if layers is not None:
        probes = probe_vocabularies(
            name,
            architectures,
            backend,
            quantization,
            threads,
            layers=layers,
            prompt_lengths=prompt_lengths,
            **_ONE_TEXT,
            **sizes,
        )
        return {probe.architecture: ProbedSpeed(probe) for probe in probes}
    for architecture in architectures:
        check_shape(name, architecture)
        check_free_memory(architecture, backend, quantization, name=name)
    checkpoints = [open_checkpoint(make_in_cache(one, f"{name}-v{one.vocab_rows}")) for one in architectures]
    return {**measure_speeds(checkpoints, backend, quantization, threads, prompt_lengths, **sizes)}
