"""Rank files: byte-level BPE as ranks, in the three formats tiktoken reads."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tokbench._shared.files import read_json_object
from tokbench.catalog.sources import Asset
from tokbench.catalog.tokenizer_classes import read
from tokbench.errors import TokbenchError


@dataclass(frozen=True)
class RankFile:
    """The input of tiktoken: ranks, split pattern, and how ranks become ids."""

    ranks: dict[bytes, int]
    pattern: str
    shift: int = 0
    """Added to a rank to get the id: tekken numbers its special tokens first."""
    total: int | None = None
    special: Mapping[str, int] = field(default_factory=dict)
    """Ids of special tokens by their text, if known."""


def decode_rank(encoded: str | bytes, path: Path, where: str) -> bytes:
    """Decode a token from base64.

    Raises TokbenchError with file and position if it is invalid.
    """
    if encoded == b"=":  # the empty token at the end of Whisper's file
        return b""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokbenchError(f"{path}, {where}: {encoded!r} is not base64", "download it again") from error


def format_ranks(ranks: Iterable[tuple[bytes, int]]) -> bytes:
    """Serialise ranks as a rank file: one line per token, in base64, and its rank."""
    return b"".join([b"%b %d\n" % (binascii.b2a_base64(token, newline=False), rank) for token, rank in ranks])


def read_ranks(path: Path) -> dict[bytes, int]:
    """Read the ranks of a `.tiktoken` file."""
    return parse_ranks(path.read_bytes(), path)


def parse_ranks(content: bytes, path: Path) -> dict[bytes, int]:
    """Parse a rank file.

    Raises TokbenchError with `path`, from which it was read, and the line if it is malformed.
    """
    ranks = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 2 or not fields[1].isdigit():
            raise TokbenchError(f"{path}, line {number}: expected a token in base64 and its rank", "download it again")
        ranks[decode_rank(fields[0], path, f"line {number}")] = int(fields[1])
    return ranks


def check_ranks(ranks: Mapping[bytes, int], path: Path) -> None:
    """Raise TokbenchError for two tokens with one rank, or a byte without a token.

    The engine would panic.
    """
    if len(set(ranks.values())) < len(ranks):
        rank, times = Counter(ranks.values()).most_common(1)[0]
        raise TokbenchError(f"{path}: {times} tokens have the rank {rank}", "download it again")
    missing = [b for b in range(256) if bytes([b]) not in ranks]
    if missing:
        raise TokbenchError(f"{path}: no token is the byte {missing[0]}", "download it again")


def read_rank_file(asset: Asset) -> RankFile:
    """Read a rank file with the split pattern of its entry, as it contains none."""
    entry = asset.entry
    if entry is None or entry.pattern is None:
        raise TokbenchError(
            f"{asset.files[0]}: a rank file does not say how text is split before merging, and this one is not "
            "in the catalogue",
            f"name an entry with the same split, as in {asset.files[0]}#cl100k_base",
        )
    ranks = read_ranks(asset.files[0])
    taken = set(ranks.values())  # ids used by a file that splits like the entry but has more tokens
    special = {text: number for text, number in entry.special_tokens.items() if number not in taken}
    return RankFile(ranks, entry.pattern, special=name_special(asset, ranks, special))


def name_special(asset: Asset, ranks: Mapping[bytes, int], known: Mapping[str, int]) -> dict[str, int]:
    """Return the special tokens of a rank file, known or named by its companions.

    Every token beside the ranks is special, whatever its flags say: this engine has no others. Companion files override
    what is known. Raises TokbenchError for an id that is a rank, or a token without an id.
    """
    companions = read(asset.files)
    holders = {rank: token for token, rank in ranks.items()}
    named: dict[str, int] = {}
    for number, token in companions.numbered.items():
        holder = holders.get(number)
        if holder is not None and holder != token.content.encode():
            raise TokbenchError(
                f"{companions.where[token.content]}: the token {token.content!r} has the id {number}, which is the "
                f"rank of {holder!r}",
                "the files do not belong together",
            )
        if holder is None:
            named[token.content] = number
    taken = set(named.values())
    special = named | {text: n for text, n in known.items() if text not in named and n not in taken}
    for text in companions.named:
        if text not in special and text.encode() not in ranks:
            raise TokbenchError(
                f"{companions.where[text]}: no file gives an id for the special token {text!r}",
                "add it to added_tokens_decoder in tokenizer_config.json",
            )
    return special


def read_tiktoken_json(asset: Asset) -> RankFile:
    """Read the JSON of tiktoken's JavaScript port.

    Each line of `bpe_ranks` is `! first token token ...`.
    """
    document = read_json_object(asset.files[0])
    ranks = {}
    for number, line in enumerate(document["bpe_ranks"].splitlines(), 1):
        _, first, *tokens = line.split(" ")
        for rank, token in enumerate(tokens, int(first)):
            ranks[decode_rank(token, asset.files[0], f"bpe_ranks line {number}")] = rank
    return RankFile(ranks, document["pat_str"], special=document["special_tokens"])


def read_tekken(asset: Asset) -> RankFile:
    """Read Mistral's tekken.

    Of its tokens, as many count as the default size leaves beside the special ones.
    """
    document = read_json_object(asset.files[0])
    config = document["config"]
    special, total = int(config["default_num_special_tokens"]), int(config["default_vocab_size"])
    ranks = {
        decode_rank(token["token_bytes"], asset.files[0], f"rank {token['rank']}"): int(token["rank"])
        for token in document["vocab"][: total - special]
    }
    named = {token["token_str"]: int(token["rank"]) for token in document.get("special_tokens") or []}
    return RankFile(ranks, config["pattern"], shift=special, total=total, special=named)


READERS = {"tiktoken": read_rank_file, "tiktoken.json": read_tiktoken_json, "tekken": read_tekken}
