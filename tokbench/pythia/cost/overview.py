"""Costs on Pythia for a report: reading by language and size, what-ifs, memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl

from tokbench.comparison import Comparison
from tokbench.pythia.cost.costs import OWN_TOKENIZER, find_baseline
from tokbench.pythia.cost.quantities import interpolate, look_up
from tokbench.pythia.cost.whatif import what_if
from tokbench.pythia.cost.workload import Workload
from tokbench.pythia.model.arithmetic import break_even_nsl, kv_cache_bytes, request_flops
from tokbench.pythia.model.memory import weight_table
from tokbench.pythia.model.models import Model, models
from tokbench.pythia.model.resolution import resolve_model

MODEL = "pythia-1.4b"
"""The model whose own tokenizer is the baseline, if it is compared."""

CURVES = ("70M", "410M", "1.4B", "12B")
"""Sizes with a break-even curve."""


@dataclass(frozen=True, eq=False)
class ReadingCosts:
    """FLOPs to read the mean segment and write one token.

    frame: lang, size, flops.
    """

    tokenizer: str
    frame: pl.DataFrame


@dataclass(frozen=True, eq=False)
class WhatIfCosts:
    """Which vocabularies would pay off on Pythia.

    baseline: the tokenizer that NSL is relative to.
    points: tokenizer, rows, nsl.
    break_even: tokenizer, size, nsl; the NSL below which a model of that size needs fewer FLOPs.
    curves: size, rows, nsl; the same over the range of vocabulary sizes compared.
    """

    baseline: str
    points: pl.DataFrame
    break_even: pl.DataFrame
    curves: pl.DataFrame


@dataclass(frozen=True, eq=False)
class CostOverview:
    """Costs on Pythia for a report; None if the comparison lacks the counts of each segment.

    weights: quantization, size, bytes; for every type that runs today.
    kv_cache: size, bytes; of a full context in f16.
    """

    reading: ReadingCosts | None
    what_ifs: WhatIfCosts | None
    weights: pl.DataFrame
    kv_cache: pl.DataFrame


def list_sizes() -> tuple[Model, ...]:
    """Return one model of each size, smallest first."""
    return tuple(model for model in models() if not model.deduped)


def compute_overview(comparison: Comparison) -> CostOverview:
    """Compute what a report on this comparison says about costs.

    Tokenizers whose vocabulary is not known, such as those of closed models, are left out.
    """
    reading = what_ifs = None
    sized = tuple(t for t in comparison.tokenizers if t.vocab_total is not None)
    measurements = comparison.measurements
    if measurements is not None and not measurements.pooled and sized:
        comparison = replace(comparison, tokenizers=sized)
        workload = Workload.read(measurements, comparison.corpus.languages, comparison.names)
        reading = compute_reading(comparison, workload)
        if workload.total(comparison.names[0]):
            what_ifs = compute_what_ifs(comparison, workload)
    sizes = list_sizes()
    weights = [
        weight_table(model.architecture)
        .filter("runnable")
        .select("quantization", size=pl.lit(model.size), bytes=pl.col("weight_bytes"))
        for model in sizes
    ]
    caches = [kv_cache_bytes(model.architecture, model.architecture.context) for model in sizes]
    kv_cache = pl.DataFrame({"size": [model.size for model in sizes], "bytes": caches})
    return CostOverview(reading, what_ifs, pl.concat(weights), kv_cache)


def compute_reading(comparison: Comparison, workload: Workload) -> ReadingCosts:
    """Compute the cost of reading the mean segment, by language and size.

    The tokenizer is Pythia's own, or the first.
    """
    tokenizer = OWN_TOKENIZER if OWN_TOKENIZER in comparison.names else comparison.names[0]
    (total,) = (t.id_space for t in comparison.tokenizers if t.name == tokenizer)
    rows = []
    for model in list_sizes():
        shape = what_if(model.architecture, total, multiple=model.vocab_multiple).changed
        for lang in comparison.corpus.languages:
            prompt = np.array([workload.tokens[tokenizer, lang].mean()])
            flops = interpolate(partial(look_up, partial(request_flops, shape)), prompt, np.ones(1))
            rows.append({"lang": lang, "size": model.size, "flops": float(flops[0])})
    return ReadingCosts(tokenizer, pl.DataFrame(rows))


def compute_what_ifs(comparison: Comparison, workload: Workload) -> WhatIfCosts:
    """Compute which tokenizers pay off, and what the vocabularies between them need to."""
    baseline = find_baseline(comparison, resolve_model(MODEL, offline=True))
    tokens = workload.total(baseline)
    points = pl.DataFrame(
        {
            "tokenizer": comparison.names,
            "rows": [t.vocab_rows or t.id_space for t in comparison.tokenizers],
            "nsl": [workload.total(name) / tokens for name in comparison.names],
        }
    )
    curved = [model for model in list_sizes() if model.size in CURVES]
    break_even = pl.DataFrame(
        [
            {"tokenizer": tokenizer, "size": model.size, "nsl": break_even_nsl(model.architecture, rows)}
            for tokenizer, rows in points.select("tokenizer", "rows").iter_rows()
            for model in curved
        ]
    )
    return WhatIfCosts(
        baseline,
        points,
        break_even,
        trace_curves(points, curved),
    )


def trace_curves(points: pl.DataFrame, curved: list[Model]) -> pl.DataFrame:
    """Compute the break-even NSL of models: size, rows, nsl.

    Over the range of vocabulary sizes compared.
    """
    top = max(int(points["rows"].to_numpy().max()), 2 * list_sizes()[0].architecture.vocab_rows)
    grid = np.linspace(256, top, 60).astype(int)
    return pl.DataFrame(
        [
            {"size": model.size, "rows": int(rows), "nsl": break_even_nsl(model.architecture, int(rows))}
            for model in curved
            for rows in grid
        ]
    )
