"""Added tokens cut out of text as `tokenizers` does it, for engines that know none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from tokenizers import AddedToken, Tokenizer, models

from tokbench.catalog import companions


@dataclass(frozen=True)
class AddedTokens:
    """The tokens added to a vocabulary that an encoder has to find in text.

    raw: text and id of those found in the text as given. normalized: of those found after normalisation, their text
    normalised too. A special token has no id (None): its text stays plain text, but hides what overlaps it.
    """

    raw: Mapping[str, int | None] = field(default_factory=dict)
    normalized: Mapping[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> AddedTokens:
        """Read the added tokens of a pipeline; ValueError where one also takes or asks for what surrounds it."""
        found = tokenizer.get_added_tokens_decoder()
        # The library searches for special tokens first: of two that are normalised to one text it takes the first.
        ordered = sorted(found.items(), key=lambda item: not item[1].special)
        for _, token in ordered:
            if not token.special and (token.single_word or token.lstrip or token.rstrip):
                raise ValueError(f"the added token {token.content!r} looks at its surroundings")
        raw = {token.content: id_of(number, token) for number, token in ordered if not token.normalized}
        normalized: dict[str, int | None] = {}
        normalize = tokenizer.normalizer.normalize_str if tokenizer.normalizer is not None else str
        for number, token in ordered:
            if token.normalized:
                normalized.setdefault(normalize(token.content), id_of(number, token))
        return cls(drop_inert(raw), drop_inert(normalized))

    @cached_property
    def cut_raw(self) -> Callable[[str], list[str | int]] | None:
        """Cut a text as given at its added tokens, None where there are none; see `make_cut`."""
        return make_cut(self.raw)

    @cached_property
    def cut_normalized(self) -> Callable[[str], list[str | int]] | None:
        """Cut a normalised text at its added tokens, None where there are none; see `make_cut`."""
        return make_cut(self.normalized)


def id_of(number: int, token: AddedToken) -> int | None:
    """The id of an added token, None for a special one."""
    return None if token.special else number


def drop_inert(tokens: Mapping[str, int | None]) -> dict[str, int | None]:
    """Leave out empty tokens, and special tokens that share no character with one that is cut out."""
    characters = {c for text, number in tokens.items() if number is not None for c in text}
    return {text: n for text, n in tokens.items() if text and (n is not None or not characters.isdisjoint(text))}


def make_cut(tokens: Mapping[str, int | None]) -> Callable[[str], list[str | int]] | None:
    """Return what cuts a text at tokens: plain text and id in turn, plain text first and last.

    At each position the longest token counts, from the left. None where no token has an id.

    >>> cut = make_cut({"<a>": 7, "<a>>": None})
    >>> cut("x<a>y"), cut("<a>>")
    (['x', 7, 'y'], ['<a>>'])
    """
    if all(number is None for number in tokens.values()):
        return None
    longest_first: Sequence[str] = sorted(tokens, key=len, reverse=True)
    find = re.compile("|".join(map(re.escape, longest_first))).finditer

    def cut(text: str) -> list[str | int]:
        pieces: list[str | int] = []
        start = 0
        for match in find(text):
            number = tokens[match[0]]
            if number is not None:
                pieces += (text[start : match.start()], number)
                start = match.end()
        pieces.append(text[start:] if start else text)
        return pieces

    return cut


class Piece(NamedTuple):
    """Part of a text: an added token, or what lies between two (`number` None); start and end in characters."""

    number: int | None
    start: int
    end: int


class Cutter:
    """Search for added tokens as `tokenizers` does it: its own search, before a model that makes one token of the rest.

    tokens: the added tokens by their ids; special ones are plain text.
    """

    def __init__(self, tokens: Mapping[int, companions.AddedToken]) -> None:
        plain = {number: token for number, token in sorted(tokens.items()) if not token.special}
        rest = "".join(token.content for token in plain.values()) + "."  # longer than any of them
        self.pipeline = Tokenizer(models.WordLevel({rest: 0}, rest))
        self.pipeline.add_tokens([AddedToken(token.content, **token.flags) for token in plain.values()])
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
