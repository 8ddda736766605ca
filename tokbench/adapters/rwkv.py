"""RWKV's World vocabulary: the longest matching token, over bytes.

Every single byte is a token, so the greedy longest match from the left is a leftmost-longest search for many
patterns, which the Aho-Corasick automaton of `ahocorasick_rs` performs.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

import numpy as np

from tokbench._shared.cache import cache_path, read_arrays, write_arrays
from tokbench.adapters._cost import Cost
from tokbench.adapters._encoding import EncodedBatch, Ids, TokenTable
from tokbench.adapters._reference import LoadedTokenizer, check_format, check_id_space
from tokbench.catalog.ids import parse_id, show
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

REFERENCE_FOR = frozenset({"rwkv"})
SIDE_WORK = "the positions of all matches"
LIBRARY = "ahocorasick_rs"
RUNS = {"rwkv": Cost(load=0.21, encode=0.076)}


def read_vocabulary(path: Path) -> dict[int, bytes]:
    """Read a vocabulary file.

    Each line is an id, a Python literal (text or bytes) and its length in bytes.
    Raises TokbenchError with file and line for a line in another form, an id that is too high, and an id or a token
    that an earlier line has.
    """
    tokens: dict[int, bytes] = {}
    try:
        lines = path.read_bytes().decode().rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        broken = error.object.count(b"\n", 0, error.start) + 1
        raise TokbenchError(f"{path}, line {broken}: not UTF-8 ({error.reason})", "download it again") from error
    holders: dict[bytes, int] = {}
    for number, line in enumerate(lines, 1):
        token, content = _read_line(line.removesuffix("\r"), f"{path}, line {number}")
        if token in tokens or content in holders:
            what = f"the id {token}" if token in tokens else f"the token {show(content)}"
            raise TokbenchError(f"{path}, line {number}: an earlier line has {what} already", "remove one of them")
        tokens[token] = content
        holders[content] = token
    return tokens


def _read_line(line: str, where: str) -> tuple[int, bytes]:
    try:
        start, end = line.index(" "), line.rindex(" ")
        digits, length = line[:start].encode(), int(line[end:])
        literal = _read_literal(line[start + 1 : end])
        content = literal.encode() if isinstance(literal, str) else literal
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        surrogate = isinstance(error, UnicodeEncodeError)
        reason = "the token contains a lone surrogate" if surrogate else "not a line of an RWKV vocabulary"
        raise TokbenchError(f"{where}: {reason}", "expected: id 'token' length") from error
    token = parse_id(digits, where)
    if not isinstance(content, bytes) or len(content) != length:
        raise TokbenchError(f"{where}: the token is not {length} bytes long", "download it again")
    if not content:
        raise TokbenchError(f"{where}: the token is empty, so no text contains it", "remove the line")
    return token, content


def _read_literal(literal: str) -> str | bytes:
    """Parse a Python literal of text or bytes.

    Most contain no escape and need no parser.
    """
    if (
        "\\" not in literal
        and len(literal) > 2
        and literal[0] in "'\""
        and literal.find(literal[0], 1) == len(literal) - 1
    ):
        return literal[1:-1]
    value: str | bytes = ast.literal_eval(literal)
    return value


def recall_vocabulary(asset: Asset) -> tuple[Ids, list[bytes]]:
    """Read the ids and tokens of a vocabulary file, once: the result is cached.

    Parsing 65,529 Python literals is slow.
    Raises TokbenchError like `read_vocabulary`, and if a byte has no token.
    """
    path = cache_path("rwkv", asset.sha256)
    cached = read_arrays(path, frozenset({"ids", "data", "ends"}))
    if cached is not None:
        data, ends = cached["data"].tobytes(), cached["ends"].tolist()
        return cached["ids"], [data[start:end] for start, end in pairwise([0, *ends])]
    vocabulary = read_vocabulary(asset.files[0])
    check_id_space(asset, max(vocabulary))
    tokens = list(vocabulary.values())
    present = set(tokens)
    missing = [b for b in range(256) if bytes([b]) not in present]
    if missing:
        raise TokbenchError(
            f"{asset.files[0]}: the vocabulary has no token for the byte {missing[0]}", "download it again"
        )
    ids, ends = np.array([*vocabulary], np.int32), np.cumsum([*map(len, tokens)])
    write_arrays(path, {"ids": ids, "data": np.frombuffer(b"".join(tokens), np.uint8), "ends": ends})
    return ids, tokens


class RwkvTokenizer(LoadedTokenizer):
    """Greedy longest match over the tokens of an RWKV vocabulary."""

    def __init__(self, asset: Asset) -> None:
        from ahocorasick_rs import BytesAhoCorasick, MatchKind

        self.token_ids, self.contents = recall_vocabulary(asset)
        total = int(self.token_ids.max()) + 1
        super().__init__(asset, LIBRARY, "find_matches_as_indexes", base=len(self.contents), total=total)
        self.automaton = BytesAhoCorasick(self.contents, matchkind=MatchKind.LeftmostLongest)

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts."""
        pattern = itemgetter(0)
        matches = [list(map(pattern, self.automaton.find_matches_as_indexes(text.encode()))) for text in texts]
        batch = EncodedBatch.from_lists(matches)
        return EncodedBatch(self.token_ids[batch.ids], batch.offsets)

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Decode each sequence of ids."""
        table = self.token_table()
        return [table.concatenate(ids).tobytes().decode(errors="replace") for ids in batch]

    def read_table(self) -> TokenTable:
        """Return the bytes of each id."""
        return TokenTable.from_mapping(dict(zip(self.token_ids.tolist(), self.contents, strict=True)), self.vocab_total)


def load(asset: Asset) -> RwkvTokenizer:
    """Load an RWKV vocabulary file."""
    check_format(asset, "rwkv", REFERENCE_FOR)
    return RwkvTokenizer(asset)
