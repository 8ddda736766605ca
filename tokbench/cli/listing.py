"""`tokbench list`: what exists, whether it is here, where it comes from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from tokbench.cli._options import Json

Row = dict[str, Any]


class What(StrEnum):
    """What can be listed."""

    tokenizers = "tokenizers"
    adapters = "adapters"
    metrics = "metrics"
    corpora = "corpora"


def run(
    what: Annotated[What, typer.Argument(help="What to list.")],
    as_json: Json = False,
) -> None:
    """List what exists: local availability, origin and licence."""
    rows = LISTINGS[what]()
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        typer.echo(write_rows(rows), nl=False)


def list_tokenizers() -> list[Row]:
    """List the catalogue."""
    from tokbench.catalog.entries import CATALOG
    from tokbench.catalog.sources import locate

    return [
        {
            "name": entry.name,
            "vocabulary": entry.vocab_total,
            "here": locate(entry),
            "algorithm": entry.algorithm,
            "licence": entry.licence,
            "aliases": [*entry.aliases, *entry.used_by],
        }
        for entry in CATALOG.values()
    ]


def list_adapters() -> list[Row]:
    """List the engines, and the file formats whose ids they define."""
    from tokbench.adapters import ADAPTERS

    return [
        {"name": name, "reads": sorted(adapter.REFERENCE_FOR), "about": first_line(adapter.__doc__)}
        for name, adapter in ADAPTERS.items()
    ]


def list_metrics() -> list[Row]:
    """List the metrics."""
    from tokbench.metrics import METRICS

    return [
        {
            "name": metric.name,
            "unit": metric.unit,
            "better": metric.better,
            "definition": metric.definition,
            "citation": metric.citation,
        }
        for metric in METRICS.values()
    ]


def list_corpora() -> list[Row]:
    """List the bundled corpora."""
    from tokbench.corpora import bundled_corpora, read_manifest

    rows: list[Row] = []
    for name, folder in bundled_corpora().items():
        manifest = read_manifest(folder)
        rows.append(
            {
                "name": name,
                "segments": manifest.segments,
                "languages": [language.tag for language in manifest.languages],
                "licence": manifest.licence,
                "title": manifest.title,
            }
        )
    return rows


LISTINGS: Mapping[What, Callable[[], list[Row]]] = {
    What.tokenizers: list_tokenizers,
    What.adapters: list_adapters,
    What.metrics: list_metrics,
    What.corpora: list_corpora,
}


def first_line(text: str | None) -> str:
    """Return the first line of a docstring."""
    return (text or "").strip().partition("\n")[0]


def write_rows(rows: list[Row]) -> str:
    """Format rows as aligned columns."""
    headers = list(rows[0]) if rows else []
    table = [headers] + [[write_field(row[header]) for header in headers] for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(headers))]
    return "".join(
        "  ".join(field.ljust(width) for field, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in table
    )


def write_field(value: Any) -> str:
    """Format a field: lists comma-separated, missing values as a dash."""
    if value is None or value == []:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
