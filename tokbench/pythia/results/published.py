"""Published evaluations: accuracies of the suite at many training steps, and of OPT and BLOOM.

The figures are those of EleutherAI's repository of Pythia (Apache-2.0), measured with the LM Evaluation Harness of
2023. They are stored in `published.parquet` beside this module, which `benchmarks/published_results.py` makes; the
file's metadata name source, commit, licence and date.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import polars as pl

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError

SHARES = ("acc", "acc_norm")
"""Metrics that are shares; `ppl` is a perplexity."""

NORMAL = 1.959964
"""Standard errors of a 95 % interval on either side of a value."""

Step = int | Literal["last", "all"]


@dataclass(frozen=True)
class Source:
    """Where the figures come from."""

    source: str
    commit: str
    licence: str
    date: str

    def __str__(self) -> str:
        return f"{self.source} at {self.commit[:12]} ({self.licence}), read on {self.date}"


@cache
def read_table() -> pl.DataFrame:
    """Return all stored rows: model, shots, step, task, metric, value, stderr; the step is null for OPT and BLOOM."""
    with resources.as_file(resources.files("tokbench.pythia.results") / "published.parquet") as file:
        return pl.read_parquet(file)


@cache
def read_source() -> Source:
    """Return where the figures come from."""
    with resources.as_file(resources.files("tokbench.pythia.results") / "published.parquet") as file:
        facts = pl.read_parquet_metadata(file)
    return Source(**{name: facts[name] for name in Source.__dataclass_fields__})


def published_results(
    models: Sequence[str] | str | None = None,
    *,
    step: Step = "last",
    tasks: Sequence[str] | str | None = None,
    metrics: Collection[str] | None = None,
    shots: int = 0,
) -> pl.DataFrame:
    """Return published evaluations, one row per model, step, task and metric.

    models: names of the suite in any spelling, or of OPT and BLOOM (`opt-1.3b`, `bloom-7b1`); by default all.
    step: a training step, `last`, or `all`.
    tasks: by default all eight.
    metrics: `acc`, `acc_norm` and, of lambada_openai, `ppl`; by default all.
    shots: examples in the prompt, 0 or 5; OPT and BLOOM have 0 only.

    Columns: model, step (null for OPT and BLOOM), shots, task, metric, value, low, high (a 95 % interval from the
    standard error; shares stay within 0 and 1) and stderr.

    Raises TokbenchError, naming the nearest, for a model, step, task or metric without figures.

    >>> published_results("1.4b", tasks="lambada_openai", metrics=["acc"])["value"].round(3).to_list()
    [0.616]
    """
    table = read_table()
    names = None if models is None else [find_name(name) for name in list_names(models)]
    if names is not None:
        table = table.filter(pl.col("model").is_in(names))
    table = pick(pick(table, "task", list_names(tasks)), "metric", list_names(metrics))
    if shots not in (0, 5):
        raise TokbenchError(f"there are no evaluations with {shots} examples", "use 0 or 5")
    table = table.filter(pl.col("shots") == shots)
    if table.is_empty():
        raise TokbenchError(f"{', '.join(names or ())}: no evaluations with {shots} examples", "use 0")
    table = pick_step(table, step)
    if names is not None:
        order = pl.col("model").replace_strict(names, range(len(names)), return_dtype=pl.Int64)
        table = table.sort(order, maintain_order=True)
    return with_intervals(table).select("model", "step", "shots", "task", "metric", "value", "low", "high", "stderr")


def list_names(names: Collection[str] | str | None) -> list[str]:
    """Return names, each once."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names or ()))


def pick(table: pl.DataFrame, column: str, wanted: Sequence[str]) -> pl.DataFrame:
    """Keep the rows of the wanted tasks or metrics, all if none is named; TokbenchError for an unknown one."""
    known = read_table()[column].unique(maintain_order=True).to_list()
    for name in wanted:
        if name not in known:
            near = closest(name, known) or next((one for one in known if one.startswith(f"{name}_")), None)
            hint = f"did you mean {near!r}?" if near else f"choose from: {', '.join(known)}"
            raise TokbenchError(f"there are no evaluations with the {column} {name!r}", hint)
    if not wanted:
        return table
    found = table.filter(pl.col(column).is_in(wanted))
    if found.is_empty():
        raise TokbenchError(f"the tasks have no {column} {', '.join(wanted)}", "ppl is of lambada_openai alone")
    return found


def pick_step(table: pl.DataFrame, step: Step) -> pl.DataFrame:
    """Keep the rows of a step; TokbenchError, naming the nearest, if a model has none there."""
    if step == "all":
        return table
    last = pl.col("step").max().over("model")
    if step == "last":
        return table.filter(pl.col("step").is_null() | (pl.col("step") == last))
    found = table.filter(pl.col("step") == step)
    steps = table["step"].drop_nulls().unique().to_list()
    if found.is_empty():
        if not steps:
            raise TokbenchError("OPT and BLOOM were evaluated after training only", "leave out the step")
        nearest = min(steps, key=lambda one: (abs(one - step), one))
        raise TokbenchError(f"there are no evaluations at the step {step}", f"the nearest one is {nearest}")
    return found


def find_name(name: str) -> str:
    """Return the model of a name; TokbenchError for one without figures."""
    known = read_table()["model"].unique(maintain_order=True).to_list()
    folded = re.sub(r"[_ ]", "-", name.strip()).casefold().rpartition("/")[2]
    if folded in known:
        return folded
    from tokbench.pythia.model.models import find_model

    if not folded.startswith(("opt", "bloom")):
        found = find_model(name).name
        if found in known:
            return found
        raise TokbenchError(f"there are no published evaluations of {found}", f"choose from: {', '.join(known)}")
    near = closest(folded, known)
    hint = f"did you mean {near!r}?" if near else f"choose from: {', '.join(known)}"
    raise TokbenchError(f"there are no published evaluations of {name!r}", hint)


def with_intervals(table: pl.DataFrame) -> pl.DataFrame:
    """Add 95 % intervals: NORMAL standard errors on either side, shares within 0 and 1, perplexities from 1 on."""
    share = pl.col("metric").is_in(SHARES)
    low, high = (pl.col("value") + sign * NORMAL * pl.col("stderr") for sign in (-1, 1))
    return table.with_columns(
        low=pl.max_horizontal(low, pl.when(share).then(0.0).otherwise(1.0)),
        high=pl.when(share).then(pl.min_horizontal(high, 1.0)).otherwise(high),
    )
