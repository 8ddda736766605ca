"""Text that tokenizers lose, which makes their costs too low to compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tokbench.comparison import Comparison

Losses = Mapping[str, Mapping[str, int]]
"""Segments that lost text, by tokenizer and language; those without any are left out."""

NOT_COMPARABLE = "not comparable"
"""The verdict where a tokenizer or the baseline loses text."""


def find_losses(result: Comparison) -> Losses:
    """Return the segments that lost text, as far as it is known."""
    return {t.name: dict(t.lossy_segments) for t in result.tokenizers if t.lossy_segments}


def loses_text(losses: Losses, tokenizer: str, languages: Iterable[str]) -> bool:
    """Return whether a tokenizer loses text in any of the languages."""
    return not set(losses.get(tokenizer, ())).isdisjoint(languages)
