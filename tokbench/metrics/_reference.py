"""The reference language and baseline tokenizer of relative metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A reference language and a baseline tokenizer; None if there is none."""

    language: str | None = None
    tokenizer: str | None = None
