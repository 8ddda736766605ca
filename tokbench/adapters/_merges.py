"""Byte-level BPE of Hugging Face files as ranks, for engines that know ranks: the order of the merges is their order.

What stands around the merges is done here: the Unicode form, added tokens that are cut out of text first, the ids.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import accumulate, chain, pairwise
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from tokenizers.normalizers import NFC, NFKC

from tokbench.adapters import huggingface
from tokbench.adapters._batch import EncodedBatch, offsets_of
from tokbench.adapters._build import describe_merges, read_object
from tokbench.adapters._engine import EngineTokenizer
from tokbench.adapters._loaded import TextRule
from tokbench.adapters.tiktoken import write_ranks
from tokbench.assets import Asset
from tokbench.errors import TokbenchError
from tokbench.kept import find_place, read_arrays, write_arrays

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

UTF8_BYTES = frozenset(range(256)) - {0xC0, 0xC1, *range(0xF5, 0x100)}
"""The bytes that occur in UTF-8."""

Document = dict[str, Any]
Form = Literal["NFC", "NFKC"]
IdArray = npt.NDArray[np.int32]
Encoder = Callable[[Sequence[str]], EncodedBatch]
"""What an engine makes of a pattern and a rank file: from texts to ranks."""


class Library(Protocol):
    """An engine that knows ranks: its distribution, the function it is called by, and how it is built."""

    name: str
    path: str

    def build(self, pattern: str, ranks: bytes) -> Encoder:
        """The engine for a rank file (`tiktoken.write_ranks`)."""
        ...


def refuse(asset: Asset, library: str, reason: str) -> TokbenchError:
    """The error that says why an engine cannot run these files."""
    return TokbenchError(f"{asset.files[0]}: {library} cannot run it ({reason})", "use its own engine")


def find_pattern(document: Document) -> str:
    """How text is split, where one pattern says it; ValueError else."""
    steps = huggingface.flatten(document["pre_tokenizer"])
    kinds = [step["type"] for step in steps]
    if any(step.get("add_prefix_space") for step in steps):
        raise ValueError("a space is put before each text")
    if kinds == ["ByteLevel"] and steps[0].get("use_regex", True):
        return GPT2_PATTERN
    split = steps[0] if steps else {}
    if kinds == ["Split", "ByteLevel"] and not steps[1].get("use_regex", True):
        pattern: str | None = split["pattern"].get("Regex")
        if pattern is not None and split["behavior"] == "Isolated" and not split["invert"]:
            return pattern
    raise ValueError(f"it splits text in several steps: {', '.join(kinds) or 'none'}")


def find_form(document: Document) -> Form | None:
    """The Unicode form that text is brought into, None for none; ValueError for any other normaliser."""
    kinds = [step["type"] for step in huggingface.flatten(document["normalizer"])]
    if kinds not in ([], ["NFC"], ["NFKC"]):
        raise ValueError(f"it normalises text by {', '.join(kinds)}")
    return "NFC" if kinds == ["NFC"] else "NFKC" if kinds else None


def make_form(name: Form) -> TextRule:
    """What brings text into a Unicode form.

    It is the reference's own, as Python's may know another version of Unicode. Text that Python finds in that
    form already, and of whose characters it knows every one (printable ones have been assigned), is so in every
    version: what a character composes to never changes.
    """
    compose = (NFC() if name == "NFC" else NFKC()).normalize_str

    def form(text: str) -> str:
        done = text.isascii() or (text.isprintable() and unicodedata.is_normalized(name, text))
        return text if done else compose(text)

    return form


def read_ranks(model: Document) -> tuple[list[bytes], IdArray]:
    """The tokens in the order of their ranks, single bytes first and then as the merges come, and the id of each.

    Bytes that no UTF-8 text holds may lack. ValueError where two merges make the same token.
    """
    if model.get("type", "BPE") != "BPE" or model.get("byte_fallback") or model.get("continuing_subword_prefix"):
        raise ValueError("it is no byte-level BPE")
    alphabet, vocab = huggingface.printable_bytes(), model["vocab"]
    merged = ["".join(merge) if isinstance(merge, list) else merge.replace(" ", "", 1) for merge in model["merges"]]
    tokens = [c for c, byte in alphabet.items() if c in vocab or byte in UTF8_BYTES]
    tokens += merged
    try:
        ids = np.fromiter(map(vocab.__getitem__, tokens), np.int32, len(tokens))
    except KeyError as error:
        raise ValueError(f"the vocabulary lacks {error}") from error
    contents = undo_notation(tokens, alphabet)
    if len(set(contents)) < len(contents):
        raise ValueError("two of its merges make the same token")
    return contents, ids


def undo_notation(tokens: Sequence[str], alphabet: dict[str, int]) -> list[bytes]:
    """The bytes of tokens in the alphabet of byte-level BPE, all at once; ValueError for another character."""
    byte_of = np.full(max(map(ord, alphabet)) + 2, -1, np.int16)
    byte_of[[*map(ord, alphabet)]] = [*alphabet.values()]
    codes = np.frombuffer("".join(tokens).encode("utf-32-le"), "<u4")
    numbers = byte_of[np.minimum(codes, len(byte_of) - 1)]
    if (numbers < 0).any():
        raise ValueError(f"the vocabulary holds {chr(int(codes[numbers < 0][0]))!r}, which stands for no byte")
    content = numbers.astype(np.uint8).tobytes()
    bounds = accumulate(map(len, tokens), initial=0)
    return [content[start:end] for start, end in pairwise(bounds)]


def find_added(document: Document) -> dict[str, int]:
    """The added tokens that are cut out of text; ValueError where they take more than their own characters."""
    plain = [token for token in document["added_tokens"] if not token["special"]]
    for token in plain:
        if token["single_word"] or token["lstrip"] or token["rstrip"]:
            raise ValueError(f"the added token {token['content']!r} looks at its surroundings")
    return {token["content"]: token["id"] for token in plain}


@dataclass(frozen=True, eq=False)
class Statement:
    """A tokenizer of byte-level merges, said as ranks.

    pattern: how text is split. form: the Unicode form that it is brought into first. added: tokens that are cut out of
    it before, and their ids. ranks: a rank file. ids: of each rank.
    """

    pattern: str
    form: Form | None
    added: Mapping[str, int]
    ranks: bytes
    ids: IdArray

    @classmethod
    def read(cls, asset: Asset) -> Statement:
        """What the files say; ValueError, KeyError or TypeError where merges are not ranks."""
        if asset.format == "tokenizer.json" and len(asset.files) > 1:
            raise ValueError("its companion files change it")
        document = read_object(asset.files[0]) if asset.format == "tokenizer.json" else describe_merges(asset)
        form, added, pattern = find_form(document), find_added(document), find_pattern(document)
        tokens, ids = read_ranks(document["model"])
        return cls(pattern, form, added, write_ranks(zip(tokens, range(len(tokens)), strict=True)), ids)

    @classmethod
    def recall(cls, asset: Asset) -> Statement:
        """The same, kept since it was read: a large file is parsed once."""
        # The catalogue says how text is split that comes with these files: the same files may be read by another entry.
        place = find_place("ranks", asset.sha256, asset.format, asset.entry)
        kept = read_arrays(place, frozenset({"head", "ranks", "ids"}))
        if kept is not None:
            return cls(**json.loads(kept["head"].tobytes()), ranks=kept["ranks"].tobytes(), ids=kept["ids"])
        found = cls.read(asset)
        head = json.dumps({"pattern": found.pattern, "form": found.form, "added": found.added}).encode()
        arrays = {"head": np.frombuffer(head, np.uint8), "ranks": np.frombuffer(found.ranks, np.uint8)}
        write_arrays(place, {**arrays, "ids": found.ids})
        return found


class MergesTokenizer(EngineTokenizer):
    """Byte-level BPE of Hugging Face files as an engine for ranks runs it."""

    def __init__(self, asset: Asset, statement: Statement, library: Library) -> None:
        super().__init__(asset, f"{library.name}=={version(library.name)}", library.path, huggingface.load)
        self.form = None if statement.form is None else make_form(statement.form)
        self.added = statement.added
        longest_first = sorted(self.added, key=len, reverse=True)
        self.cut = re.compile(f"({'|'.join(map(re.escape, longest_first))})") if self.added else None
        self.id_of_rank = statement.ids
        self.encode_ranks = library.build(statement.pattern, statement.ranks)

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text, added tokens cut out of it first."""
        if self.cut is None:
            return self.encode_plain(texts)
        cut = [self.cut.split(text) for text in texts]
        pieces = list(chain.from_iterable(cut))
        if len(pieces) == len(texts):
            return self.encode_plain(texts)
        # Of the pieces of a text, every second one is an added token: one id where the engine gets an empty text.
        added = np.array([place for parts in cut for place in range(len(parts))]) % 2 == 1
        plain = self.encode_plain(["" if own else piece for piece, own in zip(pieces, added.tolist(), strict=True)])
        own_ids = [self.added[pieces[place]] for place in np.flatnonzero(added).tolist()]
        ids = np.insert(plain.ids, plain.offsets[:-1][added], own_ids)
        starts = offsets_of(np.where(added, 1, plain.counts))
        return EncodedBatch(ids, starts[offsets_of(np.array([*map(len, cut)]))])

    def encode_plain(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of texts that hold no added token."""
        formed = texts if self.form is None else [*map(self.form, texts)]
        ranks = self.encode_ranks(formed)
        return EncodedBatch(self.id_of_rank[ranks.ids], ranks.offsets)


def load_merges(asset: Asset, library: Library) -> MergesTokenizer:
    """The tokenizer of a tokenizer.json, or of vocab.json and merges.txt; TokbenchError where merges are not ranks."""
    try:
        return MergesTokenizer(asset, Statement.recall(asset), library)
    except (KeyError, TypeError) as error:
        raise refuse(asset, library.name, f"{type(error).__name__}: {error}") from error
    except ValueError as error:
        raise refuse(asset, library.name, str(error)) from error
