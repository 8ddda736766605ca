"""Measure models together, and make speeds of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.measure._probe_process import Timer
from tokbench.pythia.measure.layer_probe import LayerProbe, probe_or_measure
from tokbench.pythia.measure.memory_needs import estimate_bytes, read_free
from tokbench.pythia.measure.probe import DECODE_CONTEXTS, measure_together
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.speed.probed import ProbedSpeed
from tokbench.pythia.speed.speeds import MeasuredSpeed, TimedSpeed

ROUNDS = 5
NEW_TOKENS = 32

Item = TypeVar("Item")


def measure_speeds(
    checkpoints: Sequence[Checkpoint],
    backend: str,
    quantization: str,
    threads: int | None,
    prompt_lengths: Sequence[int],
    *,
    rounds: int = ROUNDS,
    timer: Timer = "perf_counter",
) -> dict[Architecture, MeasuredSpeed]:
    """Measure models of different shapes, as many together as fit into memory: these take turns in every round."""
    used = max(DECODE_CONTEXTS) + NEW_TOKENS
    needs = [
        estimate_bytes(one.architecture, backend, quantization, context=one.architecture.context, used=used)
        for one in checkpoints
    ]
    speeds: dict[Architecture, MeasuredSpeed] = {}
    for group in group_by_need(list(checkpoints), needs, read_free("cpu")):
        found = measure_together(
            group,
            backend,
            quantization,
            threads,
            prompt_lengths=prompt_lengths,
            decode_batches=(1,),
            new_tokens=NEW_TOKENS,
            rounds=rounds,
            timer=timer,
        )
        speeds |= {measured.architecture: MeasuredSpeed(measured) for measured in found}
    return speeds


def probe_speed(
    name: str,
    architecture: Architecture,
    backend: str,
    quantization: str,
    threads: int | None,
    prompt_lengths: Sequence[int],
    *,
    rounds: int = ROUNDS,
    timer: Timer = "perf_counter",
) -> TimedSpeed:
    """Extrapolate a model's times from two with few of its layers; models of few layers are measured themselves."""
    found = probe_or_measure(
        name,
        architecture,
        backend,
        quantization,
        threads,
        prompt_lengths=prompt_lengths,
        decode_batches=(1,),
        new_tokens=NEW_TOKENS,
        rounds=rounds,
        timer=timer,
    )
    return ProbedSpeed(found) if isinstance(found, LayerProbe) else MeasuredSpeed(found)


def group_by_need(items: Sequence[Item], needs: Sequence[int], free: int) -> Iterator[list[Item]]:
    """Yield items in groups, in order, whose needs together are at most `free`; one that needs more is alone.

    >>> list(group_by_need("abcd", [3, 2, 9, 1], 5))
    [['a', 'b'], ['c'], ['d']]
    """
    group: list[Item] = []
    taken = 0
    for item, need in zip(items, needs, strict=True):
        if group and taken + need > free:
            yield group
            group, taken = [], 0
        group.append(item)
        taken += need
    if group:
        yield group
