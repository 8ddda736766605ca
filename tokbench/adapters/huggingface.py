"""Hugging Face's tokenizers: tokenizer.json, vocab.json with merges.txt, WordPiece's vocab.txt."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import tokenizers

from tokbench.adapters._batch import EncodedBatch, Spans, TokenTable
from tokbench.adapters._build import build_from_json, build_from_merges, build_from_wordpiece
from tokbench.adapters._cost import Cost
from tokbench.adapters._loaded import LoadedTokenizer, check_format
from tokbench.assets import Asset
from tokbench.errors import TokbenchError

REFERENCE_FOR = frozenset({"tokenizer.json", "vocab+merges", "wordpiece"})
SIDE_WORK = "the masks, types and words of each token (no offsets)"
RUNS = {"tokenizer.json": Cost(load=0.035, encode=0.48), "vocab+merges": Cost(load=0.076, encode=0.375)}

_SPACE = "\u2581"
_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def printable_bytes() -> dict[str, int]:
    """The character that stands for each byte in byte-level BPE files (GPT-2's alphabet).

    Printable Latin-1 characters stand for themselves, the other bytes for U+0100 onwards in order.
    """
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in own]
    return {chr(b): b for b in own} | {chr(0x100 + i): b for i, b in enumerate(others)}


class HuggingFaceTokenizer(LoadedTokenizer):
    """A pipeline of normaliser, pre-tokeniser, model and decoder, as `tokenizers` runs it."""

    def __init__(self, asset: Asset, tokenizer: tokenizers.Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        tokenizer.post_processor = None
        self.tokenizer = tokenizer
        self.added = tokenizer.get_added_tokens_decoder()
        model_size = tokenizer.get_vocab_size(with_added_tokens=False)
        # Added tokens that close the model's own vocabulary (T5's sentinels) were added to it as well.
        base = model_size
        while base and base - 1 in self.added:
            base -= 1
        total = max(tokenizer.get_vocab_size(), 1 + max(self.added, default=0))
        super().__init__(asset, "tokenizers", "encode_batch_fast", base=base, total=total)
        self.before = self.after = None  # the pipeline has its own normaliser and decoder
        self.unk_id = self.find_unknown()
        self.prefix = self.find_prefix()

    @cached_property
    def parts(self) -> dict[str, Any]:
        """The configuration of each part of the pipeline but the model, as in tokenizer.json."""
        pipeline = self.tokenizer
        parts = {
            "normalizer": pipeline.normalizer,
            "pre_tokenizer": pipeline.pre_tokenizer,
            "decoder": pipeline.decoder,
        }
        return {name: json.loads(part.__getstate__()) for name, part in parts.items() if part is not None}

    def kinds(self, part: str) -> set[str]:
        """The types of steps in one part of the pipeline, sequences opened."""
        return {step["type"] for step in flatten(self.parts.get(part))}

    @property
    def byte_level(self) -> bool:
        """Whether tokens are written in GPT-2's alphabet of printable bytes."""
        return "ByteLevel" in self.kinds("decoder") | self.kinds("pre_tokenizer")

    def find_unknown(self) -> int | None:
        """The id for unknown text, None where bytes leave nothing unknown."""
        model = self.tokenizer.model
        if self.byte_level or self.byte_fallback:
            return None
        if isinstance(model, tokenizers.models.Unigram):
            unk_id: int | None = self.unigram["unk_id"]
            return unk_id
        unknown = model.unk_token
        return None if unknown is None else self.tokenizer.token_to_id(unknown)

    @cached_property
    def unigram(self) -> dict[str, Any]:
        """The settings of a unigram model, which the library shows in its serialised form alone."""
        state: dict[str, Any] = json.loads(self.tokenizer.model.__getstate__())
        return {key: value for key, value in state.items() if key != "vocab"}

    @property
    def byte_fallback(self) -> bool:
        """Whether unknown characters become pieces such as `<0xE4>`."""
        model = self.tokenizer.model
        if isinstance(model, tokenizers.models.Unigram):
            return bool(self.unigram.get("byte_fallback"))
        return isinstance(model, tokenizers.models.BPE) and bool(model.byte_fallback)

    def find_prefix(self) -> bytes | None:
        """What stands before the text in the concatenated bytes of its ids."""
        if "WordPiece" in self.kinds("decoder"):
            return None
        if self.byte_level:
            steps = flatten(self.parts.get("pre_tokenizer"))
            # A space that ByteLevel puts before a text is not taken off again: nothing can be said.
            return None if any(step.get("add_prefix_space") for step in steps) else b""
        return b" " if self.kinds("decoder") & {"Metaspace", "Strip"} and self.adds_space() else b""

    def adds_space(self) -> bool:
        """Whether a space is put before each text."""
        steps = [*flatten(self.parts.get("normalizer")), *flatten(self.parts.get("pre_tokenizer"))]
        return any(step["type"] == "Prepend" or step.get("prepend_scheme") in ("always", "first") for step in steps)

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text. The library hands them out as lists, which are joined at once."""
        found = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return EncodedBatch.from_lists([encoding.ids for encoding in found])

    def encode_with_special(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text, special tokens read from it. Not for use beside another thread's encoding."""
        self.tokenizer.encode_special_tokens = False
        try:
            return self.encode_batch(texts)
        finally:
            self.tokenizer.encode_special_tokens = True

    def count_batch(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Tokens per text, without taking the ids out of the library."""
        found = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return np.fromiter(map(len, found), np.int64, len(found))

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """The text of each sequence of ids, special tokens included."""
        lists = [ids.tolist() for ids in batch]
        return self.tokenizer.decode_batch(lists, skip_special_tokens=False)

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Where each token lies in its text, as the library tracks it through normalisation."""
        found = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        batch = EncodedBatch.from_lists([encoding.ids for encoding in found])
        bounds = [bound for encoding in found for bound in encoding.offsets]
        starts, ends = np.array(bounds, np.int64).reshape(-1, 2).T
        return Spans(batch, starts, ends)

    def read_table(self) -> TokenTable:
        """The bytes of each token, its notation undone."""
        alphabet = printable_bytes()
        notation = self.byte_level
        fallback = self.byte_fallback
        continuing = "##" if isinstance(self.tokenizer.model, tokenizers.models.WordPiece) else ""
        tokens: dict[int, bytes] = {}
        for token, number in self.tokenizer.get_vocab(with_added_tokens=True).items():
            added = self.added.get(number)
            if added is not None:
                if not added.special:
                    tokens[number] = added.content.encode()
            elif number == self.unk_id:
                continue
            elif notation and all(character in alphabet for character in token):
                tokens[number] = bytes(alphabet[character] for character in token)
            elif fallback and (byte := _BYTE_PIECE.fullmatch(token)):
                tokens[number] = bytes([int(byte[1], 16)])
            else:
                tokens[number] = token.removeprefix(continuing).replace(_SPACE, " ").encode()
        return TokenTable.from_mapping(tokens, self.vocab_total)


def flatten(part: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The steps of a part of the pipeline, sequences opened."""
    if part is None:
        return []
    if part["type"] == "Sequence":
        inner = next(value for key, value in part.items() if key != "type")
        return [step for sub in inner for step in flatten(sub)]
    return [part]


BUILDERS = {
    "tokenizer.json": build_from_json,
    "vocab+merges": build_from_merges,
    "wordpiece": build_from_wordpiece,
}


def load(asset: Asset) -> HuggingFaceTokenizer:
    """The tokenizer of a tokenizer.json, of vocab.json and merges.txt, or of a vocab.txt."""
    check_format(asset, "huggingface", REFERENCE_FOR)
    try:
        tokenizer = BUILDERS[asset.format](asset)
    except Exception as error:
        # The library raises the bare class for whatever it cannot parse; anything else is not about the file.
        if type(error) is not Exception:
            raise
        raise TokbenchError(f"{asset.files[0]}: tokenizers cannot load it ({error})", "get the file again") from error
    return HuggingFaceTokenizer(asset, tokenizer)
