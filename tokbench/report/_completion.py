"""The metrics that a report shows, computed from counts where a comparison was made without them."""

from __future__ import annotations

from dataclasses import replace

from tokbench.comparison import Comparison
from tokbench.comparison._frame import arrange
from tokbench.metrics import DEFAULT_METRICS, Mixture, Reference, evaluate
from tokbench.report._leads import read_bootstrap


def list_chosen(comparison: Comparison) -> tuple[str, ...]:
    """Return the metrics that a summary shows because the user asked for them: added ones, and all of a choice."""
    present = set(comparison.frame["metric"])
    usual = set(DEFAULT_METRICS)
    if present >= usual - {"throughput"}:
        return tuple(name for name in comparison.metrics if name in present - usual)
    return tuple(name for name in comparison.metrics if name in present)


def complete(comparison: Comparison) -> Comparison:
    """Return a comparison with all usual metrics, as far as its counts have them; speeds take texts."""
    counts, corpus = comparison.measurements, comparison.corpus
    present = set(comparison.frame["metric"])
    missing = [name for name in DEFAULT_METRICS if name not in present and name != "throughput"]
    if counts is None or not missing:
        return comparison
    values = evaluate(
        counts,
        missing,
        Reference(corpus.reference, corpus.baseline),
        read_bootstrap(comparison),
        Mixture(corpus.shares) if corpus.shares else None,
    )
    known = comparison.frame.drop("engine", "unit")
    engines = {tokenizer.name: tokenizer.engine for tokenizer in comparison.tokenizers}
    metrics = [*comparison.metrics.values()]
    return replace(comparison, frame=arrange([known, values], [], engines, metrics, corpus.languages))
