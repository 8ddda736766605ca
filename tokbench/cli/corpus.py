"""`tokbench corpus`: describe a parallel corpus and its defects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._options import Json, Languages, open_corpus

if TYPE_CHECKING:
    from tokbench.corpora import CorpusReport


def run(
    corpus: Annotated[
        str | None, typer.Argument(help="Corpus: name, file or folder.", show_default="tokbench14")
    ] = None,
    languages: Languages = None,
    as_json: Json = False,
) -> None:
    """Describe a corpus: languages, sizes, exclusions with reasons, defects, hash."""
    from tokbench.corpora import inspect_corpus

    report = inspect_corpus(open_corpus(corpus, languages))
    if as_json:
        typer.echo(json.dumps(document(report), ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(write_lines(report)))


def document(report: CorpusReport) -> dict[str, Any]:
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


def write_lines(report: CorpusReport) -> list[str]:
    """Format the report: sizes, findings, exclusions and omissions."""
    from tokbench.cli.listing import write_rows

    lines = [
        f"{report.name}: {report.languages.height} languages x {report.segments:,} segments, format {report.format}, "
        f"licence {report.licence or 'not stated'}",
        f"sha256 {report.sha256}",
        "",
        write_rows(report.languages.to_dicts()),
    ]
    found = report.nonzero_findings
    if found.height:
        lines += [f"findings (length outliers relative to {report.reference}):", write_rows(found.to_dicts())]
    if report.excluded.height:
        reasons = (
            report.excluded.group_by("reason").len("segments").sort("segments", "reason", descending=[True, False])
        )
        lines += [f"{report.excluded.height:,} segments excluded from all languages:", write_rows(reasons.to_dicts())]
    if report.left_out:
        lines += ["left out:", write_rows([item._asdict() for item in report.left_out])]
    return lines
