"""Verify an engine: equal ids on hard texts and on a sample of a corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tokbench.adapters._encoding import EncodedBatch
from tokbench.adapters._hard_texts import hard_texts, surround_tokens
from tokbench.adapters._protocol import Tokenizer
from tokbench.catalog.sources import Asset
from tokbench.corpora import Corpus
from tokbench.errors import EngineError

SAMPLE_BYTES = 200_000
"""UTF-8 bytes of the corpus on which an engine is verified, spread evenly over languages and segments."""

_SHOWN = 8
"""Ids and characters of context on each side of a mismatch."""


@dataclass(frozen=True)
class Mismatch:
    """The first mismatch of an engine: text, token, the ids of both, an excerpt."""

    text: int
    token: int
    expected: tuple[int, ...]
    got: tuple[int, ...]
    excerpt: str

    def __str__(self) -> str:
        return f"token {self.token} of text {self.text} ({self.excerpt!r}): {self.got} instead of {self.expected}"


@dataclass(frozen=True)
class Sample:
    """Texts on which engines are verified, and the UTF-8 bytes of the whole corpus."""

    texts: tuple[str, ...]
    corpus_bytes: int

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the texts: another corpus requires another verification."""
        return hashlib.sha256("\0".join(self.texts).encode()).hexdigest()


@dataclass(frozen=True)
class Verification:
    """Outcome of comparing an engine with the reference.

    `reason`: why it is not used, None if it is exact.
    """

    engine: str
    reason: str | None

    @property
    def exact(self) -> bool:
        """Whether all ids were equal."""
        return self.reason is None


def find_mismatch(expected: EncodedBatch, got: EncodedBatch, texts: Sequence[str]) -> Mismatch | None:
    """Find the first mismatch between two encodings of the same texts, or None."""
    if np.array_equal(expected.offsets, got.offsets) and np.array_equal(expected.ids, got.ids):
        return None
    for number, text in enumerate(texts):
        mine, theirs = expected[number], got[number]
        if np.array_equal(mine, theirs):
            continue
        shorter = min(len(mine), len(theirs))
        unequal = np.flatnonzero(mine[:shorter] != theirs[:shorter])
        token = int(unequal[0]) if len(unequal) else shorter
        start = int(len(text) * token / max(len(mine), 1))
        return Mismatch(
            number,
            token,
            tuple(mine[token : token + _SHOWN].tolist()),
            tuple(theirs[token : token + _SHOWN].tolist()),
            text[max(0, start - _SHOWN) : start + 2 * _SHOWN],
        )
    return None


def verify(tokenizer: Tokenizer, reference: Tokenizer, sample: Sample | None = None) -> Verification:
    """Compare a tokenizer with its reference, on a sample or on the hard texts.

    The hard texts include its own special and added tokens. If either engine fails on a text, the outcome is not exact.
    """
    if sample is None:
        texts: Sequence[str] = [*hard_texts(), *surround_tokens(reference.reserved_texts())]
        where = "the hard texts"
    else:
        texts, where = sample.texts, "the corpus"
    try:
        difference = find_mismatch(reference.encode_batch(texts), tokenizer.encode_batch(texts), texts)
    except EngineError as error:
        return Verification(tokenizer.engine, f"in {where}, it {error.fault}")
    return Verification(tokenizer.engine, None if difference is None else f"in {where}, {difference}")


def encode_hard_texts(reference: Tokenizer) -> tuple[list[str], EncodedBatch]:
    """Return the hard texts, the reference's special and added tokens among them, and its ids of each.

    Texts that the reference gives up on are left out: it defines no ids for them.
    """
    texts = [*hard_texts(), *surround_tokens(reference.reserved_texts())]
    try:
        return texts, reference.encode_batch(texts)
    except EngineError:
        kept = [text for text in texts if _is_encodable(reference, text)]
        return kept, reference.encode_batch(kept)


def _is_encodable(tokenizer: Tokenizer, text: str) -> bool:
    try:
        tokenizer.count_batch([text])
    except EngineError:
        return False
    return True


def take_sample(corpus: Corpus) -> Sample:
    """Take about `SAMPLE_BYTES` of texts, spread over languages and segments."""
    step = max(1, corpus.size // SAMPLE_BYTES)
    chosen: list[str] = []
    offset = 0
    for column in corpus.columns.values():
        # The same positions as in one list of all texts, language after language.
        if offset < column.len():
            chosen.extend(column.gather_every(step, offset))
        offset = (offset - column.len()) % step
    return Sample(tuple(chosen), corpus.size)


def hide_folders(text: str, asset: Asset) -> str:
    """Return a message without the folders of a tokenizer's files, which differ between machines."""
    for path in asset.files:
        text = text.replace(str(path), path.name)
    return text
