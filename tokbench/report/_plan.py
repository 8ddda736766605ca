"""A plan of a run on a stream."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tokbench._shared.quantities import write_count
from tokbench.measurement.plan import Plan
from tokbench.report._document_model import Facts, Plain, Points, Results
from tokbench.report._table import tabulate


def show(plan: Plan) -> Results:
    """Return what is read, how fast, and what it takes."""
    return Results(lambda: lay_out(plan), lambda: to_document(plan))


def to_document(plan: Plan) -> dict[str, Any]:
    """Convert the plan to a JSON document."""
    document = asdict(plan)
    shards, size = document.pop("sampled")
    return {**document, "sampled": {"shards": shards, "bytes": size}}


def lay_out(plan: Plan) -> list[Plain]:
    """Lay out facts, a table of the tokenizers, and the assumptions."""
    memory = "unknown" if plan.memory is None else f"{plan.memory / 2**20:,.0f} MiB"
    facts = Facts(
        (
            ("source", f"{plan.name}: {write_count(plan.files, 'file')}, {write_count(plan.shards, 'shard')}"),
            ("to read", f"{write_bytes(plan.bytes)} in storage, about {write_bytes(plan.text_bytes)} of text"),
            ("rate", f"{plan.rate:.2f} MB of text per second and core, reading alone {plan.read_rate:.1f}"),
            ("CPU time", write_hours(plan.cpu_hours)),
            ("memory", f"{memory} per worker, {plan.load_seconds:.1f} s to load the tokenizers in each"),
            ("time", f"{write_time(plan.seconds)} on {write_count(plan.workers, 'worker')} ({plan.executor})"),
        )
    )
    rows = [
        {"tokenizer": one.name, "engine": one.engine, "MB/s per core, alone": round(one.rate, 2)}
        for one in plan.tokenizers
    ]
    return [facts, tabulate(rows, ""), Points(plan.assumptions, title="assumptions:")]


def write_bytes(size: float) -> str:
    """Return a size in the largest unit of which there is at least one.

    >>> write_bytes(2_500_000_000), write_bytes(999)
    ('2.5 GB', '999 B')
    """
    for unit, factor in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} B"


def write_hours(hours: float) -> str:
    """Return CPU time in hours, or in seconds if it is short.

    >>> write_hours(12.345), write_hours(0.01)
    ('12.3 core hours', '36 core seconds')
    """
    return f"{hours:,.1f} core hours" if hours >= 1 else write_count(round(3600 * hours), "core second")


def write_time(seconds: float) -> str:
    """Return a duration in two units at most.

    >>> write_time(42), write_time(3725), write_time(200_000)
    ('42 s', '1 h 2 min', '2 d 7 h')
    """
    minutes, hours, days = seconds / 60, seconds / 3600, seconds / 86400
    if minutes < 2:
        return f"{seconds:.0f} s"
    if hours < 1:
        return f"{minutes:.0f} min"
    if days < 1:
        return f"{int(hours)} h {int(minutes) % 60} min"
    return f"{int(days)} d {int(hours) % 24} h"
