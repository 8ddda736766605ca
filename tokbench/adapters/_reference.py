"""What the adapters have in common: facts of the files, text rules, the token table."""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

from tokbench.adapters._chatglm import restore_chatglm, substitute_chatglm
from tokbench.adapters._encoding import EncodedBatch, Spans, TokenTable
from tokbench.adapters._failures import Guarded
from tokbench.adapters._single_text import SingleText
from tokbench.adapters._stages import Stage, View
from tokbench.catalog.ids import MOST_IDS
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

_LEAST_PART = 0.9  # of the tokens that the catalogue says; its numbers may count added tokens

TextRule = Callable[[str], str]

NORMALIZERS: Mapping[str, TextRule] = {
    "NFC": partial(unicodedata.normalize, "NFC"),
    "NFKC": partial(unicodedata.normalize, "NFKC"),
}


def text_rules(asset: Asset) -> tuple[TextRule | None, TextRule | None]:
    """Find what a text needs before encoding and after decoding that the files do not say.

    None where there is nothing to do. The rules come from the catalogue.
    """
    entry = asset.entry
    if entry is None:
        return None, None
    if entry.wrapper == "chatglm-6b":
        return substitute_chatglm, restore_chatglm
    if entry.wrapper is not None:
        raise TokbenchError(f"{entry.name}: no wrapper is called {entry.wrapper!r}", "correct the catalogue")
    if entry.normalizer is None:
        return None, None
    if entry.normalizer not in NORMALIZERS:
        raise TokbenchError(f"{entry.name}: no normalizer is called {entry.normalizer!r}", "correct the catalogue")
    return NORMALIZERS[entry.normalizer], None


def check_format(asset: Asset, adapter: str, reads: Collection[str]) -> None:
    """TokbenchError where an adapter that was asked for cannot read a file of this format."""
    if asset.format not in reads:
        raise TokbenchError(
            f"the adapter {adapter} does not read {asset.name}, which is of the format {asset.format}",
            f"it reads: {', '.join(sorted(reads))}",
        )


def refuse(asset: Asset, library: str, reason: str) -> TokbenchError:
    """Build the error that says why an engine cannot run these files."""
    return TokbenchError(f"{asset.files[0]}: {library} cannot run it ({reason})", "use its reference engine")


def label_asset(asset: Asset) -> str:
    """Return what an error names: the path of the main file, the name of a tokenizer without files."""
    return str(asset.files[0]) if asset.files else asset.name


def check_id_space(asset: Asset, highest: int) -> None:
    """TokbenchError where an id is too high for what is kept of each id."""
    if highest >= MOST_IDS:
        raise TokbenchError(
            f"{label_asset(asset)}: the highest id is {highest:,}, but ids must be from 0 to {MOST_IDS - 1:,}",
            "number its tokens from 0 on",
        )


def check_download(asset: Asset, base: int) -> None:
    """TokbenchError where a file without a known hash has far fewer tokens than the catalogue says.

    The hub and its mirrors may serve anything under a name; what is accepted once is recorded.
    """
    entry = asset.entry
    if not asset.unrecorded or entry is None:
        return
    expected = entry.vocab_base or entry.vocab_total or entry.vocab_rows or 0
    if base < _LEAST_PART * expected:
        raise TokbenchError(
            f"{asset.files[0]} holds {base:,} tokens, {entry.name} has {expected:,}: it is another tokenizer",
            "delete it and try again, or give its path to use it as it is",
        )


class LoadedTokenizer(SingleText, Guarded, ABC):
    """The common part of the adapters: an asset, an engine's name, and what follows from the token table."""

    def __init__(self, asset: Asset, library: str, call: str, *, base: int, total: int) -> None:
        self.asset = asset
        self.name = asset.name
        self.engine = f"{library}=={version(library)}" if library != "tokbench" else "tokbench"
        self.call = call
        self.counted_base = base
        entry = asset.entry
        if entry and entry.vocab_total is not None and base > entry.vocab_total:
            raise TokbenchError(
                f"{asset.files[0]} holds {base} tokens, {entry.name} has {entry.vocab_total} in all: it is another one",
                "give the path of the file to use it as it is",
            )
        check_download(asset, base)
        self.vocab_base = entry.vocab_base if entry and entry.vocab_base is not None else base
        self.vocab_total = entry.vocab_total if entry and entry.vocab_total is not None else total
        check_id_space(asset, self.vocab_total - 1)
        self.unk_id: int | None = None
        self.prefix: bytes | None = b""
        self.before, self.after = text_rules(asset)

    def prepare(self, texts: Sequence[str]) -> Sequence[str]:
        """Return texts as the engine is to see them."""
        return texts if self.before is None else [self.before(text) for text in texts]

    def restore(self, texts: list[str]) -> list[str]:
        """Return texts of the engine as a user is to see them."""
        return texts if self.after is None else [self.after(text) for text in texts]

    @abstractmethod
    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of each text."""

    @abstractmethod
    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Return the text of each sequence of ids."""

    @abstractmethod
    def read_table(self) -> TokenTable:
        """Return the bytes of all ids, read from the files."""

    def encode_with_special(self, texts: Sequence[str]) -> EncodedBatch:
        """Refuse: of the engines, only some read special tokens from text."""
        raise TokbenchError(
            f"{self.name}: {self.engine} never reads special tokens from text", "insert their ids yourself"
        )

    def count_batch(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Tokens per text."""
        return self.encode_batch(texts).counts

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of one sequence of ids."""
        return self.decode_batch(EncodedBatch.from_lists([ids]))[0]

    @cached_property
    def _table(self) -> TokenTable:
        return self.read_table()

    def adopt_table(self, table: TokenTable) -> None:
        """Take the table that was read from these files before, instead of reading it again."""
        self._table = table

    def token_table(self) -> TokenTable:
        """Return the bytes of all ids, as one table of `vocab_total` rows."""
        return self._table

    def token_bytes(self, token: int) -> bytes | None:
        """Return the bytes that an id stands for, None for a special token or an unused id."""
        return self._table[token]

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Where each token lies in its text; None, as most engines do not say."""
        return None

    def special_tokens(self) -> Mapping[int, str | None]:
        """Return the ids of special tokens and their text: the catalogue's and those that the files name."""
        entry = self.asset.entry
        named: dict[int, str | None] = {number: text for text, number in entry.special_tokens.items()} if entry else {}
        named |= self.read_special_tokens()
        known = self.token_table().known
        return {number: text for number, text in sorted(named.items()) if number < len(known) and not known[number]}

    def read_special_tokens(self) -> Mapping[int, str | None]:
        """Return the special tokens that the files name, by id; text None where only the id is known."""
        return {}

    def reserved_texts(self) -> tuple[str, ...]:
        """Return the texts of special tokens, and those that the files hold apart from ordinary text."""
        return tuple(sorted({text for text in self.special_tokens().values() if text} | self.read_reserved_texts()))

    def read_reserved_texts(self) -> frozenset[str]:
        """Return the texts that the files hold apart from ordinary text, beside special tokens."""
        return frozenset()

    def stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the stages before decoding: the text rule or normaliser around the engine, then the engine's own."""
        if self.before is None:
            return self.engine_stages()
        wrapped = self.asset.entry is not None and self.asset.entry.wrapper is not None
        return [(Stage.TEXT_RULE if wrapped else Stage.NORMALIZER, self.before), *self.engine_stages()]

    def engine_stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the stages inside the engine; the last one gives the ids."""
        return [(Stage.MODEL, self.encode)]

    def __repr__(self) -> str:
        return f"<tokenizer {self.name}: {self.vocab_total} ids, {self.engine}>"
