"""What a comparison found, in sentences: the fewest tokens, with a paired test, and the costliest language."""

from __future__ import annotations

import polars as pl

from tokbench._shared.quantities import write_count
from tokbench.comparison import Comparison
from tokbench.corpora import name_language
from tokbench.metrics.leads import Lead
from tokbench.report._leads import Podium, Standing
from tokbench.report._significance import write_probability

LENGTH = "tokens_per_segment"


def join(words: list[str], last: str = "and") -> str:
    """Join words as in `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def write_findings(comparison: Comparison, standing: Standing) -> list[str]:
    """Return the sentences that apply.

    standing: of columns that include the tokens over all languages.
    """
    podium = standing.podiums.get((LENGTH, None))
    if podium is None:
        return []
    lead = standing.leads.get((LENGTH, None))
    sentences = [write_lead(comparison, podium, lead)] if podium.next is not None or len(podium.best) > 1 else []
    return [*sentences, *write_costliest(comparison, podium.best[0].tokenizer)]


def write_lead(comparison: Comparison, podium: Podium, lead: Lead | None) -> str:
    """Say which tokenizer writes the fewest tokens, by how much, and whether this corpus settles it."""
    best = join([value.tokenizer for value in podium.best])
    verb = "writes" if len(podium.best) == 1 else "write"
    if podium.next is None:
        return f"{best} write the same number of tokens"
    next_best, share = podium.next.tokenizer, write_saving(podium, lead)
    if lead is None:
        return f"{best} {verb} the fewest tokens, {share} fewer than {next_best} (not tested)"
    test = write_test(comparison, lead)
    if lead.separated:
        return f"{best} {verb} the fewest tokens: {share} fewer than {next_best} ({test})"
    return (
        f"no clear winner: {best} {verb} {share} fewer tokens than {next_best}, which this text does not "
        f"settle ({test})"
    )


def write_saving(podium: Podium, lead: Lead | None) -> str:
    """Format by how much the first is below the next, with the paired interval."""
    if podium.next is None or not podium.next.value:
        return "0 %"
    ratio = podium.best[0].value / podium.next.value
    share = f"{format_saving(ratio, ratio)} %"
    if lead is None or lead.low is None or lead.high is None:
        return share
    # The ratio is best / next, so that its high end is the smallest saving.
    return f"{share} [{format_saving(lead.high, ratio)}, {format_saving(lead.low, ratio)}]"


def write_test(comparison: Comparison, lead: Lead) -> str:
    """Name the test of a lead, with p and the number of units."""
    drawn = (comparison.corpus.bootstrap or "//units").split("/")[2].split(" ")[-1]
    units = write_count(lead.units, drawn.removesuffix("s"))
    return f"{'' if lead.p is None else write_probability(lead.p) + ', '}paired test over {units}"


def format_saving(ratio: float, shown: float) -> str:
    """Format how much less than 1 a ratio is, in per cent: with a decimal if that of `shown` is below 10 %.

    >>> format_saving(0.905, 0.905), format_saving(0.85, 0.905), format_saving(0.75, 0.75), format_saving(1.02, 0.99)
    ('9.5', '15.0', '25', '-2.0')
    """
    written = f"{100 * (1 - ratio):.{1 if abs(1 - shown) < 0.0995 else 0}f}"
    return written.removeprefix("-") if float(written) == 0 else written


def write_costliest(comparison: Comparison, tokenizer: str) -> list[str]:
    """Say which language costs most with a tokenizer, relative to the reference language."""
    reference = comparison.corpus.reference
    rows = comparison.frame.filter(
        (pl.col("tokenizer") == tokenizer)
        & (pl.col("metric") == "premium")
        & pl.col("lang").is_not_null()
        & pl.col("value").is_not_null()
    ).sort("value", descending=True, maintain_order=True)
    if reference is None or rows.filter(pl.col("lang") != reference).is_empty():
        return []
    lang, value, low, high = rows.select("lang", "value", "low", "high").row(0)
    if lang == reference:
        return [f"with {tokenizer} no language costs more than {name_language(reference)}"]
    bounds = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    return [
        f"costliest language with {tokenizer}: {name_language(lang)}, {value:.2f}{bounds} times the tokens of "
        f"{name_language(reference)}"
    ]
