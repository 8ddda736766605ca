"""Published evaluations, and accuracies beside costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import polars as pl

from tokbench.pythia.results.published import NORMAL, Source
from tokbench.pythia.results.quality import QUANTITIES, Quantity, Request
from tokbench.report._cost import write_number
from tokbench.report._document_model import Figure, Plain, Prose, Results, Signature
from tokbench.report._quality_chart import chart_quality
from tokbench.report._table import ABSENT, Cell, Table

GIB = 2**30
TITLES: Mapping[Quantity, str] = {
    "flops": "GFLOP",
    "ram": "RAM, GiB",
    "seconds": "seconds",
    "money": "money",
}


def show_results(frame: pl.DataFrame, source: Source) -> Results:
    """Return evaluations: of one model in full, of several the accuracies side by side."""
    single = frame.select("model", "step").unique().height == 1

    def lay_out() -> list[Plain]:
        return [lay_out_single(frame) if single else lay_out_several(frame), *write_notes(source)]

    return Results(lay_out, lambda: {"source": asdict(source), "results": frame.to_dicts()}, lambda: frame)


def lay_out_single(frame: pl.DataFrame) -> Table:
    """Lay out each task and metric of one model at one step, with intervals."""
    first = frame.row(0, named=True)
    rows = tuple((Cell(row["task"]), Cell(row["metric"]), *write_value(row)) for row in frame.iter_rows(named=True))
    title = f"{first['model']}{name_step(first)}, {first['shots']} examples in the prompt"
    return Table(title, ("task", "metric", "value", "low", "high"), rows, labels=2)


def write_value(row: Mapping[str, Any]) -> list[Cell]:
    """Write a value and its interval: shares to three decimals, perplexities to four digits."""
    write: Callable[[float], str] = "{:,.4g}".format if row["metric"] == "ppl" else "{:.3f}".format
    return [Cell(write(row[name])) for name in ("value", "low", "high")]


def lay_out_several(frame: pl.DataFrame) -> Table:
    """Lay out one row per model and step, one column per task, with half the width of intervals."""
    kept = frame.filter(pl.col("metric") == pick_metric(frame))
    tasks = kept["task"].unique(maintain_order=True).to_list()
    found = {(row["model"], row["step"], row["task"]): row for row in kept.iter_rows(named=True)}
    keys = kept.select("model", "step").unique(maintain_order=True).rows()
    rows = tuple(
        (
            Cell(model),
            Cell(ABSENT if step is None else f"{step:,}"),
            *(Cell(write_half(found.get((model, step, task)))) for task in tasks),
        )
        for model, step in keys
    )
    title = f"{kept['metric'][0]}, {kept['shots'][0]} examples in the prompt; \u00b1: half of the 95 % interval"
    return Table(title, ("model", "step", *tasks), rows, labels=1)


def pick_metric(frame: pl.DataFrame) -> str:
    """Return the metric of a table with one value per task: the accuracy, if it is there."""
    metrics = frame["metric"].unique(maintain_order=True).to_list()
    return "acc" if "acc" in metrics else str(metrics[0])


def write_half(row: Mapping[str, Any] | None) -> str:
    """Write a value with half of its interval."""
    if row is None:
        return ABSENT
    half = NORMAL * row["stderr"]
    if row["metric"] == "ppl":
        return f"{row['value']:,.4g} \u00b1{half:,.2g}"
    return f"{row['value']:.3f} \u00b1{half:.3f}"


def name_step(row: Mapping[str, Any]) -> str:
    """Name the step of a row of the suite."""
    return "" if row["step"] is None else f", step {row['step']:,}"


def write_notes(source: Source) -> list[Plain]:
    """Say what the figures are, and where they come from."""
    return [
        Prose(("published, not measured here; 95 % intervals from the standard errors over the questions of a task",)),
        Signature(str(source)),
    ]


def show_quality(
    frame: pl.DataFrame, against: Quantity, request: Request, speed: str | None, source: Source
) -> Results:
    """Return accuracies beside costs, with a chart for pages.

    frame: of `join_costs`.
    speed: what seconds are based on; None without seconds.
    """
    described = describe_request(request)
    kept = frame.filter(pl.col("metric") == pick_metric(frame))
    title = f"{kept['metric'][0]} and what a request costs: {described}"
    note = "FLOPs and RAM are computed: weights and cache, without the memory of the backend itself"
    notes = (note, *((f"seconds: {speed}",) if speed else ()))

    def draw() -> list[Figure]:
        unit = request.currency or "units of money"
        axis = {"flops": "FLOPs", "ram": "GiB", "seconds": "seconds", "money": unit}[against]
        caption = f"Accuracy against {axis} per request ({described}), logarithmic; lines: 95 % intervals."
        return [Figure("quality", caption, partial(chart_quality, kept, against, axis), lay_out_quality(kept, title))]

    return Results(
        lambda: [lay_out_quality(kept, title), Prose(notes), *write_notes(source)],
        lambda: {"source": asdict(source), "request": asdict(request), "speed": speed, "results": kept.to_dicts()},
        lambda: kept,
        draw,
    )


def describe_request(request: Request) -> str:
    """Describe a request on one line."""
    return f"{request.prompt_tokens:,} tokens read, {request.new_tokens:,} written, weights in {request.quantization}"


def lay_out_quality(frame: pl.DataFrame, title: str) -> Table:
    """Lay out one row per model, step and task, with the costs that are known."""
    shown = [name for name in QUANTITIES if frame[name].null_count() < frame.height]
    rows = tuple(
        (
            Cell(row["model"]),
            Cell(row["task"]),
            Cell(ABSENT if row["step"] is None else f"{row['step']:,}"),
            Cell(write_half(row)),
            *(Cell(write_cost(row[name], name)) for name in shown),
        )
        for row in frame.iter_rows(named=True)
    )
    headers = ("model", "task", "step", frame["metric"][0], *(TITLES[name] for name in shown))
    return Table(title, headers, rows, labels=2)


def write_cost(value: float, quantity: Quantity) -> str:
    """Write a cost: FLOPs in GFLOP, bytes in GiB."""
    return write_number(value / {"flops": 1e9, "ram": GIB}.get(quantity, 1))
