"""The stages that a text passes through on its way to ids and back."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Stage(StrEnum):
    """Where a text can be lost, in the order in which it passes through."""

    TEXT_RULE = "text rule"
    """What the tokenizer's own class does around the engine, as the catalogue says."""
    NORMALIZER = "normalizer"
    PRE_TOKENIZER = "pre-tokenizer"
    MODEL = "model"
    DECODER = "decoder"


View = Callable[[str], object]
"""What leaves a stage, for a text that enters the tokenizer."""
