"""Verdicts on tokenizers and engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from tokbench._shared.visible_text import reveal
from tokbench.analysis.soundness import FORMAT, Severity, Soundness, Verdict
from tokbench.report._document_model import Plain, Points, Prose, Results
from tokbench.report._table import Table, tabulate

_SHOWN = 40


def show(reports: Sequence[Soundness], titles: Mapping[str, str]) -> Results:
    """Return verdicts; titles: what each check demands, by its name."""
    return Results(
        lambda: [part for report in reports for part in lay_out(report)],
        lambda: {"format": FORMAT, "reports": [to_document(report, titles) for report in reports]},
        lambda: list_verdicts(reports),
    )


def lay_out(report: Soundness) -> list[Plain]:
    """Lay out a summary, what is not well with evidence, and the names of other checks."""
    found = [verdict for verdict in report.worst_first() if verdict.severity.rank <= Severity.NOTE.rank]
    return [
        Prose((summarize(report),)),
        *([lay_out_verdicts(found)] if found else []),
        Points(
            tuple(
                f"{severity.value}: {', '.join(v.check for v in report.verdicts if v.severity is severity)}"
                for severity in (Severity.PASSED, Severity.NOT_APPLICABLE)
                if report.count(severity)
            )
        ),
    ]


def summarize(report: Soundness) -> str:
    """Name the subject and count its verdicts."""
    nouns = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
    counts = [(report.count(severity), noun) for severity, noun in nouns.items()]
    listed = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count)
    engine = f" ({report.engine})" if report.engine else ""
    tried = len(report.verdicts) - report.count(Severity.NOT_APPLICABLE)
    passed = f"{report.count(Severity.PASSED)} of {tried} checks passed"
    return f"{report.subject}{engine}: {listed or 'nothing wrong'}; {passed}"


def lay_out_verdicts(verdicts: Sequence[Verdict]) -> Table:
    """Lay out verdicts with their evidence and example."""
    rows = [
        {"verdict": v.severity.value, "check": v.check, "evidence": v.evidence, "smallest example": write_example(v)}
        for v in verdicts
    ]
    return tabulate(rows)


def write_example(verdict: Verdict) -> str | None:
    """Write the example, with what becomes of it; None if there is none."""
    if verdict.example is None:
        return None
    shown = f'"{shorten(verdict.example)}"'
    return shown if verdict.result is None else f'{shown} -> "{shorten(verdict.result)}"'


def shorten(text: str) -> str:
    """Return the beginning of a text with everything invisible written out."""
    return reveal(text) if len(text) <= _SHOWN else f"{reveal(text[:_SHOWN])}..."


def list_verdicts(reports: Sequence[Soundness]) -> pl.DataFrame:
    """Return one row per subject and check."""
    rows = [
        {"subject": report.subject, "engine": report.engine, **asdict(verdict), "severity": verdict.severity.value}
        for report in reports
        for verdict in report.verdicts
    ]
    kinds = dict.fromkeys(("subject", "engine", "check", "severity", "evidence", "example", "result"), pl.String)
    return pl.DataFrame(rows, schema=kinds)


def to_document(report: Soundness, titles: Mapping[str, str]) -> dict[str, Any]:
    """Convert a report to a JSON document, with all verdicts."""
    return {
        "subject": report.subject,
        "engine": report.engine,
        "sha256": report.sha256,
        "counts": {severity.value: report.count(severity) for severity in Severity},
        "verdicts": [
            {**asdict(verdict), "severity": verdict.severity.value, "demands": titles.get(verdict.check)}
            for verdict in report.verdicts
        ],
    }
