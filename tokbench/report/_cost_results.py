"""Costs of texts on a model, and where the time of one request goes."""

from __future__ import annotations

from tokbench.pythia.cost import Costs
from tokbench.pythia.cost.request_trace import STAGES, RequestTrace
from tokbench.report._cost import lay_out, write_notes
from tokbench.report._document_model import Points, Prose, Results, Signature
from tokbench.report._table import tabulate


def show(costs: Costs) -> Results:
    """Return tables of costs, with notes and signature."""
    notes = Points(tuple(write_notes(costs)))
    return Results(lambda: [*lay_out(costs), notes, Signature(costs.signature)], costs.to_document, lambda: costs.frame)


def show_trace(found: RequestTrace, facts: str, size: int) -> Results:
    """Return the stages of a request of `size` bytes, with their seconds and shares."""
    rows = [{"stage": stage, "seconds": found.seconds[stage], "share": found.share(stage)} for stage in STAGES]
    rows.append({"stage": "whole", "seconds": found.wall, "share": 1 - found.unaccounted})
    formats = {"seconds": "{:.6f}".format, "share": lambda share: f"{100 * share:.3f} %"}
    sentence = f"{facts}; {size:,} bytes, {found.tokens:,} tokens, {found.new_tokens:,} new tokens"

    return Results(lambda: [Prose((sentence,)), tabulate(rows, formats=formats)], lambda: rows)
