"""What decoding returns: a condition for ranking tokenizers by compression."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tokbench.adapters import EncodedBatch, Offsets, Tokenizer, TokenTable, Windows, offsets_of, view_windows
from tokbench.measurement.words import LanguageTexts


class Loss(IntEnum):
    """How much of a text a round trip loses, from nothing to text."""

    EXACT = 0
    NFC = 1
    """Equal after both are normalised to NFC."""
    WHITESPACE = 2
    """Equal after NFC, once runs of white space are collapsed and the ends stripped."""
    LOSSY = 3


def classify_loss(text: str, decoded: str) -> Loss:
    """Return the mildest class for how a decoded text differs from the original.

    >>> classify_loss("a  b", "a b").name
    'WHITESPACE'
    """
    if decoded == text:
        return Loss.EXACT
    text, decoded = unicodedata.normalize("NFC", text), unicodedata.normalize("NFC", decoded)
    if decoded == text:
        return Loss.NFC
    return Loss.WHITESPACE if decoded.split() == text.split() else Loss.LOSSY


def compare_bytes(
    batch: EncodedBatch, bounds: Offsets, table: TokenTable, expected: Windows, sizes: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Return per text whether the concatenated bytes of its ids are the text.

    bounds: byte position of each id when all are joined, and the end of the last (`TokenTable.bounds`).
    expected: the bytes of all texts, concatenated. sizes: bytes per text.
    """
    same: npt.NDArray[np.bool_] = np.diff(bounds[batch.offsets]) == sizes
    starts = bounds[:-1]
    if not same.all():
        # A text of another length has no matching position: it is unequal wherever it is compared.
        shift = offsets_of(sizes)[:-1] - bounds[batch.offsets[:-1]]
        starts = np.minimum(starts + np.repeat(shift, batch.counts), len(expected) - 1)
    wrong = table.differ(batch.indices, expected, starts)
    return same & (batch.sum_by_text(wrong) == 0) if wrong.any() else same


def join_after(prefix: bytes, encoded: Sequence[bytes]) -> bytes:
    """Concatenate texts, each preceded by the prefix."""
    return prefix + prefix.join(encoded) if encoded else b""


def classify_losses(
    tokenizer: Tokenizer, batch: EncodedBatch, bounds: Offsets, texts: LanguageTexts
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.uint8]]:
    """Return per text: (ids decode to the text, ids decode to its NFC form, `Loss`).

    Both are expected after `Tokenizer.prefix`.
    If one of the two holds, it determines the decoded text (guaranteed by `Tokenizer.prefix`); the engine decodes only
    the other texts.
    """
    concatenated, composed = np.zeros(len(batch), np.bool_), np.zeros(len(batch), np.bool_)
    prefix = tokenizer.prefix
    if prefix is not None:
        table = tokenizer.token_table()
        expected = view_windows(join_after(prefix, texts.encoded))
        concatenated = compare_bytes(batch, bounds, table, expected, texts.bytes + len(prefix))
        composing = {i: form for i in np.flatnonzero(~concatenated).tolist() if (form := texts.compose(i)) is not None}
        if composing:
            rest, forms = np.array([*composing]), [form.encode() for form in composing.values()]
            changed = batch.take(rest)
            sizes = np.fromiter(map(len, forms), np.int64, len(forms)) + len(prefix)
            expected = view_windows(join_after(prefix, forms))
            composed[rest] = compare_bytes(changed, table.bounds(changed.indices), table, expected, sizes)
    loss = np.where(composed, Loss.NFC, Loss.EXACT).astype(np.uint8)
    rest = np.flatnonzero(~concatenated & ~composed)
    if len(rest):
        for i, decoded in zip(rest, tokenizer.decode_batch(batch.take(rest)), strict=True):
            loss[i] = classify_loss(texts.texts[i], decoded)
    return concatenated, composed, loss
