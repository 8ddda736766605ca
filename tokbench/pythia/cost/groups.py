"""Costs of groups of texts: each group by itself, since there are no translations to relate them to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from tokbench.measurement import Measurements
from tokbench.metrics import derive_seed
from tokbench.metrics.resampling import Bootstrap
from tokbench.pythia.cost.workload import Workload
from tokbench.pythia.model.architecture import Architecture


def tabulate_groups(
    tabulate: Callable[..., pl.DataFrame],
    measurements: Measurements,
    workload: Workload,
    architectures: Mapping[str, Architecture],
    *,
    bootstrap: Bootstrap,
    **settings: Any,
) -> pl.DataFrame:
    """Tabulate the costs of each group with `tabulate`, without premiums; the order is that of parallel texts.

    tabulate, settings: `tabulate_costs`, and its other arguments.
    """
    parts = []
    for label in workload.languages:
        own = pl.col("lang") == label
        frames = {name: getattr(measurements, name).filter(own) for name in ("texts", "counts")}
        group = Workload.read(replace(measurements, **frames), (label,), workload.tokenizers)
        drawn = replace(bootstrap, seed=derive_seed(bootstrap.seed, label))
        parts.append(tabulate(group, architectures, **{**settings, "reference": label, "bootstrap": drawn}))
    nothing = [pl.lit(None, pl.Float64).alias(name) for name in ("premium", "premium_low", "premium_high")]
    rows = pl.concat(parts).with_columns(*nothing, at=pl.int_range(pl.len()))
    # The first group has every combination, in order.
    keys = ["tokenizer", "quantity", "per"]
    order = rows.select(keys).unique(maintain_order=True).with_columns(rank=pl.int_range(pl.len()))
    return rows.join(order, on=keys, how="left").sort("rank", "at").drop("rank", "at")
