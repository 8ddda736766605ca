"""A tokenizer whose engine is freed after its last expected use, since several large ones take 100 to 300 MB each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tokbench._shared.process import release_freed
from tokbench.adapters._encoding import EncodedBatch, Spans, TokenTable
from tokbench.adapters._protocol import LocatingTokenizer, Tokenizer
from tokbench.adapters._single_text import SingleText
from tokbench.adapters._stages import Stage, View

Ids = npt.NDArray[np.integer]


class FreeableTokenizer(SingleText):
    """A loaded tokenizer that can be freed.

    It remembers the ids of the texts that it has encoded, its token table and its facts; for anything else, a freed one
    is loaded again.

    tokenizer: the loaded tokenizer. load: loads it again. on_free: called when it is freed.
    """

    def __init__(self, tokenizer: Tokenizer, load: Callable[[], Tokenizer], on_free: Callable[[], object]) -> None:
        self._loaded: Tokenizer | None = tokenizer
        self._load, self._on_free = load, on_free
        self._lock = threading.Lock()
        self._ids: dict[str, Ids] = {}
        self._table: TokenTable | None = None
        self.asset, self.name = tokenizer.asset, tokenizer.name
        self.engine, self.call = tokenizer.engine, tokenizer.call
        self.vocab_base, self.vocab_total = tokenizer.vocab_base, tokenizer.vocab_total
        self.unk_id, self.prefix = tokenizer.unk_id, tokenizer.prefix

    @property
    def freed(self) -> bool:
        """Whether the engine is not in memory."""
        return self._loaded is None

    def free(self) -> None:
        """Free the engine; what is remembered stays."""
        self._table = self.token_table()
        with self._lock:
            self._loaded = None
        release_freed()
        self._on_free()

    def _use(self) -> Tokenizer:
        """Return the loaded tokenizer, loading it if it was freed."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of each text, from memory if all are known."""
        if self.freed and all(text in self._ids for text in texts):
            return EncodedBatch.from_arrays([self._ids[text] for text in texts])
        return self.encode_located(texts)

    def encode_located(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the same as `encode_batch`, with spans where the engine keeps them."""
        loaded = self._use()
        batch = loaded.encode_located(texts) if isinstance(loaded, LocatingTokenizer) else loaded.encode_batch(texts)
        self._ids.update(zip(texts, batch, strict=True))
        return batch

    def encode_with_special(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of each text, the text of special tokens becoming those tokens."""
        return self._use().encode_with_special(texts)

    def count_batch(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Tokens per text."""
        return self.encode_batch(texts).counts

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Return the text of each sequence of ids."""
        return self._use().decode_batch(batch)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of one sequence of ids."""
        return self._use().decode(ids)

    def token_bytes(self, token: int) -> bytes | None:
        """Return the bytes that an id stands for, None for a special token or an unused id."""
        return self.token_table()[token]

    def token_table(self) -> TokenTable:
        """Return the bytes of all ids."""
        return self._use().token_table() if self._table is None else self._table

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Where each token lies in its text, None where the engine cannot say."""
        return self._use().spans(texts)

    def special_tokens(self) -> Mapping[int, str | None]:
        """Return the ids of special tokens and their text."""
        return self._use().special_tokens()

    def reserved_texts(self) -> tuple[str, ...]:
        """Return the texts held apart from ordinary text."""
        return self._use().reserved_texts()

    def stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the stages before decoding."""
        return self._use().stages()

    def __repr__(self) -> str:
        return f"<tokenizer {self.name}: {self.vocab_total} ids, {self.engine}>"
