"""What exists: tokenizers, engines, metrics, corpora."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tokbench.report._document_model import Results
from tokbench.report._table import tabulate

Row = dict[str, Any]

OPTIONAL = ("algorithm", "licence", "aliases", "title", "announced", "tf32", "fp8", "note", "source")
"""What a narrow terminal leaves out, the last first."""


def show(what: str) -> Results:
    """Return a listing, one row per entry."""
    rows = LISTINGS[what]()
    peaks = dict.fromkeys(("fp32", "tf32", "fp16", "fp8", "int8", "GB/s", "GB", "W"), "{:,.4g}".format)
    formats = {"aliases": write_few, "vocabulary": "{:,}".format, **peaks}
    return Results(lambda: [tabulate(rows, optional=OPTIONAL, formats=formats)], lambda: rows)


def write_few(names: list[str], most: int = 4) -> str:
    """Write the first names of a list, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f", {more} more" if more > 0 else "")


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


def list_tokenizer_sets() -> list[Row]:
    """List the named sets of tokenizers."""
    from tokbench.catalog.entries import CATALOG
    from tokbench.catalog.sets import MARK, list_sets
    from tokbench.catalog.sources import locate

    return [
        {
            "name": f"{MARK}{name}",
            "here": sum(locate(CATALOG[member]) is not None for member in one.tokenizers),
            "about": one.about,
            "tokenizers": list(one.tokenizers) if one.tokenizers != tuple(CATALOG) else [f"all {len(CATALOG)}"],
        }
        for name, one in list_sets().items()
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
            "evidence": metric.evidence,
            "citation": metric.citation,
        }
        for metric in METRICS.values()
    ]


def list_corpora() -> list[Row]:
    """List the bundled corpora, and the public ones with where they are or how to get them."""
    from tokbench.corpora import bundled_corpora, locate_public, public_corpora, read_manifest

    rows: list[Row] = []
    for name, folder in bundled_corpora().items():
        manifest = read_manifest(folder)
        rows.append(
            {
                "name": name,
                "segments": manifest.segments,
                "languages": len(manifest.languages),
                "here": "built in",
                "licence": manifest.licence,
                "title": manifest.title,
            }
        )
    rows += [
        {
            "name": corpus.spell(part),
            "segments": part.segments,
            "languages": part.languages,
            "here": "yes" if locate_public(corpus, part) else f"not here: tokbench pull {corpus.name}",
            "licence": corpus.licence,
            "title": corpus.title,
        }
        for corpus in public_corpora().values()
        for part in corpus.parts
    ]
    return rows


def list_devices() -> list[Row]:
    """List the devices that costs can be estimated on, with their vendors' peak figures (TFLOP/s, dense)."""
    from tokbench.pythia.devices import devices
    from tokbench.report._devices import list_device_rows

    return list_device_rows(devices())


LISTINGS: Mapping[str, Callable[[], list[Row]]] = {
    "tokenizers": list_tokenizers,
    "sets": list_tokenizer_sets,
    "adapters": list_adapters,
    "metrics": list_metrics,
    "corpora": list_corpora,
    "devices": list_devices,
}


def first_line(text: str | None) -> str:
    """Return the first line of a docstring."""
    return (text or "").strip().partition("\n")[0]
