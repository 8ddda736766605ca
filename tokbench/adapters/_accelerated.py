"""What engines have in common that run the vocabulary of another: facts and decoding come from the reference."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tokbench.adapters._encoding import EncodedBatch, Spans, TokenTable
from tokbench.adapters._failures import Guarded
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters._single_text import SingleText
from tokbench.adapters._stages import Stage, View
from tokbench.catalog.sources import Asset

_ASTRAL = 0x10000
"""First code point beyond the Basic Multilingual Plane: four bytes in UTF-8."""


class Misread:
    """Characters beyond ASCII that an engine takes for others, such as letters of a newer version of Unicode.

    >>> Misread("17F 180E 1E6C0-1E6DE").find(["a b", "a\u180eb", "\U0001e6d0", "\u017f"]).tolist()
    [False, True, True, True]
    """

    def __init__(self, ranges: str) -> None:
        bounds = [[int(bound, 16) for bound in part.split("-")] for part in ranges.split()]
        self._search = re.compile(f"[{''.join('-'.join(map(chr, part)) for part in bounds)}]").search
        # Searching for one character, or for a byte, is many times faster than for ranges: only texts that may
        # contain one of the characters are searched.
        self._low = [chr(code) for part in bounds if part[0] < _ASTRAL for code in range(part[0], part[-1] + 1)]
        self._leads = {chr(part[0]).encode()[:1] for part in bounds if part[0] >= _ASTRAL}

    def find(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Flag the texts that contain one of the characters."""
        if not self._may_be_in("".join(texts)):
            return np.zeros(len(texts), np.bool_)
        return np.fromiter((self._may_be_in(t) and self._search(t) is not None for t in texts), np.bool_, len(texts))

    def _may_be_in(self, text: str) -> bool:
        if text.isascii():
            return False
        if any(character in text for character in self._low):
            return True
        content = text.encode(errors="surrogatepass") if self._leads else b""
        return any(lead in content for lead in self._leads)


@dataclass(frozen=True, eq=False)
class Facts:
    """What a tokenizer is, whatever engine runs it: sizes, unknown id, prefix, special tokens, the bytes of its ids."""

    vocab_base: int
    vocab_total: int
    unk_id: int | None
    prefix: bytes | None
    table: TokenTable
    special: Mapping[int, str | None] = field(default_factory=dict)
    reserved: tuple[str, ...] = ()

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Facts:
        """Return the facts of a loaded tokenizer."""
        return cls(
            vocab_base=tokenizer.vocab_base,
            vocab_total=tokenizer.vocab_total,
            unk_id=tokenizer.unk_id,
            prefix=tokenizer.prefix,
            table=tokenizer.token_table(),
            special=tokenizer.special_tokens(),
            reserved=tokenizer.reserved_texts(),
        )


class EngineTokenizer(SingleText, Guarded, ABC):
    """A tokenizer on an engine that is not its reference: it encodes, the reference does the rest.

    The reference is loaded only when something is asked that neither this engine nor known `facts` can answer, or where
    a text holds a character that the engine is known to misread.
    """

    misread: Misread | None = None
    """The characters that the engine reads otherwise than the reference: texts with one are left to it."""

    def __init__(self, asset: Asset, engine: str, call: str, load_reference: Callable[[Asset], Tokenizer]) -> None:
        self.asset = asset
        self.name = asset.name
        self.engine = engine
        self.call = call
        self._load_reference = load_reference
        self._lock = threading.Lock()
        self._reference: Tokenizer | None = None
        self._facts: Facts | None = None

    @property
    def reference(self) -> Tokenizer:
        """The same tokenizer on its reference engine, loaded when first asked for."""
        with self._lock:
            if self._reference is None:
                self._reference = self._load_reference(self.asset)
            return self._reference

    def adopt(self, known: Facts | Tokenizer) -> None:
        """Take facts that were read before, or the reference where it is loaded, instead of loading it again."""
        if isinstance(known, Facts):
            self._facts = known
        else:
            self._reference = known

    @cached_property
    def facts(self) -> Facts:
        """The facts: those adopted, else the reference's."""
        return self._facts or Facts.of(self.reference)

    @property
    def vocab_base(self) -> int:
        """Tokens of the model vocabulary."""
        return self.facts.vocab_base

    @property
    def vocab_total(self) -> int:
        """Size of the id space."""
        return self.facts.vocab_total

    @property
    def unk_id(self) -> int | None:
        """The id for unknown text, None where there is none."""
        return self.facts.unk_id

    @property
    def prefix(self) -> bytes | None:
        """What stands before a text in the bytes of its ids."""
        return self.facts.prefix

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of each text."""
        if self.misread is None:
            return self.encode_read(texts)
        flags = self.misread.find(texts)
        return self.encode_apart(texts, flags) if flags.any() else self.encode_read(texts)

    def encode_apart(self, texts: Sequence[str], misread: npt.NDArray[np.bool_]) -> EncodedBatch:
        """Return the ids of texts; those flagged as misread come from the reference."""
        own = self.encode_read([texts[i] for i in np.flatnonzero(~misread).tolist()])
        theirs = self.reference.encode_batch([texts[i] for i in np.flatnonzero(misread).tolist()])
        places = np.empty(len(texts), np.int64)
        places[~misread], places[misread] = np.arange(len(own)), np.arange(len(own), len(texts))
        return EncodedBatch.from_arrays([*own, *theirs]).take(places)

    @abstractmethod
    def encode_read(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of texts that the engine reads as the reference does."""

    def count_batch(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Tokens per text."""
        return self.encode_batch(texts).counts

    def encode_with_special(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of each text, special tokens read from it, by the reference."""
        return self.reference.encode_with_special(texts)

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Return the text of each sequence of ids, by the reference."""
        return self.reference.decode_batch(batch)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of one sequence of ids, by the reference."""
        return self.decode_batch(EncodedBatch.from_lists([ids]))[0]

    def token_bytes(self, token: int) -> bytes | None:
        """Return the bytes that an id stands for, None for a special token or an unused id."""
        return self.facts.table[token]

    def token_table(self) -> TokenTable:
        """Return the bytes of all ids, as one table of `vocab_total` rows."""
        return self.facts.table

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Where each token lies in its text, by the reference."""
        return self.reference.spans(texts)

    def special_tokens(self) -> Mapping[int, str | None]:
        """Return the ids of special tokens and their text, if it is known."""
        return self.facts.special

    def reserved_texts(self) -> tuple[str, ...]:
        """Return the texts that the vocabulary holds apart from ordinary text."""
        return self.facts.reserved

    def stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the stages before decoding, as the reference knows them."""
        return self.reference.stages()

    def __repr__(self) -> str:
        return f"<tokenizer {self.name} on {self.engine}>"


class OnEngine(EngineTokenizer):
    """A tokenizer of any adapter that is not the reference: it encodes, and what it says of the vocabulary is left out.

    So the facts of a tokenizer are the same on every engine, those of other packages included.
    """

    def __init__(self, loaded: Tokenizer, load_reference: Callable[[Asset], Tokenizer]) -> None:
        super().__init__(loaded.asset, loaded.engine, loaded.call, load_reference)
        self.loaded = loaded

    def encode_read(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of each text, by the engine."""
        return self.loaded.encode_batch(texts)

    def count_batch(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the tokens per text, by the engine."""
        return self.loaded.count_batch(texts)


def find_reference_tokenizer(tokenizer: Tokenizer) -> Tokenizer:
    """Return the tokenizer on its reference engine, which knows what no engine is asked for: how tokens are written."""
    return tokenizer.reference if isinstance(tokenizer, EngineTokenizer) else tokenizer
