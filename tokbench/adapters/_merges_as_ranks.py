"""Byte-level BPE of Hugging Face files as ranks, for engines that know ranks: the order of the merges is their order.

What stands around the merges is done here: the Unicode form, added tokens that are cut out of text first, the ids.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import accumulate, chain, pairwise
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer
from tokenizers.normalizers import NFC, NFKC

from tokbench._shared.cache import cache_path, read_arrays, write_arrays
from tokbench.adapters import huggingface
from tokbench.adapters._accelerated import EngineTokenizer, Misread
from tokbench.adapters._added_tokens import AddedTokens
from tokbench.adapters._encoding import EncodedBatch, offsets_of
from tokbench.adapters._fastokens_rewrites import fuse_digits
from tokbench.adapters._hf_pipelines import describe_merges, read_object
from tokbench.adapters._notation import UTF8_BYTES
from tokbench.adapters._reference import TextRule
from tokbench.catalog.rank_files import write_ranks
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

Document = dict[str, Any]
Form = Literal["NFC", "NFKC"]
IdArray = npt.NDArray[np.int32]
Encoder = Callable[[Sequence[str]], EncodedBatch]
"""What an engine makes of a pattern and a rank file: from texts to ranks."""


class Library(Protocol):
    """An engine that knows ranks: its distribution, the function it is called by, and how it is built.

    misread: the characters that it takes for others.
    """

    @property
    def name(self) -> str: ...
    @property
    def call(self) -> str: ...
    @property
    def misread(self) -> Misread | None: ...

    def build(self, pattern: str, ranks: bytes) -> Encoder:
        """The engine for a rank file (`tiktoken.write_ranks`)."""
        ...


def refuse(asset: Asset, library: str, reason: str) -> TokbenchError:
    """The error that says why an engine cannot run these files."""
    return TokbenchError(f"{asset.files[0]}: {library} cannot run it ({reason})", "use its own engine")


def find_pattern(document: Document) -> str:
    """How text is split, where one pattern says it; ValueError else."""
    steps = fuse_digits(huggingface.flatten(document["pre_tokenizer"]))
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


def read_ranks(model: Document) -> tuple[list[str], IdArray]:
    """The tokens in the order of their ranks, single bytes first and then as the merges come, and the id of each.

    Bytes that no UTF-8 text holds may lack. ValueError where two merges make the same token.
    """
    others = ("byte_fallback", "continuing_subword_prefix", "end_of_word_suffix")
    if model.get("type", "BPE") != "BPE" or any(model.get(key) for key in others):
        raise ValueError("it is no byte-level BPE")
    alphabet, vocab = huggingface.printable_bytes(), model["vocab"]
    merged = ["".join(merge) if isinstance(merge, list) else merge.replace(" ", "", 1) for merge in model["merges"]]
    tokens = [c for c, byte in alphabet.items() if c in vocab or byte in UTF8_BYTES]
    tokens += merged
    try:
        ids = np.fromiter(map(vocab.__getitem__, tokens), np.int32, len(tokens))
    except KeyError as error:
        raise ValueError(f"the vocabulary lacks {error}") from error
    if len(set(tokens)) < len(tokens):
        raise ValueError("two of its merges make the same token")
    return tokens, ids


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


def check_reachable(tokenizer: Tokenizer, tokens: Sequence[str], ids: IdArray) -> None:
    """Raise ValueError unless every token, encoded alone by the merges, is itself.

    That proves ranks right: an engine that knows ranks alone joins any two neighbours that make a token, and takes a
    whole piece that is one. Two neighbours that make a token of this kind are those of its own merge, and the last
    step of encoding that token alone.
    """
    model = tokenizer.model
    model.ignore_merges = False
    for token, number in zip(tokens, ids.tolist(), strict=True):
        if [part.id for part in model.tokenize(token)] != [number]:
            raise ValueError(f"its merges do not make the token {token!r}, which a merge is for")


def check_whole_pieces(tokenizer: Tokenizer, known: Collection[str]) -> None:
    """Raise ValueError where a token that no merge makes can be a whole piece of text, which `ignore_merges` keeps.

    known: single bytes and merged tokens. Added tokens never are: their text is cut out before, and the text of a
    special one is split.
    """
    alphabet = huggingface.printable_bytes()
    added = {token.content: token for token in tokenizer.get_added_tokens_decoder().values()}
    splits = tokenizer.pre_tokenizer.pre_tokenize_str if tokenizer.pre_tokenizer is not None else None
    for token in tokenizer.get_vocab(with_added_tokens=False).keys() - set(known):
        if not token or not all(character in alphabet for character in token):
            continue
        own = added.get(token)
        if own is None or (own.special and (splits is None or len(splits(token)) < 2)):
            raise ValueError(f"ignore_merges with tokens that no merge makes, as {token!r}")


@dataclass(frozen=True, eq=False)
class RankedMerges:
    """A tokenizer of byte-level merges, said as ranks.

    pattern: how text is split. form: the Unicode form that it is brought into first. added: tokens that are cut out of
    it. ranks: a rank file. ids: of each rank.
    """

    pattern: str
    form: Form | None
    added: AddedTokens
    ranks: bytes
    ids: IdArray

    @classmethod
    def read(cls, asset: Asset) -> RankedMerges:
        """What the files say; ValueError, KeyError or TypeError where merges are not ranks."""
        if asset.format == "tokenizer.json" and len(asset.files) > 1:
            raise ValueError("its companion files change it")
        document = read_object(asset.files[0]) if asset.format == "tokenizer.json" else describe_merges(asset)
        form, pattern = find_form(document), find_pattern(document)
        tokens, ids = read_ranks(document["model"])
        tokenizer = huggingface.load(asset).tokenizer
        added = AddedTokens.of(tokenizer)
        if document["model"].get("ignore_merges"):
            check_whole_pieces(tokenizer, tokens)
        check_reachable(tokenizer, tokens, ids)
        contents = undo_notation(tokens, huggingface.printable_bytes())
        return cls(pattern, form, added, write_ranks(zip(contents, range(len(contents)), strict=True)), ids)

    @classmethod
    def recall(cls, asset: Asset) -> RankedMerges:
        """The same, kept since it was read: a large file is parsed once."""
        # The catalogue says how text is split that comes with these files: the same files may be read by another entry.
        place = cache_path("merges", asset.sha256, asset.format, asset.entry, version("tokenizers"))
        kept = read_arrays(place, frozenset({"head", "ranks", "ids"}))
        if kept is not None:
            head = json.loads(kept["head"].tobytes())
            added = AddedTokens(**head.pop("added"))
            return cls(**head, added=added, ranks=kept["ranks"].tobytes(), ids=kept["ids"])
        found = cls.read(asset)
        head = {"pattern": found.pattern, "form": found.form, "added": asdict(found.added)}
        text = np.frombuffer(json.dumps(head).encode(), np.uint8)
        write_arrays(place, {"head": text, "ranks": np.frombuffer(found.ranks, np.uint8), "ids": found.ids})
        return found


class MergesTokenizer(EngineTokenizer):
    """Byte-level BPE of Hugging Face files as an engine for ranks runs it."""

    def __init__(self, asset: Asset, ranked: RankedMerges, library: Library) -> None:
        super().__init__(asset, f"{library.name}=={version(library.name)}", library.call, huggingface.load)
        self.form = None if ranked.form is None else make_form(ranked.form)
        self.cut_raw, self.cut_normalized = ranked.added.cut_raw, ranked.added.cut_normalized
        self.misread = library.misread
        self.id_of_rank = ranked.ids
        self.encode_ranks = library.build(ranked.pattern, ranked.ranks)

    def encode_read(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text, added tokens cut out of it first."""
        if self.cut_raw is None and self.cut_normalized is None:
            return self.encode_plain(texts if self.form is None else [*map(self.form, texts)])
        cut = [self.cut(text) for text in texts]
        pieces = list(chain.from_iterable(cut))
        # Of the pieces of a text, every second one is an added token: one id where the engine gets an empty text.
        plain = self.encode_plain(["" if isinstance(piece, int) else piece for piece in pieces])
        if len(pieces) == len(texts):
            return plain
        added = np.array([isinstance(piece, int) for piece in pieces])
        own_ids = [piece for piece in pieces if isinstance(piece, int)]
        ids = np.insert(plain.ids, plain.offsets[:-1][added], own_ids)
        starts = offsets_of(np.where(added, 1, plain.counts))
        return EncodedBatch(ids, starts[offsets_of(np.array([*map(len, cut)]))])

    def cut(self, text: str) -> list[str | int]:
        """A text in its Unicode form, its added tokens cut out: plain text and ids in turn."""
        pieces: list[str | int] = [text] if self.cut_raw is None else self.cut_raw(text)
        if self.form is not None:
            pieces = [piece if isinstance(piece, int) else self.form(piece) for piece in pieces]
        cut = self.cut_normalized
        if cut is None:
            return pieces
        return [part for piece in pieces for part in ((piece,) if isinstance(piece, int) else cut(piece))]

    def encode_plain(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of texts in their Unicode form that hold no added token."""
        ranks = self.encode_ranks(texts)
        return EncodedBatch(self.id_of_rank[ranks.ids], ranks.offsets)


def load_merges(asset: Asset, library: Library) -> MergesTokenizer:
    """The tokenizer of a tokenizer.json, or of vocab.json and merges.txt; TokbenchError where merges are not ranks."""
    try:
        return MergesTokenizer(asset, RankedMerges.recall(asset), library)
    except (KeyError, TypeError) as error:
        raise refuse(asset, library.name, f"{type(error).__name__}: {error}") from error
    except ValueError as error:
        raise refuse(asset, library.name, str(error)) from error
