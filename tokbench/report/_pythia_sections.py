"""Report sections on costs on Pythia: by language and size, what-if, memory."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from tokbench.comparison import Comparison
from tokbench.pythia.cost import OWN_TOKENIZER, cost, tabulate_what_ifs
from tokbench.pythia.cost.whatif import what_if
from tokbench.pythia.cost.workload import Workload, look_up
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import break_even_nsl, kv_cache_bytes, request_flops
from tokbench.pythia.model.memory import weight_table
from tokbench.pythia.model.models import Model, find_model, models
from tokbench.report._charts import chart_break_even, chart_dots
from tokbench.report._cost import lay_out_costs, lay_out_what_if, write_notes, write_number
from tokbench.report._document_model import Figure, Part, Points, Prose, Section
from tokbench.report._table import ABSENT, Cell, Table

MODEL, QUANTIZATION = "pythia-1.4b", "int8"
CURVES = ("70M", "410M", "1.4B", "12B")
NEW_TOKENS = 64
MOST_ROWS = 120
"""Maximum rows of the table of costs (one per tokenizer and language); larger tables are left out."""

GIB = 2**30


def sizes() -> tuple[Model, ...]:
    """Return one model of each size."""
    return tuple(model for model in models() if not model.deduped)


def write_costs(comparison: Comparison) -> list[Section]:
    """Return all cost sections.

    Some need the counts per segment and are left out without them.
    """
    sections: list[Section] = []
    if comparison.measurements is not None and all(t.vocab_total is not None for t in comparison.tokenizers):
        workload = Workload.read(comparison.measurements, comparison.corpus.languages, comparison.names)
        sections.append(write_reading(comparison, workload))
        if workload.total(comparison.names[0]):
            sections.append(write_what_if(comparison, workload))
    return [*sections, write_memory()]


def write_reading(comparison: Comparison, workload: Workload) -> Section:
    """Chart the FLOPs to read a segment: languages by model size."""
    name = OWN_TOKENIZER if OWN_TOKENIZER in comparison.names else comparison.names[0]
    rows = []
    for model in sizes():
        shape = shape_with(comparison, model, name)
        for lang in comparison.corpus.languages:
            prompts = workload.tokens[name, lang]
            flops = look_up(partial(request_flops, shape), prompts, np.ones_like(prompts))
            rows.append({"y": lang, "series": model.size, "value": float(flops.mean())})
    frame = pl.DataFrame(rows)
    table = lay_out_series(frame, f"GFLOP to read a segment, tokenizer {name}", "language", 1e-9)
    figure = Figure(
        "reading",
        f"FLOPs to read an average segment and write one token, by language and Pythia size, tokenizer {name}; "
        "computed, logarithmic scale.",
        partial(
            chart_dots,
            frame,
            y=list(comparison.corpus.languages),
            series=[model.size for model in sizes()],
            title="FLOP per segment",
        ),
        table,
    )
    return Section("reading", "Cost by language and model", (figure,))


def shape_with(comparison: Comparison, model: Model, tokenizer: str) -> Architecture:
    """Return the model with the rows that a tokenizer needs."""
    (total,) = (t.id_space for t in comparison.tokenizers if t.name == tokenizer)
    return what_if(model.architecture, total, multiple=model.vocab_multiple).changed


def lay_out_series(frame: pl.DataFrame, title: str, head: str, scale: float) -> Table:
    """Lay out rows by series."""
    series = frame["series"].unique(maintain_order=True).to_list()
    wide = frame.pivot("series", index="y", values="value", maintain_order=True)
    rows = tuple(
        (Cell(row["y"]), *(Cell(ABSENT if row[s] is None else write_number(row[s] * scale)) for s in series))
        for row in wide.iter_rows(named=True)
    )
    return Table(title, (head, *series), rows, labels=1)


def find_baseline(comparison: Comparison) -> str:
    """Return the tokenizer that others are compared with.

    Pythia's own, else the baseline, else the first.
    """
    if OWN_TOKENIZER in comparison.names:
        return OWN_TOKENIZER
    return comparison.corpus.baseline or comparison.names[0]


def write_what_if(comparison: Comparison, workload: Workload) -> Section:
    """Show the model's cost with each tokenizer, and which one pays off."""
    baseline = find_baseline(comparison)
    own = workload.total(baseline)
    points = pl.DataFrame(
        {
            "tokenizer": comparison.names,
            "rows": [t.vocab_rows or t.id_space for t in comparison.tokenizers],
            "nsl": [workload.total(name) / own for name in comparison.names],
        }
    )
    note = (
        f"Below a curve a vocabulary pays off: its shorter texts save more FLOPs than its rows cost. Tokens are "
        f"relative to {baseline}, on all texts of this corpus. Each curve is 1 at the rows of Pythia's own tokenizer. "
        "Points without a label are listed in the table."
    )
    figure = Figure("break-even", note, partial(chart_break_even, draw_curves(points), points), lay_out_points(points))
    parts: list[Part] = [figure]
    parts.append(lay_out_model(comparison, workload))
    if len(comparison.names) * len(comparison.corpus.languages) <= MOST_ROWS:
        parts += write_table(comparison, workload)
    return Section("what-if", "What if Pythia had another tokenizer", tuple(parts))


