"""What relative metrics are relative to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A language and a tokenizer; None where nothing is relative to one."""

    language: str | None = None
    tokenizer: str | None = None
