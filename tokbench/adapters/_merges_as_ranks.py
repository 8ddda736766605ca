"""Express byte-level BPE of Hugging Face files as ranks.

The ranks follow the order of the merges, for engines that use ranks.
The steps around the merges are done here: Unicode normalisation, splitting out added tokens, the ids.
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
from tokbench._shared.files import read_json_object
from tokbench.adapters import huggingface
from tokbench.adapters._accelerated import EngineTokenizer, Misread
from tokbench.adapters._added_tokens import AddedTokens
from tokbench.adapters._encoding import EncodedBatch
from tokbench.adapters._fastokens_rewrites import fuse_digits
from tokbench.adapters._hf_pipelines import describe_merges
from tokbench.adapters._notation import UTF8_BYTES
from tokbench.adapters._ranges import offsets_of
from tokbench.adapters._reference import TextRule, refuse
from tokbench.catalog.rank_files import format_ranks
from tokbench.catalog.sources import Asset

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

Document = dict[str, Any]
Form = Literal["NFC", "NFKC"]
IdArray = npt.NDArray[np.int32]
Encoder = Callable[[Sequence[str]], EncodedBatch]
"""A function from texts to ranks, which an engine builds from a pattern and a rank file."""


class Library(Protocol):
    """An engine that uses ranks: its distribution, function, and construction.

    misread: the characters that it misclassifies.
    """

    @property
    def name(self) -> str: ...
    @property
    def call(self) -> str: ...
    @property
    def misread(self) -> Misread | None: ...

    def build(self, pattern: str, ranks: bytes) -> Encoder:
        """Build the engine for a rank file (`rank_files.format_ranks`)."""
        ...


def find_pattern(document: Document) -> str:
    """Return the pattern that splits text, if a single one does.

    Raises ValueError otherwise.
    """
    steps = fuse_digits(huggingface.flatten(document["pre_tokenizer"]))
    kinds = [step["type"] for step in steps]
    if any(step.get("add_prefix_space") for step in steps):
        raise ValueError("it adds a space before each text")
    if kinds == ["ByteLevel"] and steps[0].get("use_regex", True):
        return GPT2_PATTERN
    split = steps[0] if steps else {}
    if kinds == ["Split", "ByteLevel"] and not steps[1].get("use_regex", True):
        pattern: str | None = split["pattern"].get("Regex")
        if pattern is not None and split["behavior"] == "Isolated" and not split["invert"]:
            return pattern
    raise ValueError(f"it splits text in several steps: {', '.join(kinds) or 'none'}")


def find_form(document: Document) -> Form | None:
    """Return the Unicode normalisation form of texts, or None.

    Raises ValueError for any other normaliser.
    """
    kinds = [step["type"] for step in huggingface.flatten(document["normalizer"])]
    if kinds not in ([], ["NFC"], ["NFKC"]):
        raise ValueError(f"it normalises text by {', '.join(kinds)}")
    return "NFC" if kinds == ["NFC"] else "NFKC" if kinds else None


def make_form(name: Form) -> TextRule:
    """Return the function that normalises text to a Unicode form.

    It is the reference's own, as Python's may implement another version of Unicode. Text that Python finds normalised,
    and all of whose characters it knows (printable ones are assigned), is so in every version: the composition of a
    character never changes.
    """
    compose = (NFC() if name == "NFC" else NFKC()).normalize_str

    def form(text: str) -> str:
        done = text.isascii() or (text.isprintable() and unicodedata.is_normalized(name, text))
        return text if done else compose(text)

    return form


def read_ranks(model: Document) -> tuple[list[str], IdArray]:
    """Return the tokens in the order of their ranks, and their ids.

    Single bytes come first, then tokens in the order of merges.
    Bytes that never occur in UTF-8 may be missing. Raises ValueError if two merges make the same token.
    """
    others = ("byte_fallback", "continuing_subword_prefix", "end_of_word_suffix")
    if model.get("type", "BPE") != "BPE" or any(model.get(key) for key in others):
        raise ValueError("it is not byte-level BPE")
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
    """Decode tokens from the byte-level alphabet, all at once.

    Raises ValueError for a character that is not in it.
    """
    byte_of = np.full(max(map(ord, alphabet)) + 2, -1, np.int16)
    byte_of[[*map(ord, alphabet)]] = [*alphabet.values()]
    codes = np.frombuffer("".join(tokens).encode("utf-32-le"), "<u4")
    numbers = byte_of[np.minimum(codes, len(byte_of) - 1)]
    if (numbers < 0).any():
        raise ValueError(f"the vocabulary contains {chr(int(codes[numbers < 0][0]))!r}, which represents no byte")
    content = numbers.astype(np.uint8).tobytes()
    bounds = accumulate(map(len, tokens), initial=0)
    return [content[start:end] for start, end in pairwise(bounds)]


def check_reachable(tokenizer: Tokenizer, tokens: Sequence[str], ids: IdArray) -> None:
    """Raise ValueError unless every token, encoded alone by the merges, is itself.

    This proves the ranks correct: an engine that only uses ranks joins any two neighbours that make a token, and takes
    a whole piece that is one. Two neighbours that make such a token are those of its own merge, which is the last step
    of encoding that token alone.
    """
    model = tokenizer.model
    model.ignore_merges = False
    for token, number in zip(tokens, ids.tolist(), strict=True):
        if [part.id for part in model.tokenize(token)] != [number]:
            raise ValueError(f"its merges do not make the token {token!r}, although a merge results in it")


def check_whole_pieces(tokenizer: Tokenizer, known: Collection[str]) -> None:
    """Raise ValueError if a token that no merge makes can be a whole piece of text.

    `ignore_merges` would keep such a piece.
    known: single bytes and merged tokens. Added tokens are never such pieces: their text is split out first, and the
    text of a special one is split.
    """
    alphabet = huggingface.printable_bytes()
    added = {token.content: token for token in tokenizer.get_added_tokens_decoder().values()}
    splits = tokenizer.pre_tokenizer.pre_tokenize_str if tokenizer.pre_tokenizer is not None else None
    for token in tokenizer.get_vocab(with_added_tokens=False).keys() - set(known):
        if not token or not all(character in alphabet for character in token):
            continue
        match = added.get(token)
        if match is None or (match.special and (splits is None or len(splits(token)) < 2)):
            raise ValueError(f"ignore_merges with tokens that no merge makes, such as {token!r}")


@dataclass(frozen=True, eq=False)
class RankedMerges:
    """A tokenizer of byte-level merges, expressed as ranks.

    pattern: splits text. form: Unicode form to which text is normalised first. added: tokens that are split out of it.
    ranks: a rank file. ids: of each rank.
    """

    pattern: str
    form: Form | None
    added: AddedTokens
    ranks: bytes
    ids: IdArray

    @classmethod
    def read(cls, asset: Asset) -> RankedMerges:
        """Read the files.

        Raises ValueError, KeyError or TypeError if merges cannot be expressed as ranks.
        """
        if asset.format == "tokenizer.json" and len(asset.files) > 1:
            raise ValueError("its companion files change it")
        document = read_json_object(asset.files[0]) if asset.format == "tokenizer.json" else describe_merges(asset)
        form, pattern = find_form(document), find_pattern(document)
        tokens, ids = read_ranks(document["model"])
        tokenizer = huggingface.load(asset).tokenizer
        added = AddedTokens.of(tokenizer)
        if document["model"].get("ignore_merges"):
            check_whole_pieces(tokenizer, tokens)
        check_reachable(tokenizer, tokens, ids)
        contents = undo_notation(tokens, huggingface.printable_bytes())
        return cls(pattern, form, added, format_ranks(zip(contents, range(len(contents)), strict=True)), ids)

    @classmethod
    def recall(cls, asset: Asset) -> RankedMerges:
        """Read the files once: the result is cached, as parsing a large file is slow."""
        # The split pattern can come from the catalogue: the same files may be read by another entry.
        path = cache_path("merges", asset.sha256, asset.format, asset.entry, version("tokenizers"))
        cached = read_arrays(path, frozenset({"head", "ranks", "ids"}))
        if cached is not None:
            head = json.loads(cached["head"].tobytes())
            added = AddedTokens(**head.pop("added"))
            return cls(**head, added=added, ranks=cached["ranks"].tobytes(), ids=cached["ids"])
        ranked = cls.read(asset)
        head = {"pattern": ranked.pattern, "form": ranked.form, "added": asdict(ranked.added)}
        text = np.frombuffer(json.dumps(head).encode(), np.uint8)
        write_arrays(path, {"head": text, "ranks": np.frombuffer(ranked.ranks, np.uint8), "ids": ranked.ids})
        return ranked


class MergesTokenizer(EngineTokenizer):
    """Byte-level BPE of Hugging Face files, run by an engine for ranks."""

    def __init__(self, asset: Asset, ranked: RankedMerges, library: Library) -> None:
        super().__init__(asset, f"{library.name}=={version(library.name)}", library.call, huggingface.load)
        self.form = None if ranked.form is None else make_form(ranked.form)
        self.cut_raw, self.cut_normalized = ranked.added.cut_raw, ranked.added.cut_normalized
        self.misread = library.misread
        self.id_of_rank = ranked.ids
        self.encode_ranks = library.build(ranked.pattern, ranked.ranks)

    def encode_read(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts, splitting out added tokens first."""
        if self.cut_raw is None and self.cut_normalized is None:
            return self.encode_plain(texts if self.form is None else [*map(self.form, texts)])
        cut = [self.cut(text) for text in texts]
        pieces = list(chain.from_iterable(cut))
        # Every second piece of a text is an added token: one id where the engine gets an empty text.
        plain = self.encode_plain(["" if isinstance(piece, int) else piece for piece in pieces])
        if len(pieces) == len(texts):
            return plain
        added = np.array([isinstance(piece, int) for piece in pieces])
        added_ids = [piece for piece in pieces if isinstance(piece, int)]
        ids = np.insert(plain.ids, plain.offsets[:-1][added], added_ids)
        starts = offsets_of(np.where(added, 1, plain.counts))
        return EncodedBatch(ids, starts[offsets_of(np.array([*map(len, cut)]))])

    def cut(self, text: str) -> list[str | int]:
        """Normalise a text and split out its added tokens: plain text and ids alternate."""
        pieces: list[str | int] = [text] if self.cut_raw is None else self.cut_raw(text)
        if self.form is not None:
            pieces = [piece if isinstance(piece, int) else self.form(piece) for piece in pieces]
        cut = self.cut_normalized
        if cut is None:
            return pieces
        return [part for piece in pieces for part in ((piece,) if isinstance(piece, int) else cut(piece))]

    def encode_plain(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode normalised texts that contain no added token."""
        ranks = self.encode_ranks(texts)
        return EncodedBatch(self.id_of_rank[ranks.ids], ranks.offsets)


def load_merges(asset: Asset, library: Library) -> MergesTokenizer:
    """Load a tokenizer.json, or vocab.json and merges.txt.

    Raises TokbenchError if merges cannot be expressed as ranks.
    """
    try:
        return MergesTokenizer(asset, RankedMerges.recall(asset), library)
    except (KeyError, TypeError) as error:
        raise refuse(asset, library.name, f"{type(error).__name__}: {error}") from error
    except ValueError as error:
        raise refuse(asset, library.name, str(error)) from error
