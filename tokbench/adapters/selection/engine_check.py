"""An engine of one's own, as a function, checked against the reference: its contract, hard texts, a corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tokbench.adapters import LibraryTokenizer, adopt_tokenizer, load_tokenizer
from tokbench.adapters._accelerated import EngineTokenizer, find_reference_tokenizer
from tokbench.adapters._encoding import EncodedBatch
from tokbench.adapters._hard_texts import common_texts
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters.selection.verification import Mismatch, encode_hard_texts, find_mismatch
from tokbench.corpora import Corpus, load_corpus
from tokbench.errors import EngineError, TokbenchError

TokenIds: TypeAlias = "Sequence[int] | npt.NDArray[np.integer]"
Engine: TypeAlias = "Callable[[list[str]], Sequence[TokenIds] | EncodedBatch]"
"""A function from texts to one sequence of ids per text, in order."""


@dataclass(frozen=True)
class EngineCheck:
    """What came of checking a function.

    function: its name. tokenizer, reference: the tokenizer and the engine that defines its ids. texts: how many were
    compared. fault: what is wrong, None where all ids are equal. mismatch: the first unequal id, None where the fault
    is another. text: the text at fault, None where no text alone is.
    """

    function: str
    tokenizer: str
    reference: str
    texts: int
    fault: str | None = None
    mismatch: Mismatch | None = None
    text: str | None = None

    @property
    def exact(self) -> bool:
        """Whether the function keeps the contract and gives the reference's ids on every text."""
        return self.fault is None

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        if self.fault is None:
            return f"{self.function} gives the ids of {self.reference} for {self.tokenizer} on {self.texts:,} texts"
        return f"{self.function} is not exact for {self.tokenizer}: {self.fault}"


class ContractError(TokbenchError):
    """A broken contract or an unequal id."""

    def __init__(self, message: str, mismatch: Mismatch | None = None, text: str | None = None) -> None:
        super().__init__(message)
        self.mismatch = mismatch
        self.text = text


class FunctionTokenizer(EngineTokenizer):
    """A tokenizer whose ids a function gives; the reference knows the rest."""

    def __init__(self, function: Engine, reference: Tokenizer) -> None:
        name = getattr(function, "__name__", type(function).__name__)
        super().__init__(reference.asset, name, name, lambda _: reference)
        self.name = reference.name
        self.function = function

    def encode_read(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of each text; TokbenchError where the function returns something else."""
        return read_ids(self.function(list(texts)), texts, self.vocab_total)


def read_ids(result: object, texts: Sequence[str], vocab_total: int) -> EncodedBatch:
    """Read what a function returned for texts; TokbenchError where it is not one row of ids per text."""
    if not isinstance(result, EncodedBatch | Sequence | np.ndarray) or isinstance(result, str | bytes):
        raise ContractError(f"it returns {type(result).__name__}, not a sequence with the ids of each text")
    if len(result) != len(texts):
        raise ContractError(f"it returns {len(result)} sequences for {len(texts)} texts")
    return EncodedBatch.from_arrays(
        [_read_row(ids, text, vocab_total) for ids, text in zip(result, texts, strict=True)]
    )


def _read_row(ids: object, text: str, vocab_total: int) -> npt.NDArray[np.integer]:
    row = np.asarray(ids)
    if row.size == 0 and row.ndim == 1:
        return np.empty(0, np.int32)
    if row.ndim != 1 or row.dtype.kind not in "iu":
        found = f"{type(ids).__name__} of {row.ndim} dimensions and type {row.dtype}"
        raise ContractError(f"the ids of {text[:60]!r} are a {found}, not a row of integers", text=text)
    outside = row[(row < 0) | (row >= vocab_total)]
    if len(outside):
        raise ContractError(
            f"the ids of {text[:60]!r} hold {outside[0]}, which is not in 0 to {vocab_total - 1}", text=text
        )
    return row


def check_engine(
    function: Engine,
    tokenizer: str | Path | Tokenizer | LibraryTokenizer,
    corpus: Corpus | str | Path | None = None,
) -> EngineCheck:
    """Check that a function gives the ids of a tokenizer's reference engine.

    function: from a list of texts to the ids of each, as lists, integer arrays or an `EncodedBatch`. tokenizer: as
    `load_tokenizer` has it. corpus: a corpus or what `load_corpus` opens, by default the embedded one.
    Checked are, in this order: one row of integers per text; equal ids in a second call; equal ids for a text alone;
    the hard texts and the tokenizer's special tokens as text; the corpus. ValueError, RuntimeError and bare exceptions
    of the function are faults, others pass through. Raises EngineError where the reference cannot encode the corpus.
    """
    reference = _find_reference(tokenizer)
    opened = corpus if isinstance(corpus, Corpus) else load_corpus(corpus)
    segments = opened.frame["text"].to_list()
    hard, hard_ids = encode_hard_texts(reference)
    parts = [("the hard texts", hard, hard_ids), (opened.name, segments, reference.encode_batch(segments))]
    candidate = FunctionTokenizer(function, reference)
    outcome = EngineCheck(candidate.engine, reference.name, reference.engine, len(hard) + len(segments))
    try:
        encodable = set(hard)
        _check_calls(candidate, [text for text in common_texts() if text in encodable])
        for where, texts, expected in parts:
            _compare(f"in {where}", expected, candidate.encode_batch(texts), texts)
    except ContractError as fault:
        return _add_fault(outcome, fault.message, fault.mismatch, fault.text)
    except EngineError as error:
        return _add_fault(outcome, f"it {error.fault}", None, error.text)
    return outcome


def _find_reference(tokenizer: str | Path | Tokenizer | LibraryTokenizer) -> Tokenizer:
    if isinstance(tokenizer, str | Path):
        return load_tokenizer(tokenizer)
    return find_reference_tokenizer(adopt_tokenizer(tokenizer))


def _add_fault(outcome: EngineCheck, fault: str, mismatch: Mismatch | None, text: str | None) -> EngineCheck:
    return EngineCheck(outcome.function, outcome.tokenizer, outcome.reference, outcome.texts, fault, mismatch, text)


def _check_calls(candidate: FunctionTokenizer, texts: Sequence[str]) -> None:
    """Fault where ids depend on the call: on an earlier one, or on the texts beside a text."""
    candidate.encode_batch([])
    first = candidate.encode_batch(texts)
    _compare("in a second call", first, candidate.encode_batch(texts), texts)
    alone = EncodedBatch.from_arrays([candidate.encode_batch([text]).ids for text in texts])
    _compare("for a text alone", first, alone, texts)


def _compare(where: str, expected: EncodedBatch, got: EncodedBatch, texts: Sequence[str]) -> None:
    mismatch = find_mismatch(expected, got, texts)
    if mismatch is not None:
        raise ContractError(f"{where}, {mismatch}", mismatch, texts[mismatch.text])
