"""Predict times from rates or terms, and fit both: what `roofline` is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tokbench.pythia.measure.timings import Timing
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.work import PHASES, Phase, Work, count_work
from tokbench.pythia.speed._fitting import fit_rates
from tokbench.pythia.speed._four_terms import list_terms, solve_non_negative
from tokbench.pythia.speed.rates import Fit, Rates


def count_for(rates: Rates, architecture: Architecture, phase: Phase, tokens: int, batch: int) -> Work:
    """Count the work of a prefill or a step, with the rates' type and cache."""
    quantization = find_quantization(rates.quantization)
    cache = rates.kv_bytes_per_value
    return count_work(architecture, quantization, phase, tokens=tokens, batch=batch, kv_bytes_per_value=cache)


def split_seconds(
    rates: Rates, architecture: Architecture, phase: Phase, tokens: int, batch: int
) -> tuple[float, float]:
    """Return seconds of arithmetic and of moving bytes: the larger, or if there are terms their sum, is the time."""
    work = count_for(rates, architecture, phase, tokens, batch)
    terms = rates.find_terms(phase)
    if terms is None:
        return rates.times(phase, work)
    parts = [c * a for c, a in zip(terms, list_terms(phase, architecture, work, tokens, batch), strict=True)]
    return (sum(parts), 0.0) if phase == "prefill" else (sum(parts[1:]), parts[0])


def predict_seconds(rates: Rates, architecture: Architecture, phase: Phase, tokens: int, batch: int) -> float:
    """Return the seconds of a prefill or a step."""
    parts = split_seconds(rates, architecture, phase, tokens, batch)
    return max(parts) if rates.find_terms(phase) is None else sum(parts)


def predict_row(rates: Rates, row: Timing) -> float:
    """Return the seconds of what a timing timed."""
    return predict_seconds(rates, row.architecture, row.phase, row.tokens, row.batch)


def find_held_out_errors(rows: Sequence[Timing], solve: Callable[[Sequence[Timing]], Rates]) -> dict[Phase, float]:
    """Return the error of each phase when every model is predicted from the others.

    Phases with a single model are left out.
    """
    errors: dict[Phase, list[float]] = {phase: [] for phase in PHASES}
    for model in dict.fromkeys(row.model for row in rows):
        others = [row for row in rows if row.model != model]
        if not others:
            continue
        rates = solve(others)
        timed = {row.phase for row in others}
        for row in rows:
            if row.model == model and row.phase in timed:
                errors[row.phase].append(predict_row(rates, row) / row.seconds)
    return {phase: spread(ratios) for phase, ratios in errors.items() if ratios}


def find_error(rates: Rates, rows: Sequence[Timing], phase: Phase) -> float:
    """Return the relative error on the timings of a phase."""
    return spread([predict_row(rates, row) / row.seconds for row in rows if row.phase == phase])


def spread(ratios: Sequence[float]) -> float:
    """Return the relative error of predictions.

    ratios: predictions over measured values.
    """
    return float(np.expm1(np.sqrt(np.mean(np.square(np.log(ratios))))))


def solve_rates(rows: Sequence[Timing], attention_apart: bool) -> Rates:
    """Fit rates alone."""
    solved = fit_rates([(row.phase, row.work, row.seconds) for row in rows], attention_apart)
    return Rates(*rows[0].group, rows[0].kv_bytes_per_value, *solved, fits=())


def solve_terms(rows: Sequence[Timing], attention_apart: bool) -> Rates:
    """Fit rates, and the terms of every phase that was timed."""
    terms = {}
    for phase in PHASES:
        own = [row for row in rows if row.phase == phase]
        if own:
            amounts = [list_terms(phase, row.architecture, row.work, row.tokens, row.batch) for row in own]
            terms[phase] = solve_non_negative(np.array(amounts, float), np.array([row.seconds for row in own]))
    found = {phase: tuple(map(float, coefficients)) for phase, coefficients in terms.items()}
    rates = solve_rates(rows, attention_apart)
    return replace(rates, prefill_terms=found.get("prefill"), decode_terms=found.get("decode"))


def describe_fits(rates: Rates, rows: Sequence[Timing], held_out: Mapping[Phase, float]) -> Rates:
    """Add to rates how well they fit."""
    fits = []
    for phase in PHASES:
        own = [row for row in rows if row.phase == phase]
        if own:
            fits.append(
                Fit(
                    phase=phase,
                    timings=len(own),
                    models=tuple(dict.fromkeys(row.model for row in own)),
                    largest_batch=max(row.batch for row in own),
                    held_in=find_error(rates, rows, phase),
                    held_out=held_out.get(phase),
                )
            )
    return replace(rates, fits=tuple(fits))
