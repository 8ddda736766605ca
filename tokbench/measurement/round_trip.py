"""What decoding returns: a condition for ranking tokenizers by compression."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tokbench.adapters import EncodedBatch, Offsets, Tokenizer, TokenTable, offsets_of, sum_ranges, view_windows
from tokbench.measurement.words import LanguageTexts

BLOCK_TOKENS = 50_000
"""Approximate number of tokens compared at once."""


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


@dataclass(frozen=True, eq=False)
class Decoded:
    """What the bytes of the ids of each text are.

    exact: the text itself; composed: its NFC form; both after `Tokenizer.prefix`.
    continued: words of more than one token, of the texts where one of the two holds; 0 for the others.
    """

    exact: npt.NDArray[np.bool_]
    composed: npt.NDArray[np.bool_]
    continued: npt.NDArray[np.int64]


def compare_bytes(
    batch: EncodedBatch,
    table: TokenTable,
    prefix: bytes,
    texts: LanguageTexts,
    *,
    words: bool = True,
    ends_at: npt.NDArray[np.bool_] | None = None,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return per text whether the concatenated bytes of its ids are the text after a prefix, and its continued words.

    Continued words, those of more than one token, are 0 for a text that is not, and if words are unknown or not wanted.
    ends_at: gets a flag at each byte before which a token of such a text ends.
    The texts are compared in blocks of about `BLOCK_TOKENS`: what is calculated per token then stays in the cache.
    """
    exact = np.zeros(len(batch), np.bool_)
    continued = np.zeros(len(texts.word_bytes.starts) if words else 0, np.bool_)
    for start, end in _cut_blocks(batch.offsets):
        offsets = batch.offsets[start : end + 1]
        ids = batch.ids[offsets[0] : offsets[-1]].astype(np.intp)
        bounds = table.bounds(ids)
        own = offsets - offsets[0]
        content, begins = _join_after(prefix, texts, start, end)
        same: npt.NDArray[np.bool_] = np.diff(bounds[own]) == texts.bytes[start:end] + len(prefix)
        starts = bounds[:-1] + np.repeat(begins - bounds[own[:-1]], np.diff(own))
        expected = view_windows(content)
        if not same.all():
            # A text of another length has no matching position: it is unequal wherever it is compared.
            starts = np.minimum(starts, len(expected) - 1)
        wrong = table.differ(ids, expected, starts)
        if wrong.any():
            same &= sum_ranges(wrong, own) == 0
        exact[start:end] = same
        if len(continued) or ends_at is not None:
            shift = texts.byte_starts[start:end] - len(prefix) - bounds[own[:-1]]
            ends = bounds[1:] + np.repeat(shift, np.diff(own))
            if not same.all():
                ends = ends[np.repeat(same, np.diff(own))]
            if ends_at is not None:
                ends_at[ends] = True
            if len(continued):
                inside = ends.take(np.flatnonzero(texts.inside_words.take(ends)))
                continued[texts.word_at.take(inside)] = True
    if texts.words is None or not words:
        return exact, np.zeros(len(batch), np.int64)
    return exact, sum_ranges(continued, offsets_of(texts.words))


def _cut_blocks(offsets: Offsets) -> Iterator[tuple[int, int]]:
    """Yield ranges of texts with about `BLOCK_TOKENS` tokens each."""
    start, count = 0, len(offsets) - 1
    while start < count:
        end = int(np.searchsorted(offsets, offsets[start] + BLOCK_TOKENS))
        end = min(max(end, start + 1), count)
        yield start, end
        start = end


def _join_after(prefix: bytes, texts: LanguageTexts, start: int, end: int) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Return the bytes of some texts, each after a prefix, and where in them each prefix starts."""
    first, last = int(texts.byte_starts[start]), int(texts.byte_starts[end - 1] + texts.bytes[end - 1])
    begins = texts.byte_starts[start:end] - first
    if not prefix:
        return texts.data[first:last].tobytes(), begins
    if len(prefix) == 1:  # instead of each line feed
        content = np.empty(last - first + 1, np.uint8)
        content[1:] = texts.data[first:last]
        content[begins] = prefix[0]
        return content.tobytes(), begins
    sizes = texts.bytes[start:end]
    parts = [texts.data[at : at + size].tobytes() for at, size in zip(begins + first, sizes, strict=True)]
    return prefix + prefix.join(parts), offsets_of(sizes + len(prefix))[:-1]


def compare_texts(
    tokenizer: Tokenizer,
    batch: EncodedBatch,
    texts: LanguageTexts,
    *,
    words: bool = True,
    ends_at: npt.NDArray[np.bool_] | None = None,
) -> Decoded:
    """Compare the bytes of ids with the texts, and with their NFC forms where they differ.

    words: whether continued words are counted. ends_at: see `compare_bytes`.
    """
    exact, composed = np.zeros(len(batch), np.bool_), np.zeros(len(batch), np.bool_)
    if tokenizer.prefix is None:
        return Decoded(exact, composed, np.zeros(len(batch), np.int64))
    table = tokenizer.token_table()
    exact, continued = compare_bytes(batch, table, tokenizer.prefix, texts, words=words, ends_at=ends_at)
    if not exact.all():
        which, forms = texts.composed
        if len(which):
            equal, found = compare_bytes(batch.take(which), table, tokenizer.prefix, forms, words=words)
            equal &= ~exact[which]
            composed[which] = equal
            continued[which[equal]] = found[equal]
    return Decoded(exact, composed, continued)


def classify_losses(
    tokenizer: Tokenizer, batch: EncodedBatch, texts: LanguageTexts, decoded: Decoded
) -> npt.NDArray[np.uint8]:
    """Return the `Loss` of each text.

    If the bytes of its ids are the text or its NFC form, that determines the decoded text (guaranteed by
    `Tokenizer.prefix`); the engine decodes only the other texts.
    """
    loss = np.where(decoded.composed, Loss.NFC, Loss.EXACT).astype(np.uint8)
    rest = np.flatnonzero(~decoded.exact & ~decoded.composed)
    if len(rest):
        for i, back in zip(rest.tolist(), tokenizer.decode_batch(batch.take(rest)), strict=True):
            loss[i] = classify_loss(texts.texts[i], back)
    return loss
