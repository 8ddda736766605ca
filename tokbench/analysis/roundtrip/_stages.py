"""Classify lost text, and find the stage of the tokenizer that loses it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum

from tokbench.adapters import Stage, Tokenizer, find_reference_tokenizer
from tokbench.adapters.huggingface import HuggingFaceTokenizer

SPACE_MARKER = "\u2581"


class TextClass(StrEnum):
    """The kind of text that does not come back."""

    UNKNOWN = "unknown characters"
    WHITESPACE = "white space"
    CANONICAL = "canonical normalisation"
    COMPATIBILITY = "compatibility normalisation"
    CASE = "letter case"
    DIACRITICS = "diacritics"
    CONTROL = "control and other invisible characters"
    """General category C: control, format, private use, unassigned."""
    SPECIAL = "special-token text"
    NOTATION = "text in the vocabulary's own notation"
    OTHER = "other text"


def find_stage(tokenizer: Tokenizer, text: str, decoded: str) -> Stage:
    """Return the first stage after which the text and its decoded form are identical.

    The model, if it maps part of the text to the unknown id; the decoder, if even the ids differ: they still held what
    the decoder did not return.
    """
    if has_unknown(tokenizer, text):
        return Stage.MODEL
    for stage, view in tokenizer.stages():
        if view(text) == view(decoded):
            return stage
    return Stage.DECODER


def has_unknown(tokenizer: Tokenizer, text: str) -> bool:
    """Return whether the text encodes to the unknown id."""
    return tokenizer.unk_id is not None and tokenizer.unk_id in tokenizer.encode_batch([text]).ids


def strip_diacritics(text: str) -> str:
    """Fold case and remove the combining marks of the canonical decomposition."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")


def classify_text(tokenizer: Tokenizer, text: str, decoded: str, notations: Sequence[str]) -> TextClass:
    """Return the first class of text that explains a loss.

    The loss is that of a minimal failing string.

    notations: the texts of the tokenizer's special tokens.
    """
    if has_unknown(tokenizer, text):
        return TextClass.UNKNOWN
    lost, gained = Counter(text) - Counter(decoded), Counter(decoded) - Counter(text)
    written = _class_of_notation(text, lost, notations, find_markers(tokenizer))
    if written is not None:
        return written
    spaces = all(c.isspace() for c in lost + gained)
    for fold, kind in FOLDS:
        if spaces and kind is not TextClass.CANONICAL:
            return TextClass.WHITESPACE
        if fold(text) == fold(decoded):
            return kind
    if all(unicodedata.category(c)[0] == "C" for c in lost) and all(c.isspace() for c in gained):
        return TextClass.CONTROL
    return TextClass.OTHER


FOLDS: tuple[tuple[Callable[[str], str], TextClass], ...] = (
    (lambda text: unicodedata.normalize("NFC", text), TextClass.CANONICAL),
    (lambda text: unicodedata.normalize("NFKC", text), TextClass.COMPATIBILITY),
    (str.casefold, TextClass.CASE),
    (strip_diacritics, TextClass.DIACRITICS),
)
"""Functions that make two texts equal, and the class of the loss if they do."""


def find_markers(tokenizer: Tokenizer) -> tuple[str, ...]:
    """Return what the tokenizer writes for a space."""
    reference = find_reference_tokenizer(tokenizer)
    return reference.notation.spaces if isinstance(reference, HuggingFaceTokenizer) else (SPACE_MARKER,)


def _class_of_notation(
    text: str, lost: Counter[str], notations: Sequence[str], markers: Sequence[str]
) -> TextClass | None:
    if any(marker in text and marker[0] in lost for marker in markers):
        return TextClass.NOTATION
    bracketed = text.startswith("<") and text.endswith(">")  # part of a family: <|blank_0|> of <|blank_80|>
    return TextClass.SPECIAL if bracketed or any(notation in text for notation in notations) else None
