"""Costs of texts on a model, and where the time of one request goes."""

from __future__ import annotations

from typing import Any

from tokbench.pythia.cost import Costs
from tokbench.pythia.cost.request_trace import STAGES, RequestTrace
from tokbench.report._cost import lay_out
from tokbench.report._cost_verdict import write_assumptions, write_notes, write_verdict
from tokbench.report._document_model import Plain, Points, Prose, Results, Signature
from tokbench.report._table import tabulate


def show(costs: Costs) -> Results:
    """Return the verdict on costs, what it assumes, tables, notes and signature."""

    def write_parts() -> list[Plain]:
        opening = Prose((*write_verdict(costs), write_assumptions(costs)))
        return [opening, *lay_out(costs), Points(tuple(write_notes(costs))), Signature(costs.signature)]

    return Results(write_parts, lambda: write_document(costs), lambda: costs.frame)


def write_document(costs: Costs) -> dict[str, Any]:
    """Return the JSON document, with the sentences of the tables."""
    return {**costs.to_document(), "verdict": write_verdict(costs), "assumptions": write_assumptions(costs)}


def show_trace(found: RequestTrace, facts: str, size: int) -> Results:
    """Return the stages of a request of `size` bytes, with their seconds and shares."""
    rows = [{"stage": stage, "seconds": found.seconds[stage], "share": found.share(stage)} for stage in STAGES]
    rows.append({"stage": "whole", "seconds": found.wall, "share": 1 - found.unaccounted})
    formats = {"seconds": "{:.6f}".format, "share": lambda share: f"{100 * share:.3f} %"}
    sentence = f"{facts}; {size:,} bytes, {found.tokens:,} tokens, {found.new_tokens:,} new tokens"

    return Results(lambda: [Prose((sentence,)), tabulate(rows, formats=formats)], lambda: rows)
