"""An overview of a stream."""

from __future__ import annotations

from typing import Any

from tokbench._shared.quantities import write_count
from tokbench._shared.visible_text import reveal
from tokbench.corpora import StreamReport
from tokbench.report._document_model import Plain, Prose, Results
from tokbench.report._table import tabulate


def show(report: StreamReport) -> Results:
    """Return what is known of a stream."""
    return Results(lambda: lay_out(report), lambda: to_document(report))


def to_document(report: StreamReport) -> dict[str, Any]:
    """Convert the report to a JSON document."""
    return {
        "name": report.name,
        "format": report.format,
        "files": report.files,
        "bytes": report.size or None,
        "shards": report.shards,
        "groups": report.groups.to_dicts(),
    }


def lay_out(report: StreamReport) -> list[Plain]:
    """Lay out facts, and a table of the groups with the beginning of their first texts."""
    size = f"{report.size:,} bytes" if report.size else "size unknown"
    files, shards = write_count(report.files, "file"), write_count(report.shards, "shard")
    facts = (f"{report.name}: {files}, {size}, {shards}, format {report.format}, not parallel", "not read as a whole")
    rows = [{**row, "first": reveal(row["first"] or "")} for row in report.groups.to_dicts()]
    return [Prose(facts), tabulate(rows, "")]
