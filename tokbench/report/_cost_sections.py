"""Report sections on costs and on measured models, where they were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tokbench.comparison import Comparison
from tokbench.pythia.cost import Costs
from tokbench.pythia.cost.overview import compute_overview
from tokbench.pythia.measure.probe import BackendMeasurement
from tokbench.report._cost import lay_out
from tokbench.report._cost_verdict import write_assumptions, write_notes, write_verdict
from tokbench.report._document_model import Part, Points, Prose, Section, Signature
from tokbench.report._model_runs import lay_out_measurements
from tokbench.report._pythia_sections import write_costs, write_memory

MEASURED = (
    "Measured by running the models: memory, speed and load time, which depend neither on texts nor on tokenizers. "
    "tokbench cost --timings FILE estimates seconds by tokenizer and language from them; with --backend it measures "
    "them."
)


def write_cost_sections(
    costs: Mapping[str, Costs], models: Mapping[str, Sequence[BackendMeasurement]], comparison: Comparison | None = None
) -> list[Section]:
    """Return the sections on costs and on measured models, by the names of their files.

    comparison: with its counts, for the break-even of its vocabularies.
    """
    sections = [write_cost(name, found, number) for number, (name, found) in enumerate(costs.items(), start=1)]
    overview = None if comparison is None else compute_overview(comparison)
    if costs and overview is not None:
        sections += write_costs(overview)
    for number, (name, measured) in enumerate(models.items(), start=1):
        parts = (Prose((MEASURED,)), *lay_out_measurements(measured))
        sections.append(Section(f"model-{number}", f"Models, measured: {name}", parts))
    if models and overview is not None:
        sections.append(write_memory(overview))
    return sections


def write_cost(name: str, costs: Costs, number: int) -> Section:
    """Return the verdict on costs, what it assumes, their tables and notes; seconds and money where they are known."""
    parts: list[Part] = [Prose((*write_verdict(costs), write_assumptions(costs))), *lay_out(costs)]
    notes = tuple(write_notes(costs))
    if notes:
        parts.append(Points(notes))
    return Section(f"cost-{number}", f"What it costs: {name}", (*parts, Signature(costs.signature)))
