"""Measure models together, as many at a time as fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.measure.measurement import BackendMeasurement
from tokbench.pythia.measure.memory_needs import read_free
from tokbench.pythia.measure.probe import OnShare, estimate_need, ignore_share, measure_together

Item = TypeVar("Item")

_OF_MEMORY = {"context", "decode_batches", "decode_contexts", "new_tokens"}
"""The sizes that memory depends on."""


def measure_groups(
    checkpoints: Sequence[Checkpoint],
    backend: str,
    quantization: str,
    threads: int | None = None,
    *,
    on_share: OnShare = ignore_share,
    **sizes: Any,
) -> tuple[BackendMeasurement, ...]:
    """Measure models in their order; those of a group take turns in every round.

    sizes: as for `measure_together`.

    Raises TokbenchError like `measure_together`.
    """
    chosen = {name: value for name, value in sizes.items() if name in _OF_MEMORY}
    needs = [estimate_need(one, backend, quantization, **chosen) for one in checkpoints]
    found: list[BackendMeasurement] = []
    for number, group in enumerate(group_by_need(checkpoints, needs, read_free(sizes.get("device", "cpu")))):
        show = partial(_show_group, len(found) / len(checkpoints), len(group) / len(checkpoints), on_share)
        measured = measure_together(group, backend, quantization, threads, on_share=show, **sizes)
        found += [replace(one, group=number) for one in measured]
    return tuple(found)


def _show_group(done: float, share: float, on_share: OnShare, part: float) -> None:
    on_share(done + share * part)


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
