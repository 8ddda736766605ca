"""The Pythia models, and what follows from their shapes."""

from __future__ import annotations

from typing import Any

from tokbench.pythia.model.facts import gather_facts
from tokbench.pythia.model.memory import weight_table
from tokbench.pythia.model.models import Model, suite
from tokbench.pythia.model.quantization import find_quantization
from tokbench.report._document_model import Facts, Plain, Results
from tokbench.report._table import format_value, tabulate


def show_suite() -> Results:
    """Return all models, one row per model."""
    frame = suite()
    rows = frame.drop("size", "deduped", "hub_id", "licence").to_dicts()
    return Results(lambda: [tabulate(rows, formats={"learning_rate": "{:.1e}".format})], frame.to_dicts, lambda: frame)


def show(model: Model) -> Results:
    """Return a model's facts and its weights in each format, with the backends that run it."""
    table = weight_table(model.architecture).to_dicts()
    weights = [{**row, "runs": find_quantization(row["quantization"]).runs} for row in table]
    return Results(lambda: lay_out(model, weights), lambda: {**gather_facts(model), "weights": weights})


def lay_out(model: Model, weights: list[dict[str, Any]]) -> list[Plain]:
    """Lay out facts, then one row per weight format."""
    rows = [
        {
            "weights": row["quantization"],
            "bits": row["bits_per_weight"],
            "MiB": row["weight_bytes"] / 2**20,
            "since": row["since"],
            "until": row["until"],
            "runs": row["runs"],
        }
        for row in weights
    ]
    facts = tuple((name, format_fact(value)) for name, value in gather_facts(model).items())
    return [Facts(facts), tabulate(rows, formats={"MiB": "{:,.1f}".format})]


def format_fact(value: Any) -> str:
    """Format a fact: thousands separators, floats to three significant digits."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else format_value(value)
