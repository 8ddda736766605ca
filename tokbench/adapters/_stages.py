"""The stages of a text on its way to ids and back."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Stage(StrEnum):
    """Where a text can be lost, in the order of processing."""

    TEXT_RULE = "text rule"
    """What the tokenizer's own class does around the engine, according to the catalogue."""
    NORMALIZER = "normalizer"
    PRE_TOKENIZER = "pre-tokenizer"
    MODEL = "model"
    DECODER = "decoder"


View = Callable[[str], object]
"""The output of a stage for a text that enters the tokenizer."""
