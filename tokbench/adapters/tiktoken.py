"""OpenAI's tiktoken: byte-level BPE whose merge order is the rank of the merged token.

Reads rank files (`.tiktoken`, also under the name tokenizer.model as Llama 3 and Kimi ship them), the JSON of
Claude's old tokenizer, and Mistral's tekken JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken

from tokbench.adapters._batch import EncodedBatch, TokenTable
from tokbench.adapters._cost import Cost
from tokbench.adapters._loaded import LoadedTokenizer, check_format, check_id_space
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters._stages import Stage, View
from tokbench.assets import Asset
from tokbench.errors import TokbenchError
from tokbench.tokenizer_classes import read

REFERENCE_FOR = frozenset({"tiktoken", "tiktoken.json", "tekken"})
SIDE_WORK = "nothing"
LIBRARY = "tiktoken"
RUNS = {
    "tiktoken": Cost(load=0.18, encode=0.185),
    "tiktoken.json": Cost(load=0.165, encode=0.17),
    "tekken": Cost(load=0.18, encode=0.185),
    "tokenizer.json": Cost(load=0.33, encode=0.19),
    "vocab+merges": Cost(load=0.24, encode=0.2),
}


@dataclass(frozen=True)
class RankFile:
    """What tiktoken needs: the bytes of each rank, how text is split first, and how ranks become ids."""

    ranks: dict[bytes, int]
    pattern: str
    shift: int = 0
    """Added to a rank to give the id: tekken numbers its special tokens first."""
    total: int | None = None
    special: Mapping[str, int] = field(default_factory=dict)
    """The text of special tokens, where it is known, and their ids."""


def decode_rank(encoded: str | bytes, path: Path, where: str) -> bytes:
    """A token in base64; TokbenchError naming file and place where it is not."""
    if encoded == b"=":  # the empty token that closes Whisper's file
        return b""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokbenchError(f"{path}, {where}: {encoded!r} is not base64", "get the file again") from error


def write_ranks(ranks: Iterable[tuple[bytes, int]]) -> bytes:
    """A rank file: a line holds a token in base64 and its rank."""
    return b"".join([b"%b %d\n" % (binascii.b2a_base64(token, newline=False), rank) for token, rank in ranks])


def read_ranks(path: Path) -> dict[bytes, int]:
    """The ranks of a `.tiktoken` file."""
    return parse_ranks(path.read_bytes(), path)


def parse_ranks(content: bytes, path: Path) -> dict[bytes, int]:
    """The ranks of a rank file; TokbenchError naming the path, which it was read from, and the line for another."""
    ranks = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 2 or not fields[1].isdigit():
            raise TokbenchError(f"{path}, line {number}: expected a token in base64 and its rank", "get the file again")
        ranks[decode_rank(fields[0], path, f"line {number}")] = int(fields[1])
    return ranks


def check_ranks(ranks: Mapping[bytes, int], path: Path) -> None:
    """TokbenchError where the engine would panic: two tokens of one rank, or a byte without a token."""
    if len(set(ranks.values())) < len(ranks):
        rank, times = Counter(ranks.values()).most_common(1)[0]
        raise TokbenchError(f"{path}: {times} tokens have the rank {rank}", "get the file again")
    missing = [b for b in range(256) if bytes([b]) not in ranks]
    if missing:
        raise TokbenchError(f"{path}: no token is the byte {missing[0]}", "get the file again")


def read_rank_file(asset: Asset) -> RankFile:
    """A rank file with the split pattern of its catalogue entry, as the file itself holds none."""
    entry = asset.entry
    if entry is None or entry.pattern is None:
        raise TokbenchError(
            f"{asset.files[0]}: a file of ranks does not say how text is split before merging, and this one is not "
            "in the catalogue",
            f"name the entry that splits alike, as in {asset.files[0]}#cl100k_base",
        )
    ranks = read_ranks(asset.files[0])
    taken = set(ranks.values())  # by a file that only splits as the entry does, and has more tokens
    special = {text: number for text, number in entry.special_tokens.items() if number not in taken}
    return RankFile(ranks, entry.pattern, special=name_special(asset, ranks, special))


def name_special(asset: Asset, ranks: Mapping[bytes, int], known: Mapping[str, int]) -> dict[str, int]:
    """The special tokens of a rank file: those that are known of it, and those that its companion files name.

    Every token beside the ranks is special, whatever its flags say: this engine has no others. What the files say
    goes before what is known. Raises TokbenchError for an id that is a rank, or a token without an id.
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
                f"{companions.where[text]}: no file gives an id to the special token {text!r}",
                "add it to added_tokens_decoder in tokenizer_config.json",
            )
    return special


def read_tiktoken_json(asset: Asset) -> RankFile:
    """The form of tiktoken's JavaScript port: `bpe_ranks` holds `! first token token ...` on each line."""
    document = read_json(asset.files[0])
    ranks = {}
    for number, line in enumerate(document["bpe_ranks"].splitlines(), 1):
        _, first, *tokens = line.split(" ")
        for rank, token in enumerate(tokens, int(first)):
            ranks[decode_rank(token, asset.files[0], f"bpe_ranks line {number}")] = rank
    return RankFile(ranks, document["pat_str"], special=document["special_tokens"])


