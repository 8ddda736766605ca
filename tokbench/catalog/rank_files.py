"""Rank files: byte-level BPE as ranks, in the three formats tiktoken reads."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench.catalog.ids import MOST_IDS, check_id, check_text, find_double, parse_id, show
from tokbench.catalog.rank_lines import format_ranks as format_ranks
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


def read_ranks(path: Path) -> dict[bytes, int]:
    """Read the ranks of a `.tiktoken` file."""
    return parse_ranks(path.read_bytes(), path)


def parse_ranks(content: bytes, path: Path) -> dict[bytes, int]:
    """Parse a rank file.

    Raises TokbenchError with `path`, from which it was read, and the line if it is malformed, has a rank that is no
    number below `MOST_IDS`, or a token for the second time.
    """
    lines = content.split(b"\n")
    filled = [line for line in lines if line]
    try:
        ranks = {_decode(token): int(rank) for token, rank in map(bytes.split, filled)}
    except ValueError:
        ranks = {}
    # `int` also reads signs and underscores, which base64 does not contain, but for +.
    if len(ranks) == len(filled) and _are_ids(ranks.values()) and not any(sign in content for sign in (b"_", b" +")):
        return ranks
    return _parse_lines(lines, path)


def _parse_lines(lines: Sequence[bytes], path: Path) -> dict[bytes, int]:
    """Parse the lines of a rank file one by one, to name the first that is at fault."""
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 2:
            raise TokbenchError(f"{path}, line {number}: expected a token in base64 and its rank", "download it again")
        _add_rank(ranks, fields[0], parse_id(fields[1], f"{path}, line {number}", what="rank"), path, f"line {number}")
    return ranks


def _decode(encoded: str | bytes) -> bytes:
    return b"" if encoded == b"=" else binascii.a2b_base64(encoded, strict_mode=True)


def _are_ids(numbers: Collection[Any]) -> bool:
    """Return whether all are whole numbers from 0 to below `MOST_IDS`."""
    return set(map(type, numbers)) <= {int} and min(numbers, default=0) >= 0 and max(numbers, default=0) < MOST_IDS


def _add_rank(ranks: dict[bytes, int], encoded: str | bytes, rank: int, path: Path, where: str) -> None:
    """Decode a token and add it to the ranks; TokbenchError if it has one already."""
    token = decode_rank(encoded, path, where)
    if token in ranks:
        raise TokbenchError(
            f"{path}, {where}: the token {show(token)} has the rank {ranks[token]} already", "download it again"
        )
    ranks[token] = rank


def check_ranks(ranks: Mapping[bytes, int], path: Path) -> None:
    """Raise TokbenchError for two tokens with one rank, or a byte without a token.

    The engine would panic.
    """
    if len(set(ranks.values())) < len(ranks):
        rank, times = Counter(ranks.values()).most_common(1)[0]
        first, second, *_ = (show(token) for token, other in ranks.items() if other == rank)
        raise TokbenchError(
            f"{path}: {times} tokens have the rank {rank}, {first} and {second} among them", "download it again"
        )
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
    path = asset.files[0]
    document = read_json_object(path)
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(_read(document, "bpe_ranks", str, path).splitlines(), 1):
        where = f"bpe_ranks line {number}"
        _, *fields = line.split(" ")
        if not fields:
            raise TokbenchError(f"{path}, {where}: expected ! and a rank, then tokens in base64", "download it again")
        first = parse_id(fields[0].encode(errors="replace"), f"{path}, {where}", what="rank")
        check_id(first + len(fields), f"{path}, {where}", what="last rank")
        for rank, token in enumerate(fields[1:], first):
            _add_rank(ranks, token, rank, path, where)
    return RankFile(
        ranks,
        check_text(_read(document, "pat_str", str, path), str(path), what="pattern"),
        special=_read_special(_read(document, "special_tokens", dict, path).items(), path),
    )


def _read(document: Mapping[str, Any], key: str, kind: type, path: Path) -> Any:
    """Return a value of a JSON object; TokbenchError if it is missing or of another type."""
    if key not in document:
        raise TokbenchError(f"{path}: there is no {key!r}", "download it again")
    value = document[key]
    if type(value) is not kind:
        raise TokbenchError(f"{path}: {key} is {show(value)}, not {_KINDS[kind]}", "download it again")
    return value


_KINDS = {str: "a string", dict: "an object", list: "a list", int: "a whole number"}


def _read_special(items: Iterable[tuple[Any, Any]], path: Path) -> dict[str, int]:
    """Return special tokens by their text; TokbenchError for an empty one, a double id, and an id out of bounds."""
    special: dict[str, int] = {}
    for text, number in items:
        if not check_text(text, str(path), what="special token"):
            raise TokbenchError(f"{path}: a special token is empty, so no text contains it", "remove it")
        special[text] = check_id(number, f"{path}, the special token {show(text)}")
    double = find_double(special.values())
    if double is not None:
        raise TokbenchError(f"{path}: two special tokens have the id {double}", "download it again")
    return special


def read_tekken(asset: Asset) -> RankFile:
    """Read Mistral's tekken.

    Of its tokens, as many count as the default size leaves beside the special ones.
    """
    path = asset.files[0]
    document = read_json_object(path)
    config = _read(document, "config", dict, path)
    special, total = (
        check_id(_read(config, key, int, path), f"{path}, {key}", what="size")
        for key in ("default_num_special_tokens", "default_vocab_size")
    )
    if special > total:
        raise TokbenchError(f"{path}: of {total} tokens, {special} are special", "download it again")
    ranks = _read_tekken_ranks(_read(document, "vocab", list, path)[: total - special], path)
    listed = document.get("special_tokens") or []
    if type(listed) is not list or not all(type(token) is dict for token in listed):
        raise TokbenchError(f"{path}: special_tokens is {show(listed)}, not a list of objects", "download it again")
    named = _read_special([(token.get("token_str"), token.get("rank")) for token in listed], path)
    pattern = check_text(_read(config, "pattern", str, path), str(path), what="pattern")
    return RankFile(ranks, pattern, shift=special, total=total, special=named)


def _read_tekken_ranks(vocab: Sequence[Any], path: Path) -> dict[bytes, int]:
    try:
        ranks: dict[bytes, int] = {_decode(token["token_bytes"]): token["rank"] for token in vocab}
    except (ValueError, TypeError, KeyError):
        ranks = {}
    if len(ranks) == len(vocab) and _are_ids(ranks.values()):
        return ranks
    ranks = {}
    for number, token in enumerate(vocab):  # one by one, to name the first that is at fault
        where = f"token {number} of vocab"
        if type(token) is not dict:
            raise TokbenchError(f"{path}, {where}: {show(token)} is not an object", "download it again")
        rank = check_id(_read(token, "rank", int, path), f"{path}, {where}", what="rank")
        _add_rank(ranks, _read(token, "token_bytes", str, path), rank, path, where)
    return ranks


READERS = {"tiktoken": read_rank_file, "tiktoken.json": read_tiktoken_json, "tekken": read_tekken}