def lay_out_model(comparison: Comparison, workload: Workload) -> Table:
    """Lay out one model with each tokenizer."""
    model = find_model(MODEL)
    changes = {
        t.name: what_if(model.architecture, t.id_space, multiple=model.vocab_multiple) for t in comparison.tokenizers
    }
    return lay_out_what_if(tabulate_what_ifs(changes, workload, comparison, QUANTIZATION), MODEL, QUANTIZATION)


def write_table(comparison: Comparison, workload: Workload) -> list[Part]:
    """Tabulate costs by language, if every segment fits the model's context."""
    longest = max(int(tokens.max(initial=0)) for name in comparison.names for tokens in workload.of(name))
    context = find_model(MODEL).architecture.context
    if longest + NEW_TOKENS > context:
        return [
            Prose((f"No table of costs: the longest segment has {longest:,} tokens, the context holds {context:,}.",))
        ]
    costs = cost(comparison, model=MODEL, quantization=QUANTIZATION, new_tokens=NEW_TOKENS, offline=True)
    return [lay_out_costs(costs, "segment"), Points(tuple(write_notes(costs)))]


def draw_curves(points: pl.DataFrame) -> pl.DataFrame:
    """Compute the break-even NSL of some models.

    Over the range of vocabulary sizes compared.
    """
    top = max(int(points["rows"].to_numpy().max()), 2 * sizes()[0].architecture.vocab_rows)
    grid = np.linspace(256, top, 60).astype(int)
    return pl.DataFrame(
        [
            {"model": model.size, "rows": int(rows), "nsl": break_even_nsl(model.architecture, int(rows))}
            for model in sizes()
            if model.size in CURVES
            for rows in grid
        ]
    )


def lay_out_points(points: pl.DataFrame) -> Table:
    """Lay out each tokenizer's NSL and, by model, the NSL at which it breaks even."""
    chosen = [model for model in sizes() if model.size in CURVES]
    rows = tuple(
        (
            Cell(row["tokenizer"]),
            Cell(f"{row['rows']:,}"),
            Cell(write_number(row["nsl"])),
            *(Cell(write_number(break_even_nsl(model.architecture, row["rows"]))) for model in chosen),
        )
        for row in points.iter_rows(named=True)
    )
    headers = ("tokenizer", "V rows", "NSL", *(f"break-even on {model.size}" for model in chosen))
    return Table("NSL, and the NSL below which it pays off", headers, rows, labels=1)


def write_memory() -> Section:
    """Chart the weights in every type that runs today, and the KV cache."""
    frames = [
        weight_table(model.architecture)
        .filter("runnable")
        .select(y="quantization", series=pl.lit(model.size), value=pl.col("weight_bytes") / GIB)
        for model in sizes()
    ]
    caches = pl.DataFrame(
        {
            "y": ["KV cache, f16, full context"] * len(frames),
            "series": [model.size for model in sizes()],
            "value": [kv_cache_bytes(m.architecture, m.architecture.context) / GIB for m in sizes()],
        }
    )
    frame = pl.concat([*frames, caches])
    largest = frame.filter(pl.col("series") == sizes()[-1].size).sort("value", descending=True, maintain_order=True)
    figure = Figure(
        "memory",
        "Weights of Pythia with its own tokenizer, by quantisation type and size, and the key-value cache of one text "
        "of 2,048 tokens; computed, in GiB, logarithmic scale. Other memory that a program needs is not included.",
        partial(
            chart_dots,
            frame,
            y=largest["y"].to_list(),
            series=[model.size for model in sizes()],
            title="GiB",
        ),
        lay_out_series(frame.join(largest.select("y"), on="y", how="semi"), "GiB", "type", 1),
    )
    return Section("memory", "Memory by quantisation", (figure,))
