"""Verdicts of checks, and the report on one tokenizer or engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S")


class Severity(StrEnum):
    """How bad a verdict is, worst first."""

    ERROR = "error"
    """It contradicts its own files, loses what it declares to keep, or gives other ids for the same text."""
    WARNING = "warning"
    """It loses text or wastes ids, which may be what was wanted and should be known."""
    NOTE = "note"
    """A declared or harmless property that explains figures."""
    PASSED = "passed"
    NOT_APPLICABLE = "not applicable"
    """The tokenizer has not got what is checked."""

    @property
    def rank(self) -> int:
        """Position in the order of severity: 0 for an error."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check.

    evidence: what was found, in a sentence.
    example: the smallest text (or token) that shows it; None if there is none.
    result: what becomes of the example.
    """

    check: str
    severity: Severity
    evidence: str
    example: str | None = None
    result: str | None = None


@dataclass(frozen=True)
class Finding:
    """A verdict before it has the name of its check."""

    severity: Severity
    evidence: str
    example: str | None = None
    result: str | None = None


@dataclass(frozen=True)
class Check(Generic[S]):
    """A check: its name, what must hold, and the function that finds out."""

    name: str
    title: str
    find: Callable[[S], Finding]


@dataclass(frozen=True)
class Soundness:
    """All verdicts on one subject, in the order of the checks.

    subject: the name of the tokenizer or engine. engine, sha256: of the tokenizer; empty if it cannot be loaded.
    """

    subject: str
    engine: str
    sha256: str
    verdicts: tuple[Verdict, ...]

    def count(self, severity: Severity) -> int:
        """Count the verdicts of one severity."""
        return sum(verdict.severity is severity for verdict in self.verdicts)

    def is_at_least(self, severity: Severity) -> bool:
        """Return whether a verdict is of this severity or worse."""
        return any(verdict.severity.rank <= severity.rank for verdict in self.verdicts)

    def worst_first(self) -> tuple[Verdict, ...]:
        """Return the verdicts by severity, then in the order of the checks."""
        return tuple(sorted(self.verdicts, key=lambda verdict: verdict.severity.rank))


def passed(evidence: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(Severity.PASSED, evidence)


def not_applicable(reason: str) -> Finding:
    """Return the finding that there is nothing to check."""
    return Finding(Severity.NOT_APPLICABLE, reason)


def list_some(items: Iterable[str], most: int = 5) -> str:
    """List the first items and count the others.

    >>> list_some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    every = list(items)
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most:,} more"
