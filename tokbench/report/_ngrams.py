"""N-grams of ids as a table for each language."""

from __future__ import annotations

from tokbench.analysis.ngrams import NgramReport
from tokbench.report._document_model import Plain, Prose, Results
from tokbench.report._table import tabulate

_TITLES = {
    "entropy_1": "H1",
    "entropy_2": "H2 - H1",
    "entropy_3": "H3 - H2",
    "accessors_by_types": "accessors (types)",
    "accessors_by_tokens": "accessors (tokens)",
    "ids_stable": "ids stable",
}


def show(found: NgramReport) -> Results:
    """Return the tables and, as a document, all rows."""
    head = {"corpus": found.corpus, "orders": found.orders, "seed": found.seed}
    return Results(lambda: lay_out(found), lambda: {**head, "rows": found.rows.to_dicts()}, lambda: found.rows)


def lay_out(found: NgramReport) -> list[Plain]:
    """Lay out a table per language."""
    parts: list[Plain] = []
    for (lang, sampled), rows in found.rows.group_by("lang", "sampled", maintain_order=True):
        table = [
            {"tokenizer": row["tokenizer"], **{title: row[name] for name, title in _TITLES.items()}}
            for row in rows.iter_rows(named=True)
        ]
        formats = dict.fromkeys(_TITLES.values(), format_value) | {"ids stable": format_share}
        parts.append(tabulate(table, f"{lang}: entropies of {sampled:,} tokens, in bits", formats=formats))
    orders = f"mean over {found.orders} random orders of the segments (seed {found.seed})"
    return [*parts, Prose((f"{found.corpus}; {orders}",))]


def format_value(value: float) -> str:
    """Format an entropy with three decimals."""
    return f"{value:.3f}"


def format_share(value: float) -> str:
    """Format a share in percent, 100 % only if it is exactly 1."""
    return f"{100 * value:.1f} %" if value == 1 or value < 0.9995 else "99.9 %"
