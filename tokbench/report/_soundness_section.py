"""Report sections on checks: what is not well with the tokenizers."""

from __future__ import annotations

from collections.abc import Mapping

from tokbench.analysis.soundness import CheckedTokenizers, Severity
from tokbench.report._document_model import Facts, Part, Prose, Section
from tokbench.report._findings import join
from tokbench.report._soundness import write_example
from tokbench.report._table import ABSENT, Cell, Table

SHOWN = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


def write_checks(files: Mapping[str, CheckedTokenizers]) -> list[Section]:
    """Return a section for each file."""
    return [
        Section(f"checks-{number}", f"Checks: {name}", tuple(write_parts(found)))
        for number, (name, found) in enumerate(files.items(), start=1)
    ]


def write_parts(found: CheckedTokenizers) -> list[Part]:
    """Write which tokenizers have errors, the number of verdicts, and all that are not passed, with evidence."""
    listed = lay_out_verdicts(found)
    failed = {row[2].text for row in listed.rows}
    demands = tuple((check, demand) for check, demand in found.demands.items() if check in failed)
    return [
        Prose((write_verdict(found),)),
        lay_out_counts(found),
        *([listed] if listed.rows else []),
        *([Facts(demands, "What these checks demand")] if demands else []),
    ]


def write_verdict(found: CheckedTokenizers) -> str:
    """Say which tokenizers have errors, and which have warnings only."""
    sentences = []
    worst = {report.subject: min(verdict.severity.rank for verdict in report.verdicts) for report in found.reports}
    for severity, noun in ((Severity.ERROR, "Errors"), (Severity.WARNING, "Warnings")):
        names = [name for name, rank in worst.items() if rank == severity.rank]
        if names:
            sentences.append(f"{noun}{' only' if noun == 'Warnings' else ''}: {join(names)}.")
    sound = [name for name, rank in worst.items() if rank > Severity.WARNING.rank]
    if sound:
        sentences.append(f"Neither errors nor warnings: {join(sound)}.")
    return " ".join(sentences)


def lay_out_counts(found: CheckedTokenizers) -> Table:
    """Lay out one row per tokenizer: how many checks gave each verdict."""
    rows = tuple(
        (Cell(report.subject), *(Cell(f"{report.count(severity):,}") for severity in Severity))
        for report in found.reports
    )
    headers = ("tokenizer", "errors", "warnings", "notes", "passed", "not applicable")
    return Table("verdicts", headers, rows, labels=1)


def lay_out_verdicts(found: CheckedTokenizers) -> Table:
    """Lay out what is not well: one row per verdict, the worst of each tokenizer first."""
    rows = tuple(
        (
            Cell(report.subject),
            Cell(verdict.severity.value),
            Cell(verdict.check),
            Cell(verdict.evidence),
            Cell(write_example(verdict) or ABSENT),
        )
        for report in found.reports
        for verdict in report.worst_first()
        if verdict.severity in SHOWN
    )
    headers = ("tokenizer", "verdict", "check", "evidence", "smallest example")
    return Table("errors, warnings and notes", headers, rows, labels=3, texts=frozenset({3, 4}))
