"""Byte-level BPE of Hugging Face files as ranks, for tiktoken: the order of the merges is the order of the ranks.

What stands around the merges is done here: the Unicode form, and added tokens that are cut out of text first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import tiktoken
from tokenizers.normalizers import NFC, NFKC

from tokbench.adapters import huggingface
from tokbench.adapters._batch import EncodedBatch
from tokbench.adapters._build import describe_merges, read_object
from tokbench.adapters._engine import EngineTokenizer
from tokbench.adapters._loaded import TextRule
from tokbench.assets import Asset
from tokbench.errors import TokbenchError

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

UTF8_BYTES = frozenset(range(256)) - {0xC0, 0xC1, *range(0xF5, 0x100)}
"""The bytes that occur in UTF-8."""

Document = dict[str, Any]
IdArray = npt.NDArray[np.uint32]


def refuse(asset: Asset, reason: str) -> TokbenchError:
    """The error that says why tiktoken cannot run these files."""
    return TokbenchError(f"{asset.files[0]}: tiktoken cannot run it ({reason})", "use its own engine")


def find_pattern(asset: Asset, document: Document) -> str:
    """How text is split, where one pattern says it; TokbenchError else."""
    first = document["pre_tokenizer"]
    steps = huggingface.flatten(first)
    kinds = [step["type"] for step in steps]
    if any(step.get("add_prefix_space") for step in steps):
        raise refuse(asset, "a space is put before each text")
    if kinds == ["ByteLevel"] and steps[0].get("use_regex", True):
        return GPT2_PATTERN
    split = steps[0] if steps else {}
    if kinds == ["Split", "ByteLevel"] and not steps[1].get("use_regex", True):
        pattern: str | None = split["pattern"].get("Regex")
        if pattern is not None and split["behavior"] == "Isolated" and not split["invert"]:
            return pattern
    raise refuse(asset, f"it splits text in several steps: {', '.join(kinds) or 'none'}")


def find_form(asset: Asset, document: Document) -> TextRule | None:
    """The Unicode form that text is brought into, None for none; TokbenchError for any other normaliser."""
    steps = huggingface.flatten(document["normalizer"])
    kinds = [step["type"] for step in steps]
    if not kinds:
        return None
    if kinds in (["NFC"], ["NFKC"]):
        # The reference's own: Python's may know another version of Unicode.
        return NFC().normalize_str if kinds == ["NFC"] else NFKC().normalize_str
    raise refuse(asset, f"it normalises text by {', '.join(kinds)}")


def read_ranks(asset: Asset, model: Document) -> tuple[dict[bytes, int], IdArray]:
    """The rank of single bytes (first) and of merged tokens (in the order of the merges), and the id of each rank.

    Bytes that no UTF-8 text holds may lack. TokbenchError where two merges make the same token.
    """
    if model.get("type", "BPE") != "BPE" or model.get("byte_fallback") or model.get("continuing_subword_prefix"):
        raise refuse(asset, "it is no byte-level BPE")
    alphabet, vocab = huggingface.printable_bytes(), model["vocab"]
    merged = ["".join(merge) if isinstance(merge, list) else merge.replace(" ", "", 1) for merge in model["merges"]]
    singles = [character for character, byte in alphabet.items() if character in vocab or byte in UTF8_BYTES]
    tokens = [*singles, *merged]
    to_bytes = str.maketrans({character: chr(byte) for character, byte in alphabet.items()})
    try:
        ids = np.array([vocab[token] for token in tokens], np.uint32)
        ranks = {token.translate(to_bytes).encode("latin-1"): rank for rank, token in enumerate(tokens)}
    except (KeyError, UnicodeEncodeError) as error:
        raise refuse(asset, f"the vocabulary lacks {error}") from error
    if len(ranks) < len(tokens):
        raise refuse(asset, "two of its merges make the same token")
    return ranks, ids


def find_added(asset: Asset, document: Document) -> dict[str, int]:
    """The added tokens that are cut out of text; TokbenchError where they take more than their own characters."""
    plain = [token for token in document["added_tokens"] if not token["special"]]
    for token in plain:
        if token["single_word"] or token["lstrip"] or token["rstrip"]:
            raise refuse(asset, f"the added token {token['content']!r} looks at its surroundings")
    return {token["content"]: token["id"] for token in plain}


class MergesTokenizer(EngineTokenizer):
    """Byte-level BPE of Hugging Face files as tiktoken runs it."""

    def __init__(self, asset: Asset, document: Document) -> None:
        super().__init__(asset, f"tiktoken=={version('tiktoken')}", "encode_to_numpy", huggingface.load)
        self.form = find_form(asset, document)
        self.added = find_added(asset, document)
        longest_first = sorted(self.added, key=len, reverse=True)
        self.cut = re.compile(f"({'|'.join(map(re.escape, longest_first))})") if self.added else None
        ranks, self.id_of_rank = read_ranks(asset, document["model"])
        self.encoding = tiktoken.Encoding(
            asset.name, pat_str=find_pattern(asset, document), mergeable_ranks=ranks, special_tokens={}
        )

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text, through the buffer that tiktoken fills without making Python integers."""
        return EncodedBatch.from_arrays([self.encode_text(text) for text in texts])

    def encode_text(self, text: str) -> IdArray:
        """The ids of one text, added tokens cut out of it first."""
        if self.cut is None or self.cut.search(text) is None:
            return self.encode_plain(text)
        parts = self.cut.split(text)
        return np.concatenate(
            [
                np.array([self.added[part]], np.uint32) if number % 2 else self.encode_plain(part)
                for number, part in enumerate(parts)
            ]
        )

    def encode_plain(self, text: str) -> IdArray:
        """The ids of text that holds no added token."""
        formed = text if self.form is None or text.isascii() else self.form(text)
        ranks = self.encoding.encode_to_numpy(formed, disallowed_special=())
        found: IdArray = self.id_of_rank[ranks]
        return found


def load_merges(asset: Asset) -> MergesTokenizer:
    """The tokenizer of a tokenizer.json, or of vocab.json and merges.txt; TokbenchError where merges are not ranks."""
    document = read_object(asset.files[0]) if asset.format == "tokenizer.json" else describe_merges(asset)
    try:
        return MergesTokenizer(asset, document)
    except (KeyError, TypeError, ValueError) as error:
        raise refuse(asset, f"{type(error).__name__}: {error}") from error
