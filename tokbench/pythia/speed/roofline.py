"""Estimate how long a model takes.

From effective rates fitted to timings of other models.

A prefill or decoding step takes max(FLOPs / effective FLOP/s, bytes moved / effective bandwidth). A backend has one
bandwidth, but FLOP/s per phase, because a product with the eight rows of a batch reaches a fraction of the rate of one
with the hundreds of rows of a prompt. So each estimate is based on two rates. Rates are effective: they hold for the
machine, threads and libraries they were fitted on, and say nothing about what the hardware could do.

Where a sum of four terms (`_four_terms`) estimates models that it was not fitted to better than the rates do, it takes
their place: rates in FLOP/s fail where elementwise work bounds a prefill.

The fit is least squares of ln(predicted / measured). Relative errors are exp(root mean square of it) - 1: 0.1 means
that an estimate is typically off by a factor of 1.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.errors import TokbenchError
from tokbench.pythia.measure.timings import GROUP, TIMINGS_SCHEMA, read_timings
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.work import Phase
from tokbench.pythia.speed._prediction import (
    describe_fits,
    find_error,
    find_held_out_errors,
    predict_row,
    predict_seconds,
    solve_rates,
    solve_terms,
    split_seconds,
)
from tokbench.pythia.speed.rates import Fit, Rates

__all__ = [
    "MAX_ERROR",
    "TIMINGS_SCHEMA",
    "Estimate",
    "Fit",
    "Rates",
    "Refusal",
    "fit",
    "fit_each",
    "predict",
    "predict_generation",
    "tabulate_seconds",
    "validate",
]

MAX_ERROR = 0.5
"""Relative error above which an estimate is refused: off by more than a factor of 1.5, it is of no use."""

Limit = Literal["arithmetic", "bandwidth"]


@dataclass(frozen=True)
class Estimate:
    """A computed, not measured, time.

    relative_error: typical error of such estimates.
    held_out: whether that error was found on models that the rates were not fitted to.
    limit: what bounds the time.
    """

    seconds: float
    relative_error: float
    held_out: bool
    limit: Limit


@dataclass(frozen=True)
class Refusal:
    """Why there is no estimate.

    relative_error: given if the reason is that it is too large.
    """

    reason: str
    relative_error: float | None = None


def fit(timings: pl.DataFrame, *, attention_apart: bool = False) -> Rates:
    """Fit effective rates to timings.

    Of one backend, device, quantization and number of threads.

    timings: columns as in `TIMINGS_SCHEMA`: `tokens` is the prompt S of a prefill or the context s of a step, `seconds`
        is for the whole batch.
    attention_apart: fit a third rate for attention within a prompt, for backends that run it in another type than the
        matrices.

    The least intensive decoding step counts as limited by bandwidth and the most intensive prefill as limited by
    arithmetic: that is what the rates mean, and a single kind of timing could not tell them apart. Raises TokbenchError
        for
    no timings, a mixture, a missing column, an empty field, or a time that is not above 0.
    """
    rows = read_timings(timings)
    rates, terms = solve_rates(rows, attention_apart), solve_terms(rows, attention_apart)
    by_rates = find_held_out_errors(rows, lambda some: solve_rates(some, attention_apart))
    by_terms = find_held_out_errors(rows, lambda some: solve_terms(some, attention_apart))
    # Terms replace rates where they fit better, and predict models better that they were not fitted to.
    better = {
        phase
        for phase, error in by_terms.items()
        if error < by_rates[phase] and find_error(terms, rows, phase) < find_error(rates, rows, phase)
    }
    chosen = replace(
        rates,
        prefill_terms=terms.prefill_terms if "prefill" in better else None,
        decode_terms=terms.decode_terms if "decode" in better else None,
    )
    errors = {phase: by_terms[phase] if phase in better else error for phase, error in by_rates.items()}
    return describe_fits(chosen, rows, errors)


def fit_each(timings: pl.DataFrame, *, attention_apart: bool = False) -> tuple[Rates, ...]:
    """Fit the rates of every group of timings, in order.

    A group shares backend, device, quantization and number of threads.

    Raises the same errors as `fit`.
    """
    if any(name not in timings.columns for name in GROUP) or timings.is_empty():
        read_timings(timings)
    groups = timings.partition_by(*GROUP, maintain_order=True)
    return tuple(fit(group, attention_apart=attention_apart) for group in groups)


def predict(
    rates: Rates,
    architecture: Architecture,
    phase: Phase,
    *,
    tokens: int,
    batch: int = 1,
    max_error: float = MAX_ERROR,
) -> Estimate | Refusal:
    """Estimate the seconds of a prefill or of one decoding step, for the whole batch.

    tokens: prompt length of a prefill, or context of a step.

    Refused if the phase was not timed, the error exceeds `max_error`, the batch is larger than any timed, or the tokens
    do not fit the model's context. Raises TokbenchError for no tokens or no batch.
    """
    fitted = rates.find_fit(phase)
    if fitted is None:
        return Refusal(f"there are no timings of {phase} with {rates}")
    if fitted.error > max_error:
        return Refusal(
            f"the {phase} estimates of {rates} are off by {fitted.error:.0%}, more than {max_error:.0%}", fitted.error
        )
    if batch > fitted.largest_batch:
        return Refusal(f"a batch of {batch} is larger than the largest timed in {phase}, {fitted.largest_batch}")
    if tokens > architecture.context:
        return Refusal(f"{tokens} tokens do not fit into the context of {architecture.context}")
    arithmetic, bandwidth = split_seconds(rates, architecture, phase, tokens, batch)
    return Estimate(
        seconds=predict_seconds(rates, architecture, phase, tokens, batch),
        relative_error=fitted.error,
        held_out=fitted.held_out is not None,
        limit="arithmetic" if arithmetic >= bandwidth else "bandwidth",
    )


def predict_generation(
    rates: Rates,
    architecture: Architecture,
    *,
    prompt: int,
    new_tokens: int,
    batch: int = 1,
    max_error: float = MAX_ERROR,
) -> Estimate | Refusal:
    """Estimate the seconds of generating `new_tokens` after a prefill.

    The sum of n - 1 steps.

    The first new token comes from the prefill, as in `arithmetic.generation_flops`. Refused as in `predict`; `limit` is
    that of the last step. Raises TokbenchError for an empty prompt and for no new tokens.
    """
    if prompt < 1 or new_tokens < 1:
        raise TokbenchError(
            f"cannot generate {new_tokens} tokens after a prompt of {prompt}", "both numbers must be at least 1"
        )
    end = prompt + new_tokens - 1
    last = predict(rates, architecture, "decode", tokens=end, batch=batch, max_error=max_error)
    if isinstance(last, Refusal):
        return last
    steps = (predict_seconds(rates, architecture, "decode", s, batch) for s in range(prompt + 1, end + 1))
    return replace(last, seconds=float(sum(steps)))


def tabulate_seconds(
    rates: Rates, architecture: Architecture, phase: Phase, *, tokens: int, batch: int = 1
) -> npt.NDArray[np.float64]:
    """Tabulate the seconds for every number of tokens up to `tokens`.

    Shape (tokens + 1,), from 0 tokens (no time).

    For looking up many texts: with the cumulative sum of the decoding table, n new tokens after a prompt of S take
    sum[S + n - 1] - sum[S]. Nothing is refused: call `predict` once for the longest text. Raises TokbenchError for a
    phase that was not timed.
    """
    if rates.find_fit(phase) is None:
        raise TokbenchError(f"there are no timings of {phase} with {rates}", "measure that phase first")
    return np.array(
        [0.0, *(predict_seconds(rates, architecture, phase, number, batch) for number in range(1, tokens + 1))]
    )


def validate(rates: Rates, timings: pl.DataFrame) -> pl.DataFrame:
    """Add predicted seconds, error (predicted / measured - 1) and held_out to timings.

    held_out: whether the model is not in the fit.

    Nothing is refused: this is how the error of estimates is found. A phase that was not timed gives nulls. Raises
    TokbenchError if backend, device, quantization or number of threads differ from those of the rates.
    """
    rows = read_timings(timings)
    if rows[0].group != (rates.backend, rates.device, rates.quantization, rates.threads):
        raise TokbenchError(
            f"rates of {rates} cannot be checked on timings of {rows[0].spell_group()}", "fit each separately"
        )
    predicted: list[float | None] = []
    held_out: list[bool | None] = []
    for row in rows:
        fitted = rates.find_fit(row.phase)
        predicted.append(None if fitted is None else predict_row(rates, row))
        held_out.append(None if fitted is None else row.model not in fitted.models)
    return timings.with_columns(
        pl.Series("predicted", predicted, pl.Float64), pl.Series("held_out", held_out, pl.Boolean)
    ).with_columns(error=pl.col("predicted") / pl.col("seconds") - 1)
