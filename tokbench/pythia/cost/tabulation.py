"""Costs as a table with intervals, and what one tokenizer costs relative to another.

Both are computed from the same arrays: a relative cost is the ratio of two values of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.metrics.resampling import divide
from tokbench.pythia.cost.amounts import Amounts
from tokbench.pythia.cost.losses import NOT_COMPARABLE, Losses, loses_text
from tokbench.pythia.cost.mixtures import mix, weigh_requests, weigh_text
from tokbench.pythia.cost.prices import DAYS_PER_MONTH
from tokbench.pythia.cost.quantities import UNITS, Costing, compute_quantities, compute_training
from tokbench.pythia.cost.request import Request
from tokbench.pythia.cost.spread import Interval, Spread, draw_spread, join_intervals

Floats = npt.NDArray[np.float64]

COST_SCHEMA = {
    "tokenizer": pl.String(),
    "lang": pl.String(),
    "quantity": pl.String(),
    "per": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "premium": pl.Float64(),
    "premium_low": pl.Float64(),
    "premium_high": pl.Float64(),
    "measured_low": pl.Float64(),
    "measured_high": pl.Float64(),
    "unit": pl.String(),
    "basis": pl.String(),
    "n": pl.Int64(),
}

RELATIVE_SCHEMA = {
    "tokenizer": pl.String(),
    "lang": pl.String(),
    "use": pl.String(),
    "quantity": pl.String(),
    "relative": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "verdict": pl.String(),
}

MILLION = "1000000 characters"
TRAINING = "training_flops"


@dataclass(frozen=True, eq=False)
class Computed:
    """All quantities of all tokenizers.

    request: by tokenizer and quantity, (1 + resamples, languages + 1): the last column is over all languages.
    million: the same per million characters of the reference language's text.
    spread: of the seconds in the first rows of `request`, by tokenizer; without those that were not measured.
    bases: `measured`, `estimated`, ... of the seconds, by tokenizer.
    """

    amounts: Amounts
    request: Mapping[str, Mapping[str, Floats]]
    million: Mapping[str, Mapping[str, Floats]]
    spread: Mapping[str, Spread]
    bases: Mapping[str, str]
    per_hour: float | None

    def is_timed(self, quantity: str) -> bool:
        """Return whether a quantity follows from the seconds alone."""
        return quantity == "seconds" or (quantity == "money" and self.per_hour is not None)


def compute(
    amounts: Amounts, request: Request, costings: Mapping[str, Costing], shares: Mapping[str, float]
) -> Computed:
    """Compute all quantities.

    costings: by tokenizer.
    shares: of a mixture, of the requests when serving and of the bytes when training; empty for equal ones.
    """
    chars = amounts.request_chars(request)
    serving, training = weigh_requests(amounts, shares), weigh_text(amounts, shares)
    requests: dict[str, dict[str, Floats]] = {}
    million: dict[str, dict[str, Floats]] = {}
    spread: dict[str, Spread] = {}
    for name, costing in costings.items():
        rates = amounts.tokens[name]
        read, written = request.count(chars, rates)
        found = compute_quantities(read, written, costing)
        requests[name] = {quantity: join(values, serving) for quantity, values in found.items()}
        million[name] = {
            quantity: join(values / chars * 1e6, serving)
            for quantity, values in found.items()
            if quantity != "kv_bytes"
        }
        if costing.architecture is not None:
            million[name][TRAINING] = join(compute_training(costing.architecture, rates) * 1e6, training)
        drawn = draw_spread(read[0], written[0], costing, serving, amounts.level)
        if drawn is not None:
            spread[name] = drawn
    bases = {name: costing.speed.basis for name, costing in costings.items() if costing.speed is not None}
    (per_hour,) = {costing.prices.per_hour for costing in costings.values()}
    return Computed(amounts, requests, million, spread, bases, per_hour)


def join(values: Floats, weights: Floats) -> Floats:
    """Append the column over all languages."""
    return np.hstack([values, mix(values, weights[: len(values)])])


def tabulate_costs(computed: Computed, costings: Mapping[str, Costing]) -> pl.DataFrame:
    """Tabulate the costs of all tokenizers and languages, in the columns of `COST_SCHEMA`.

    lang: null for the mean over all languages, or the mixture; absent for a single language.
    low, high: percentiles of a paired bootstrap over documents or segments.
    premium: relative to the same text in the reference language; null for groups and over all languages. Its interval
        is of the texts, and of the measurement where the quantity was measured.
    measured_low, measured_high: interval of the measurement, for the text as counted.
    """
    frames = []
    for name, costing in costings.items():
        factors = {"request": 1.0, "1000 requests": 1000.0}
        if costing.prices.requests_per_day is not None:
            factors["month"] = float(costing.prices.requests_per_day * DAYS_PER_MONTH)
        for quantity in UNITS:
            for per, factor in factors.items():
                if quantity in computed.request[name] and fits(quantity, per):
                    frames.append(describe(computed, name, quantity, per, factor))
            if quantity in computed.million[name]:
                frames.append(describe(computed, name, quantity, MILLION, 1.0))
    return pl.concat(frames).select(pl.col(name).cast(kind) for name, kind in COST_SCHEMA.items())


def fits(quantity: str, per: str) -> bool:
    """Return whether a quantity is given per so many requests."""
    return per == "request" or quantity == "money" or (per == "1000 requests" and quantity != "kv_bytes")


def describe(computed: Computed, name: str, quantity: str, per: str, factor: float) -> pl.DataFrame:
    """Tabulate one quantity of a tokenizer in all languages."""
    amounts = computed.amounts
    values = (computed.million if per == MILLION else computed.request)[name][quantity] * factor
    low, high = amounts.interval(values)
    spread = computed.spread.get(name) if computed.is_timed(quantity) else None
    premiums = relate_languages(amounts, values, spread)
    undefined = np.full(values.shape[1], np.nan)
    bounds = (undefined, undefined)
    if spread is not None and per != MILLION:
        scale = factor if quantity == "seconds" else factor * (computed.per_hour or 0) / 3600
        low_measured, high_measured = spread.interval()
        bounds = (low_measured * scale, high_measured * scale)
    timed = UNITS[quantity] == "s" or computed.is_timed(quantity)
    frame = pl.DataFrame(
        {
            "lang": [*amounts.languages, None],
            "value": values[0],
            "low": low,
            "high": high,
            **dict(zip(("premium", "premium_low", "premium_high"), premiums, strict=True)),
            "measured_low": bounds[0],
            "measured_high": bounds[1],
            "n": [*amounts.segments, sum(amounts.segments)],
        }
    )
    basis = "counted" if quantity in ("tokens", "new_tokens") else computed.bases[name] if timed else "computed"
    described = frame.with_columns(
        pl.col(pl.Float64).fill_nan(None),
        tokenizer=pl.lit(name),
        quantity=pl.lit(quantity),
        per=pl.lit(per),
        unit=pl.lit(UNITS[quantity]),
        basis=pl.lit(basis),
    )
    return described if len(amounts.languages) > 1 else described.head(1)


def relate_languages(amounts: Amounts, values: Floats, spread: Spread | None) -> tuple[Floats, Floats, Floats]:
    """Return the premiums over the reference with their intervals; NaN for groups and over all languages."""
    if amounts.reference is None:
        undefined = np.full(values.shape[1], np.nan)
        return undefined, undefined, undefined
    column = amounts.languages.index(amounts.reference)
    premiums = divide(values, values[:, [column]])
    premiums[:, -1] = np.nan
    interval = amounts.interval(premiums)
    if spread is not None:
        interval = join_intervals(premiums[0], interval, spread.relate_languages(column))
    return (premiums[0], *interval)


def tabulate_relative(computed: Computed, baseline: str, losses: Losses, shares: Mapping[str, float]) -> pl.DataFrame:
    """Tabulate what each tokenizer costs relative to the baseline, in the columns of `RELATIVE_SCHEMA`.

    use: `serving` for requests, `training` for text that is trained on.
    relative: ratio of the values in the table of costs.
    low, high: by the paired bootstrap; of what was measured, joined with the interval of the measurement.
    verdict: `cheaper` or `dearer` if the interval excludes 1, `equal` if all resamples are, else `unclear`;
        `not comparable` where one of both loses text.

    shares: of a mixture, by language; empty for all languages.
    """
    languages: list[str | None] = [*computed.amounts.languages]
    if len(languages) > 1:
        languages.append(None)
    mixed = shares or computed.amounts.languages
    lost = {
        (name, lang): loses_text(losses, name, mixed if lang is None else (lang,))
        for name in computed.request
        for lang in languages
    }
    rows = []
    for name in computed.request:
        for use, by_tokenizer in (("serving", computed.request), ("training", computed.million)):
            for quantity, values in by_tokenizer[name].items():
                wanted = (
                    (quantity == TRAINING) if use == "training" else quantity in ("tokens", "flops", "seconds", "money")
                )
                others = by_tokenizer[baseline].get(quantity)
                if not wanted or others is None:
                    continue
                ratios = divide(values, others)
                low, high = find_interval(computed, name, baseline, quantity, ratios)
                rows += [
                    {
                        "tokenizer": name,
                        "lang": lang,
                        "use": use,
                        "quantity": "flops" if quantity == TRAINING else quantity,
                        "relative": ratios[0, i],
                        "low": low[i],
                        "high": high[i],
                        "verdict": NOT_COMPARABLE
                        if name != baseline and (lost[name, lang] or lost[baseline, lang])
                        else judge(ratios[:, i], low[i], high[i]),
                    }
                    for i, lang in enumerate(languages)
                ]
    return pl.DataFrame(rows, schema=RELATIVE_SCHEMA).with_columns(pl.col(pl.Float64).fill_nan(None))


def find_interval(computed: Computed, name: str, baseline: str, quantity: str, ratios: Floats) -> Interval:
    """Return bounds of ratios to the baseline: of the texts, and of the measurement where both were measured."""
    interval = computed.amounts.interval(ratios)
    spreads = [computed.spread.get(tokenizer) for tokenizer in (name, baseline)]
    if computed.is_timed(quantity) and spreads[0] is not None and spreads[1] is not None:
        return join_intervals(ratios[0], interval, spreads[0].relate_to(spreads[1]))
    return interval


def judge(ratios: Floats, low: float, high: float) -> str | None:
    """Say whether a cost is below that of the baseline; see `tabulate_relative`. None without an interval."""
    if (ratios == 1).all() and low == high:
        return "equal"
    if not low <= high:
        return None
    return "cheaper" if high < 1 else "dearer" if low > 1 else "unclear"
