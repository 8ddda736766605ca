"""A corpus and its defects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokbench._shared.quantities import write_count
from tokbench.corpora import CorpusReport
from tokbench.report._document_model import Plain, Prose, Results
from tokbench.report._table import tabulate

BUNDLED = "bundled"
"""Format of the corpora that come with tokbench."""


def show(report: CorpusReport) -> Results:
    """Return sizes, findings, exclusions and omissions."""
    return Results(lambda: lay_out(report), lambda: to_document(report))


def to_document(report: CorpusReport) -> dict[str, Any]:
    """Convert the report to a JSON document."""
    return {
        "name": report.name,
        "format": report.format,
        "licence": report.licence,
        "sha256": report.sha256,
        "segments": report.segments,
        "reference": report.reference,
        "languages": report.languages.to_dicts(),
        "findings": report.findings.to_dicts(),
        "outliers": report.outliers.to_dicts(),
        "excluded": report.excluded.to_dicts(),
        "left_out": [item._asdict() for item in report.left_out],
    }


def lay_out(report: CorpusReport) -> list[Plain]:
    """Lay out facts, and a table per kind of finding, where there are any."""
    reasons = report.excluded.group_by("reason").len("segments").sort("segments", "reason", descending=[True, False])
    where = "" if report.reference is None else " from all languages"
    tables = {
        "": [{**row, "origin": write_origin(row["origin"], report.format)} for row in report.languages.to_dicts()],
        write_findings(report): report.nonzero_findings.to_dicts(),
        f"{write_count(report.excluded.height, 'segment')} excluded{where}:": reasons.to_dicts(),
        "left out:": [item._asdict() for item in report.left_out],
    }
    facts = (
        f"{report.name}: {write_size(report)}, format {report.format}, licence {report.licence or 'not stated'}",
        f"sha256 {report.sha256}",
    )
    return [Prose(facts), *(tabulate(rows, title) for title, rows in tables.items() if rows)]


def write_origin(origin: str, form: str) -> str:
    """Return where a language was read from; of a bundled corpus, only the name of the file."""
    return Path(origin).name if form == BUNDLED else origin


def write_findings(report: CorpusReport) -> str:
    """Return the title of the findings."""
    if report.reference is None:
        return "findings (length outliers need parallel text):"
    return f"findings (length outliers relative to {report.reference}):"


def write_size(report: CorpusReport) -> str:
    """Return the number of languages and segments, or of groups and segments in all."""
    segments = write_count(report.segments, "segment")
    if report.reference is None:
        return f"{write_count(report.languages.height, 'group')}, not parallel, {segments}"
    return f"{write_count(report.languages.height, 'language')} x {segments}"
