"""How far a long task is: its phases, each with an end that is known when it starts."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told how far a task is, from any thread. Amounts are in the unit of the phase: bytes, tokenizers, rounds."""

    def start(self, phase: str, total: int) -> None:
        """Begin a phase, which ends when `total` is reached; phases may overlap."""
        ...

    def advance(self, phase: str, amount: int = 1, what: str = "") -> None:
        """Add to what is done in a phase; `what` names the part."""
        ...

    def finish(self, phase: str) -> None:
        """End a phase, part of which may have been left out."""
        ...


class NoProgress:
    """Shows nothing."""

    def start(self, phase: str, total: int) -> None:
        """Ignore the phase."""

    def advance(self, phase: str, amount: int = 1, what: str = "") -> None:
        """Ignore what is done."""

    def finish(self, phase: str) -> None:
        """Ignore the end."""


def ignore_metric() -> None:
    """Show nothing after a metric."""


NO_PROGRESS = NoProgress()

LOADING, COUNTING, SPEED, INTERVALS = "loading", "counting", "speed", "intervals"
"""The phases of a comparison: in tokenizers, bytes of text, rounds of one tokenizer, and metrics."""

EXAMINING = "examining"
"""The phase of a card after its comparison: in analyses."""
