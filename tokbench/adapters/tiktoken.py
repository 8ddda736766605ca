"""OpenAI's tiktoken: byte-level BPE, with merges ordered by rank.

Reads rank files (`.tiktoken`, also as tokenizer.model, as Llama 3 and Kimi ship them), the JSON of Claude's old
tokenizer, and Mistral's tekken JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import tiktoken

from tokbench.adapters._cost import Cost
from tokbench.adapters._encoding import EncodedBatch, TokenTable
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters._reference import LoadedTokenizer, check_format, check_id_space, label_asset
from tokbench.adapters._stages import Stage, View
from tokbench.catalog.rank_files import READERS, RankFile, check_ranks, parse_ranks
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

REFERENCE_FOR = frozenset({"tiktoken", "tiktoken.json", "tekken"})
SIDE_WORK = "nothing"
LIBRARY = "tiktoken"
RUNS = {
    "tiktoken": Cost(load=0.195, encode=0.15),
    "tiktoken.json": Cost(load=0.18, encode=0.156),
    "tekken": Cost(load=0.195, encode=0.15),
    "tokenizer.json": Cost(load=0.27, encode=0.18),
    "vocab+merges": Cost(load=0.3, encode=0.15),
}


class TiktokenTokenizer(LoadedTokenizer):
    """Byte-level BPE by ranks."""

    def __init__(self, asset: Asset, file: RankFile | None = None) -> None:
        """Load a tokenizer from its files, or from ranks that are at hand."""
        try:
            self.file = file = READERS[asset.format](asset) if file is None else file
            check_ranks(file.ranks, Path(label_asset(asset)))
            highest = max({*file.ranks.values(), *(s - file.shift for s in file.special.values())}) + file.shift
            check_id_space(asset, highest)
            self.encoding = tiktoken.Encoding(
                asset.name, pat_str=file.pattern, mergeable_ranks=file.ranks, special_tokens={}
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise TokbenchError(
                f"{label_asset(asset)}: not a usable {asset.format} file ({error})", "download it again"
            ) from error
        total = max(file.total or 0, highest + 1)
        super().__init__(asset, "tiktoken", "encode_to_numpy", base=len(file.ranks), total=total)
        self.vocab_total = max(self.vocab_total, highest + 1)
        self.prefix = b"" if self.after is None else None

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts."""
        return self.encode_by(self.encoding, texts, frozenset())

    def encode_with_special(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts, reading special tokens in them.

        Raises TokbenchError if no special token's text is known.
        """
        if not self.file.special:
            raise TokbenchError(
                f"{self.name}: the text of no special token is known", "neither the file nor the catalogue names any"
            )
        return self.encode_by(self.special_encoding, texts, frozenset(self.file.special))

    @cached_property
    def special_encoding(self) -> tiktoken.Encoding:
        """The encoding with its special tokens, unknown to one without holes otherwise."""
        file = self.file
        return tiktoken.Encoding(
            self.name,
            pat_str=file.pattern,
            mergeable_ranks=file.ranks,
            special_tokens={text: number - file.shift for text, number in file.special.items()},
        )

    def encode_by(self, encoding: tiktoken.Encoding, texts: Sequence[str], special: frozenset[str]) -> EncodedBatch:
        """Encode texts through tiktoken's buffer, without creating Python integers."""
        arrays = [
            encoding.encode_to_numpy(text, allowed_special=special, disallowed_special=())
            for text in self.prepare(texts)
        ]
        batch = EncodedBatch.from_arrays(arrays)
        return EncodedBatch(batch.ids + np.int32(self.file.shift), batch.offsets) if self.file.shift else batch

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Decode each sequence of ids; special tokens with unknown text have none."""
        table = self.token_table() if self.token_table().known[batch.ids].all() else self.special_table
        return [table.concatenate(ids).tobytes().decode(errors="replace") for ids in batch]

    @cached_property
    def special_table(self) -> TokenTable:
        """The bytes of each id, including special tokens."""
        special = {number: text.encode() for text, number in self.file.special.items()}
        return TokenTable.from_mapping(self.numbered() | special, self.vocab_total)

    def read_table(self) -> TokenTable:
        """Return the bytes of each rank at its id."""
        return TokenTable.from_mapping(self.numbered(), self.vocab_total)

    def read_special_tokens(self) -> dict[int, str | None]:
        """Return the ids below the ranks, and the named special tokens."""
        unnamed: dict[int, str | None] = dict.fromkeys(range(self.file.shift))
        return unnamed | {number: text for text, number in self.file.special.items()}

    def engine_stages(self) -> Sequence[tuple[Stage, View]]:
        """Return the pre-tokenizer: ranks lose only what the split pattern leaves out."""
        return [(Stage.PRE_TOKENIZER, self.encode)]

    def numbered(self) -> dict[int, bytes]:
        """Return the bytes of each rank by id."""
        return {rank + self.file.shift: token for token, rank in self.file.ranks.items()}


class Ranks:
    """tiktoken for merges expressed as ranks."""

    name = LIBRARY
    call = "encode_to_numpy"
    misread = None

    def build(self, pattern: str, ranks: bytes) -> Callable[[Sequence[str]], EncodedBatch]:
        """Build the engine for a rank file.

        Its output is not converted to Python integers.
        """
        known = parse_ranks(ranks, Path("ranks"))
        encode = tiktoken.Encoding("ranks", pat_str=pattern, mergeable_ranks=known, special_tokens={}).encode_to_numpy
        return lambda texts: EncodedBatch.from_arrays([encode(text, disallowed_special=()) for text in texts])


def load(asset: Asset) -> Tokenizer:
    """Load a rank file, Claude's or tekken's JSON, or merges expressible as ranks."""
    check_format(asset, "tiktoken", RUNS.keys())
    if asset.format not in REFERENCE_FOR:
        from tokbench.adapters._merges_as_ranks import load_merges

        return load_merges(asset, Ranks())
    return TiktokenTokenizer(asset)