def read_tekken(asset: Asset) -> RankFile:
    """Mistral's tekken: of the tokens listed, as many are used as the default size leaves beside the special ones."""
    document = read_json(asset.files[0])
    config = document["config"]
    special, total = int(config["default_num_special_tokens"]), int(config["default_vocab_size"])
    ranks = {
        decode_rank(token["token_bytes"], asset.files[0], f"rank {token['rank']}"): int(token["rank"])
        for token in document["vocab"][: total - special]
    }
    named = {token["token_str"]: int(token["rank"]) for token in document.get("special_tokens") or []}
    return RankFile(ranks, config["pattern"], shift=special, total=total, special=named)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; TokbenchError naming line and column where it does not parse."""
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise TokbenchError(f"{path}: not valid JSON ({error})", "get the file again") from error
    if not isinstance(document, dict):
        raise TokbenchError(f"{path}: expected a JSON object", "get the file again")
    return document


READERS = {"tiktoken": read_rank_file, "tiktoken.json": read_tiktoken_json, "tekken": read_tekken}


class TiktokenTokenizer(LoadedTokenizer):
    """Byte-level BPE by ranks."""

    def __init__(self, asset: Asset) -> None:
        try:
            self.file = file = READERS[asset.format](asset)
            check_ranks(file.ranks, asset.files[0])
            highest = max({*file.ranks.values(), *(s - file.shift for s in file.special.values())}) + file.shift
            check_id_space(asset, highest)
            self.encoding = tiktoken.Encoding(
                asset.name, pat_str=file.pattern, mergeable_ranks=file.ranks, special_tokens={}
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise TokbenchError(
                f"{asset.files[0]}: not a usable {asset.format} file ({error})", "get the file again"
            ) from error
        total = max(file.total or 0, highest + 1)
        super().__init__(asset, "tiktoken", "encode_to_numpy", base=len(file.ranks), total=total)
        self.vocab_total = max(self.vocab_total, highest + 1)
        self.prefix = b"" if self.before is None else None

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text."""
        return self.encode_by(self.encoding, texts, frozenset())

    def encode_with_special(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text, special tokens read from it; TokbenchError where the text of none is known."""
        if not self.file.special:
            raise TokbenchError(
                f"{self.name}: the text of no special token is known", "neither the file nor the catalogue names any"
            )
        return self.encode_by(self.special_encoding, texts, frozenset(self.file.special))

    @cached_property
    def special_encoding(self) -> tiktoken.Encoding:
        """The same with its special tokens, which a vocabulary without holes would otherwise not know."""
        file = self.file
        return tiktoken.Encoding(
            self.name,
            pat_str=file.pattern,
            mergeable_ranks=file.ranks,
            special_tokens={text: number - file.shift for text, number in file.special.items()},
        )

    def encode_by(self, encoding: tiktoken.Encoding, texts: Sequence[str], special: frozenset[str]) -> EncodedBatch:
        """The ids of each text, through the buffer that tiktoken fills without making Python integers."""
        arrays = [
            encoding.encode_to_numpy(text, allowed_special=special, disallowed_special=())
            for text in self.prepare(texts)
        ]
        batch = EncodedBatch.from_arrays(arrays)
        return EncodedBatch(batch.ids + np.int32(self.file.shift), batch.offsets) if self.file.shift else batch

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """The text of each sequence of ids; special tokens whose text is not known have none."""
        table = self.token_table() if self.token_table().known[batch.ids].all() else self.special_table
        return [table.concatenate(ids).tobytes().decode(errors="replace") for ids in batch]

    @cached_property
    def special_table(self) -> TokenTable:
        """The bytes of each id, those of special tokens among them."""
        special = {number: text.encode() for text, number in self.file.special.items()}
        return TokenTable.from_mapping(self.numbered() | special, self.vocab_total)

    def read_table(self) -> TokenTable:
        """The bytes of each rank at its id."""
        return TokenTable.from_mapping(self.numbered(), self.vocab_total)

    def read_special_tokens(self) -> dict[int, str | None]:
        """Return the ids below the ranks, and the special tokens that are named."""
        unnamed: dict[int, str | None] = dict.fromkeys(range(self.file.shift))
        return unnamed | {number: text for text, number in self.file.special.items()}

    def engine_stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the pre-tokenizer: ranks lose nothing but what the split pattern leaves out."""
        return [(Stage.PRE_TOKENIZER, self.encode_one)]

    def numbered(self) -> dict[int, bytes]:
        """The bytes of each rank by its id."""
        return {rank + self.file.shift: token for token, rank in self.file.ranks.items()}


class Ranks:
    """tiktoken for merges that are ranks."""

    name = LIBRARY
    path = "encode_to_numpy"
    misread = None

    def build(self, pattern: str, ranks: bytes) -> Callable[[Sequence[str]], EncodedBatch]:
        """The engine for a rank file; no Python integers are made of what it gives."""
        known = parse_ranks(ranks, Path("ranks"))
        encode = tiktoken.Encoding("ranks", pat_str=pattern, mergeable_ranks=known, special_tokens={}).encode_to_numpy
        return lambda texts: EncodedBatch.from_arrays([encode(text, disallowed_special=()) for text in texts])


def load(asset: Asset) -> Tokenizer:
    """The tokenizer of a rank file, of Claude's JSON or of tekken's; of byte-level merges where they are ranks."""
    check_format(asset, "tiktoken", RUNS.keys())
    if asset.format not in REFERENCE_FOR:
        from tokbench.adapters._merges import load_merges

        return load_merges(asset, Ranks())
    return TiktokenTokenizer(asset)
