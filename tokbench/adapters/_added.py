"""Added tokens that are cut out of text before a model sees it, for engines that know none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tokenizers
from tokenizers import Tokenizer, models

from tokbench.companions import AddedToken


class Piece(NamedTuple):
    """Part of a text: an added token, or what lies between two (`number` None); start and end in characters."""

    number: int | None
    start: int
    end: int


class Cutter:
    """Search for added tokens as `tokenizers` does it: its own search, before a model that makes one token of the rest.

    tokens: the added tokens by their ids; special ones are plain text.
    """

    def __init__(self, tokens: Mapping[int, AddedToken]) -> None:
        plain = {number: token for number, token in sorted(tokens.items()) if not token.special}
        rest = "".join(token.content for token in plain.values()) + "."  # longer than any of them
        self.pipeline = Tokenizer(models.WordLevel({rest: 0}, rest))
        self.pipeline.add_tokens([tokenizers.AddedToken(token.content, **token.flags) for token in plain.values()])
        self.number_of = {self.pipeline.token_to_id(token.content): number for number, token in plain.items()}

    def cut(self, texts: Sequence[str]) -> list[list[Piece]]:
        """The pieces of each text; none of an empty one."""
        return [
            [
                Piece(self.number_of.get(number), *bounds)
                for number, bounds in zip(found.ids, found.offsets, strict=True)
            ]
            for found in self.pipeline.encode_batch(list(texts), add_special_tokens=False)
        ]
