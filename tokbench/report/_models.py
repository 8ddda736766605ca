"""Models, and what follows from their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokbench.pythia.model.facts import gather_facts, gather_spec_facts, list_relatives
from tokbench.pythia.model.memory import weight_table
from tokbench.pythia.model.models import look_up_model, suite
from tokbench.pythia.model.resolution import ModelSpec
from tokbench.report._document_model import Facts, Plain, Results
from tokbench.report._table import format_value, tabulate


def show_suite() -> Results:
    """Return all models, one row per model."""
    frame = suite()
    rows = frame.drop("size", "deduped", "hub_id", "licence").to_dicts()
    return Results(lambda: [tabulate(rows, formats={"learning_rate": "{:.1e}".format})], frame.to_dicts, lambda: frame)


def show_relatives() -> Results:
    """Return the models of other families, one row per model."""
    rows = list_relatives()
    hidden = ("hub_id", "source", "looked_up")
    shown = [{key: value for key, value in row.items() if key not in hidden} for row in rows]
    return Results(lambda: [tabulate(shown)], lambda: rows)


def show(spec: ModelSpec) -> Results:
    """Return a model's facts and its weights in each format; of the suite's models, also how they were trained."""
    model = look_up_model(spec.name)
    known = model is not None and model.architecture == spec.architecture  # a folder may have the name of another model
    facts = gather_facts(model) if model is not None and known else gather_spec_facts(spec)
    weights = weight_table(spec.architecture).to_dicts()
    return Results(lambda: lay_out(facts, weights), lambda: {**facts, "weights": weights})


def lay_out(facts: Mapping[str, Any], weights: list[dict[str, Any]]) -> list[Plain]:
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
    lines = tuple((name, format_fact(value)) for name, value in facts.items())
    return [Facts(lines), tabulate(rows, formats={"MiB": "{:,.1f}".format})]


def format_fact(value: Any) -> str:
    """Format a fact: thousands separators, floats to three significant digits."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else format_value(value)
