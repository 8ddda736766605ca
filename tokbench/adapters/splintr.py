"""splintr: byte-level BPE by ranks, for rank files and merges as ranks.

It runs on its default regex engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from tokbench._shared.threads import cores_are_lent
from tokbench.adapters import tiktoken
from tokbench.adapters._accelerated import EngineTokenizer, Misread
from tokbench.adapters._cost import Cost
from tokbench.adapters._encoding import EncodedBatch
from tokbench.adapters._ranges import offsets_of
from tokbench.adapters._reference import check_format, refuse, text_rules
from tokbench.catalog.rank_files import READERS, format_ranks
from tokbench.catalog.sources import Asset
from tokbench.errors import MissingExtraError

if TYPE_CHECKING:
    from tokbench.adapters._merges_as_ranks import Encoder

REFERENCE_FOR: frozenset[str] = frozenset()
SIDE_WORK = "nothing"
LIBRARY = "splintr-rs"
RUNS = {
    "tiktoken": Cost(load=0.107, encode=0.065),
    "tiktoken.json": Cost(load=0.227, encode=0.061),
    "tekken": Cost(load=0.107, encode=0.065),
    "vocab+merges": Cost(load=0.24, encode=0.067),
    "tokenizer.json": Cost(load=0.18, encode=0.096),
}

_MISREAD = Misread(
    "17F 88F C5C CDC A7CE-A7CF A7D2 A7D4 A7F1 10940-10959 10EC5-10EC7 11DB0-11DDB 11DE0-11DE9 16EA0-16EB8 16EBB-16ED3 "
    "16FF2-16FF6 187F8-187FF 18D09-18D1E 18D80-18DF2 1E6C0-1E6DE 1E6E0-1E6E2 1E6E4-1E6E5 1E6E7-1E6ED 1E6F0-1E6F4 "
    "1E6FE-1E6FF 2B73A-2B73F 2CEA2-2CEAD 323B0-33479"
)
"""Long s, which ends a contraction where case is ignored, but not for splintr, and letters and digits of Unicode 17,
which tiktoken and tokenizers do not know yet."""

_POSSESSIVE = re.compile(
    r"""
    (?P<kept> \\[pP]\{[^}]*\} | \\. | \[ (?: \\. | [^\]\\] )* \] )  # a property, an escape, a class: no quantifier
    | (?P<quantifier> [*+?] | \{\d+(?:,\d*)?\} ) \+
    """,
    re.VERBOSE,
)
_REFERS_BACK = re.compile(r"(?:[^\\]|\\[^1-9k])*?(?:\\[1-9k]|\(\?P=)", re.DOTALL)
_ID_BYTES = 4


def relax(pattern: str) -> str:
    r"""Make possessive quantifiers in a pattern greedy: splintr supports no others.

    >>> relax(r"[^\p{L}]?+\p{L}++|\p{N}{1,3}+|\p{N}+")
    '[^\\p{L}]?\\p{L}+|\\p{N}{1,3}|\\p{N}+'
    """
    return _POSSESSIVE.sub(lambda found: found["kept"] or found["quantifier"], pattern)


def make_encoder(ranks: bytes, pattern: str) -> Encoder:
    """Return the encoder of texts into ranks for a rank file and a pattern.

    Raises ValueError if splintr cannot run it.
    """
    from splintr import Tokenizer

    if _REFERS_BACK.match(pattern):
        # Only these are searched with a limit, beyond which the rest of a text is silently dropped.
        raise ValueError("its pattern refers back to a group")
    encode = Tokenizer.from_bytes(ranks, relax(pattern)).encode_batch_flat

    def encode_texts(texts: Sequence[str]) -> EncodedBatch:
        if cores_are_lent():
            ids, offsets = encode(list(texts))
            return EncodedBatch(np.frombuffer(ids, np.int32), np.frombuffer(offsets, np.int64))
        # A batch of one runs on the calling thread and releases the interpreter; a larger one runs on threads of the
        # library, and its calls for a single text hold the interpreter.
        buffers = [encode([text])[0] for text in texts]
        sizes = np.fromiter(map(len, buffers), np.int64, len(buffers))
        return EncodedBatch(np.frombuffer(b"".join(buffers), np.int32), offsets_of(sizes // _ID_BYTES))

    return encode_texts


class Ranks:
    """splintr for merges expressed as ranks."""

    name = LIBRARY
    call = "encode_batch_flat"
    misread = _MISREAD

    def build(self, pattern: str, ranks: bytes) -> Encoder:
        """Build the engine for a rank file."""
        return make_encoder(ranks, pattern)


class SplintrTokenizer(EngineTokenizer):
    """A rank file as splintr runs it."""

    misread = _MISREAD

    def __init__(self, asset: Asset) -> None:
        super().__init__(asset, f"{LIBRARY}=={version(LIBRARY)}", Ranks.call, tiktoken.load)
        self.before = text_rules(asset)[0]
        self.shift = 0
        if asset.format == "tiktoken" and asset.entry is not None and asset.entry.pattern is not None:
            self.encode_ranks = make_encoder(asset.files[0].read_bytes(), asset.entry.pattern)
            return
        file = READERS[asset.format](asset)
        self.shift = file.shift
        self.encode_ranks = make_encoder(format_ranks(file.ranks.items()), file.pattern)

    def encode_read(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts without creating a Python object per token."""
        ranks = self.encode_ranks(texts if self.before is None else [*map(self.before, texts)])
        return EncodedBatch(ranks.ids + np.int32(self.shift), ranks.offsets) if self.shift else ranks


def load(asset: Asset) -> EngineTokenizer:
    """Load a rank file, Claude's or tekken's JSON, or merges expressible as ranks.

    Raises TokbenchError for files that splintr cannot run.
    """
    check_format(asset, "splintr", RUNS.keys())
    try:
        import splintr  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("splintr-rs", None, f"running {asset.name} on splintr") from error
    if asset.format not in READERS:
        from tokbench.adapters._merges_as_ranks import load_merges

        return load_merges(asset, Ranks())
    try:
        return SplintrTokenizer(asset)
    except ValueError as error:
        raise refuse(asset, "splintr", str(error)) from error
