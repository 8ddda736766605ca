"""What a request takes: tokens, FLOPs, seconds, cache, money, from amounts of tokens with fractions.

A mean request has fractions of tokens. What is defined for whole tokens is interpolated linearly between the whole
counts around them, which is the mean over requests of these counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from tokbench.pythia.cost.prices import Prices
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import (
    TRAINING_FACTOR,
    flops_per_token,
    kv_cache_bytes,
    request_flops,
)
from tokbench.pythia.speed.speeds import Speed, TimedSpeed

Tokens = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Counts = Callable[[Tokens, Tokens], Floats]

UNITS: Mapping[str, str] = {
    "tokens": "tokens",
    "new_tokens": "tokens",
    "flops": "FLOP",
    "prefill_seconds": "s",
    "decode_seconds": "s",
    "seconds": "s",
    "kv_bytes": "B",
    "money": "money",
    "training_flops": "FLOP",
}
"""Quantities and their units; money is in the currency of the given prices. The last is of text read in training."""

SEQUENCE = 2048
"""Tokens of a sequence in training, if the context holds them; Pythia was trained so."""

_MOST = 2**31
"""Bound of token counts, so that a pair fits one integer."""


@dataclass(frozen=True)
class Costing:
    """What the costs with one tokenizer are computed from.

    architecture: of the model with that tokenizer; None for tokens and money alone.
    speed: None without seconds.
    kv_bytes: bytes per value of the key-value cache.
    """

    architecture: Architecture | None
    speed: Speed | None
    prices: Prices
    kv_bytes: int = 2


def compute_quantities(prompts: Floats, new: Floats, costing: Costing) -> dict[str, Floats]:
    """Compute the quantities of requests, each in the shape of `prompts`.

    prompts, new: tokens read and written.
    """
    quantities = {"tokens": prompts, "new_tokens": new}
    prices, speed = costing.prices, costing.speed
    if costing.architecture is not None:
        shape = costing.architecture
        quantities["flops"] = interpolate(partial(look_up, partial(request_flops, shape)), prompts, new)
        quantities["kv_bytes"] = interpolate(
            partial(look_up, partial(count_cache, shape, costing.kv_bytes)), prompts, new
        )
    if speed is not None:
        quantities["prefill_seconds"] = interpolate(lambda read, _: speed.prefill_seconds(read), prompts, new)
        quantities["decode_seconds"] = interpolate(speed.decode_seconds, prompts, new)
        quantities["seconds"] = quantities["prefill_seconds"] + quantities["decode_seconds"]
    if prices.per_token:
        quantities["money"] = prices.price_tokens(prompts, new)
    elif prices.per_hour is not None and speed is not None:
        quantities["money"] = quantities["seconds"] * (prices.per_hour / 3600)
    return quantities


def compute_training(architecture: Architecture, rates: Floats) -> Floats:
    """Compute the FLOPs of training once on a character of text, in full sequences: 3 F(S) tokens."""
    return TRAINING_FACTOR * flops_per_token(architecture, min(SEQUENCE, architecture.context)) * rates


def draw_seconds(prompts: Floats, new: Floats, speed: TimedSpeed) -> Floats:
    """Return the seconds of mean requests from resampled rounds of the measurement: shape (draws, requests).

    prompts, new: tokens read and written, shape (requests,).
    """
    return interpolate(speed.draw_seconds, prompts, new).T


def count_cache(architecture: Architecture, bytes_per_value: int, prompt: int, new_tokens: int) -> int:
    """Count the bytes of the key-value cache after a request; the last token is not read."""
    return kv_cache_bytes(architecture, prompt + max(new_tokens - 1, 0), bytes_per_value)


def look_up(count: Callable[[int, int], int], prompts: Tokens, new: Tokens) -> Floats:
    """Compute a count per prompt and its new tokens; 0 for an empty prompt."""
    pairs = zip(prompts.tolist(), new.tolist(), strict=True)
    return np.array([count(read, written) if read else 0 for read, written in pairs], np.float64)


def interpolate(count: Counts, prompts: Floats, new: Floats) -> Floats:
    """Return counts at fractions of tokens, linear in both amounts between whole ones; NaN where they are.

    count: called once, with distinct pairs; returns a number for each, or an array.
    """
    known = np.isfinite(prompts) & np.isfinite(new)
    read, written = prompts[known], new[known]
    below, under = np.floor(read), np.floor(written)
    more, above = read - below, written - under
    shares = np.stack([(1 - more) * (1 - above), more * (1 - above), (1 - more) * above, more * above])
    corners = np.stack([_pack(below + i, under + j) for j in (0, 1) for i in (0, 1)])
    used = shares > 0
    pairs, places = np.unique(corners[used], return_inverse=True)
    if not pairs.size:
        return np.full(prompts.shape, np.nan)
    counted = np.asarray(count(pairs // _MOST, pairs % _MOST), np.float64)
    values = np.zeros((*shares.shape, *counted.shape[1:]))
    values[used] = counted[places]
    found = np.full((*prompts.shape, *counted.shape[1:]), np.nan)
    found[known] = np.einsum("ij,ij...->j...", shares, values)
    return found


def _pack(read: Floats, written: Floats) -> Tokens:
    return read.astype(np.int64) * _MOST + written.astype(np.int64)
