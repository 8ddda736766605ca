"""What comes back when a tokenizer decodes what it encoded: the gate before any ranking by compression."""

from __future__ import annotations

import unicodedata
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tokbench.adapters import EncodedBatch, Tokenizer
from tokbench.words import LanguageTexts


class Loss(IntEnum):
    """How a text came back, from nothing lost to text lost."""

    EXACT = 0
    NFC = 1
    """Equal once both are in Unicode's normal form C."""
    WHITESPACE = 2
    """Equal after NFC once each run of white space is one space and the edges are stripped."""
    LOSSY = 3


def classify_loss(text: str, decoded: str) -> Loss:
    """The mildest class that explains how a decoded text differs from the original.

    >>> classify_loss("a  b", "a b").name
    'WHITESPACE'
    """
    if decoded == text:
        return Loss.EXACT
    text, decoded = unicodedata.normalize("NFC", text), unicodedata.normalize("NFC", decoded)
    if decoded == text:
        return Loss.NFC
    return Loss.WHITESPACE if decoded.split() == text.split() else Loss.LOSSY


def classify_losses(
    tokenizer: Tokenizer, batch: EncodedBatch, texts: LanguageTexts
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint8]]:
    """For each text: do the bytes of its ids, concatenated, give prefix + text; and its `Loss`.

    Where they do, decoding is exact (`Tokenizer.prefix` promises it); the engine decodes the others.
    """
    concatenated = np.zeros(len(batch), np.bool_)
    if tokenizer.prefix is not None:
        table = tokenizer.token_table()
        joined = table.concatenate(batch.ids).tobytes()
        ends = np.concatenate([[0], np.cumsum(table.lengths[batch.ids])])[batch.offsets]
        known = batch.sum_by_text(~table.known[batch.ids]) == 0
        for i, text in enumerate(texts.encoded):
            concatenated[i] = known[i] and joined[ends[i] : ends[i + 1]] == tokenizer.prefix + text
    loss = np.zeros(len(batch), np.uint8)
    rest = np.flatnonzero(~concatenated)
    if len(rest):
        chosen = EncodedBatch.from_arrays([batch[int(i)] for i in rest])
        for i, decoded in zip(rest, tokenizer.decode_batch(chosen), strict=True):
            loss[i] = classify_loss(texts.texts[i], decoded)
    return concatenated, loss
