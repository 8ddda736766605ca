"""What a report shows besides comparisons, from files that were given with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tokbench.comparison import Comparison
from tokbench.report._document_model import Section

if TYPE_CHECKING:
    from tokbench.analysis.robustness import Robustness
    from tokbench.analysis.soundness import CheckedTokenizers
    from tokbench.pythia.cost import Costs
    from tokbench.pythia.measure.probe import BackendMeasurement


@dataclass(frozen=True)
class Addenda:
    """Results of other commands, by the names of their files.

    costs: of `cost`. models: of `model measure`. robustness: of `robust`. checks: of `check`.
    """

    costs: Mapping[str, Costs] = field(default_factory=dict)
    models: Mapping[str, Sequence[BackendMeasurement]] = field(default_factory=dict)
    robustness: Mapping[str, Robustness] = field(default_factory=dict)
    checks: Mapping[str, CheckedTokenizers] = field(default_factory=dict)


# Imported where they are needed: few reports have such sections, and what they import takes a tenth of a second.


def write_analyses(addenda: Addenda) -> list[Section]:
    """Return the sections on robustness and checks that were asked for."""
    sections: list[Section] = []
    if addenda.robustness:
        from tokbench.report._robustness_section import write_robustness

        sections += write_robustness(addenda.robustness)
    if addenda.checks:
        from tokbench.report._soundness_section import write_checks

        sections += write_checks(addenda.checks)
    return sections


def write_models(addenda: Addenda, comparison: Comparison | None = None) -> list[Section]:
    """Return the sections on costs and measured models that were asked for.

    comparison: with its counts, for the break-even of its vocabularies.
    """
    if not addenda.costs and not addenda.models:
        return []
    from tokbench.report._cost_sections import write_cost_sections

    return write_cost_sections(addenda.costs, addenda.models, comparison)
