"""What every adapter gives: a tokenizer as the rest of tokbench sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tokbench.adapters._encoding import EncodedBatch, Spans, TokenTable
from tokbench.adapters._single_text import TokenizedText
from tokbench.adapters._stages import Stage, View
from tokbench.catalog.sources import Asset


class Tokenizer(Protocol):
    """A vocabulary with its algorithm, run by one engine.

    Adds no special tokens, never truncates or pads; the text of a special token is plain text.
    Texts are valid Unicode (no lone surrogates).
    """

    @property
    def name(self) -> str:
        """The label in tables: catalogue name, file stem or hub id."""
        ...

    @property
    def asset(self) -> Asset:
        """The files it was read from, their hash, and what the catalogue knows of them."""
        ...

    @property
    def engine(self) -> str:
        """The library that runs it, with its version: `tokenizers==0.23.3`."""
        ...

    @property
    def call(self) -> str:
        """The function of the engine that `encode_batch` calls."""
        ...

    @property
    def vocab_base(self) -> int:
        """Tokens of the model vocabulary, without tokens that were added to it afterwards."""
        ...

    @property
    def vocab_total(self) -> int:
        """Size of the id space with added and special tokens (highest id + 1 where ids start at 0)."""
        ...

    @property
    def unk_id(self) -> int | None:
        """The id that stands for unknown text, None where every text has ids of its own."""
        ...

    @property
    def prefix(self) -> bytes | None:
        """What the engine puts before a text (`b" "` for SentencePiece's dummy prefix, else `b""`).

        Where the bytes of a text's ids, concatenated, equal prefix + text, decoding gives the text back.
        None where that cannot be said of the decoder.
        """
        ...

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of each text, as flat arrays; TypeError for a bare string."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of one text, as Python integers."""
        ...

    def count(self, text: str) -> int:
        """Return the number of tokens of one text."""
        ...

    def tokens(self, text: str) -> list[str]:
        """Return the text of each token of one text, bytes of partial characters and what is invisible escaped."""
        ...

    def show(self, text: str) -> TokenizedText:
        """Return one text with its tokens, which notebooks show in colour."""
        ...

    def __len__(self) -> int:
        """Return `vocab_total`."""
        ...

    def encode_with_special(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the ids of each text, the text of special tokens becoming those tokens.

        Raises TokbenchError where the engine never reads special tokens from text.
        """
        ...

    def count_batch(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Tokens per text, by the cheapest path of the engine."""
        ...

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Return the text of each sequence of ids, special tokens included; invalid UTF-8 becomes U+FFFD."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of one sequence of ids."""
        ...

    def token_bytes(self, token: int) -> bytes | None:
        """Return the bytes that an id stands for, None for a special token or an unused id."""
        ...

    def token_table(self) -> TokenTable:
        """Return the bytes of all ids, as one table of `vocab_total` rows."""
        ...

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Where each token lies in its text, None where the engine cannot say."""
        ...

    def special_tokens(self) -> Mapping[int, str | None]:
        """Return the ids of special tokens (control, unknown, reserved by the format) and their text, if it is known.

        Tokens that were added but are plain text (GPT-NeoX's runs of spaces) are not special.
        """
        ...

    def reserved_texts(self) -> tuple[str, ...]:
        """Return the texts held apart from ordinary text: special and added tokens, pieces such as `<0x0A>`; sorted."""
        ...

    def stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the stages before decoding, in order, each with a function from a text to what leaves the stage."""
        ...


@runtime_checkable
class LocatingTokenizer(Protocol):
    """A tokenizer that can keep the spans of tokens while it encodes, so that nothing is encoded again for them."""

    def encode_located(self, texts: Sequence[str]) -> EncodedBatch:
        """Return the same as `encode_batch`, with `locate` where spans may be asked for."""
        ...
