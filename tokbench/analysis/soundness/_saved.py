"""Read verdicts that were saved as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tokbench.analysis.soundness._verdict import Severity, Soundness, Verdict

FORMAT = "tokbench-check/1"
"""The form of the document; the number grows when it changes."""


class SavedVerdict(msgspec.Struct):
    """A verdict, with what its check demands."""

    check: str
    severity: Severity
    evidence: str
    example: str | None
    result: str | None
    demands: str | None


class SavedReport(msgspec.Struct):
    """All verdicts on one subject."""

    subject: str
    engine: str
    sha256: str
    verdicts: tuple[SavedVerdict, ...]


class SavedReports(msgspec.Struct):
    """The fields of the document."""

    reports: tuple[SavedReport, ...]


@dataclass(frozen=True)
class CheckedTokenizers:
    """Verdicts on tokenizers or engines; demands: what must hold, by the name of the check."""

    reports: tuple[Soundness, ...]
    demands: Mapping[str, str]


def read_checks(document: Mapping[str, Any]) -> CheckedTokenizers:
    """Return verdicts from their JSON form; ValueError with the first fault if it is not one."""
    if document.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    saved = msgspec.convert(document, SavedReports).reports
    subjects = [report.subject for report in saved]
    if not saved or len(set(subjects)) < len(subjects):
        raise ValueError("there is not one report per tokenizer")
    return CheckedTokenizers(
        tuple(
            Soundness(
                report.subject,
                report.engine,
                report.sha256,
                tuple(Verdict(v.check, v.severity, v.evidence, v.example, v.result) for v in report.verdicts),
            )
            for report in saved
        ),
        {verdict.check: verdict.demands for report in saved for verdict in report.verdicts if verdict.demands},
    )
