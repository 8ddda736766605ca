"""Split added tokens out of text, for engines that do not support them.

They are found as `tokenizers` finds them.
"""

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
    """The added tokens that an encoder must find in text.

    raw: ids of tokens found in the text as given, by their text.
    normalized: ids of tokens found after normalisation, by their normalised text.
    A special token has no id (None): its text stays plain text, but hides whatever overlaps it.
    """

    raw: Mapping[str, int | None] = field(default_factory=dict)
    normalized: Mapping[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> AddedTokens:
        """Read the added tokens of a pipeline.

        Raises ValueError if one depends on its surroundings.
        """
        decoder = tokenizer.get_added_tokens_decoder()
        # The library searches for special tokens first: of two with the same normalised text, the first wins.
        ordered = sorted(decoder.items(), key=lambda item: not item[1].special)
        for _, token in ordered:
            if not token.special and (token.single_word or token.lstrip or token.rstrip):
                raise ValueError(f"the added token {token.content!r} depends on its surroundings")
        raw = {token.content: id_of(number, token) for number, token in ordered if not token.normalized}
        normalized: dict[str, int | None] = {}
        normalize = tokenizer.normalizer.normalize_str if tokenizer.normalizer is not None else str
        for number, token in ordered:
            if token.normalized:
                normalized.setdefault(normalize(token.content), id_of(number, token))
        return cls(drop_inert(raw), drop_inert(normalized))

    @cached_property
    def cut_raw(self) -> Callable[[str], list[str | int]] | None:
        """Function that splits a text as given at its added tokens.

        Return None if there are none; see `make_cut`.
        """
        return make_cut(self.raw)

    @cached_property
    def cut_normalized(self) -> Callable[[str], list[str | int]] | None:
        """Function that splits a normalised text at its added tokens.

        Return None if there are none; see `make_cut`.
        """
        return make_cut(self.normalized)


def id_of(number: int, token: AddedToken) -> int | None:
    """Return the id of an added token, None for a special one."""
    return None if token.special else number


def drop_inert(tokens: Mapping[str, int | None]) -> dict[str, int | None]:
    """Drop empty tokens, and special ones that share no character with a split one."""
    characters = {c for text, number in tokens.items() if number is not None for c in text}
    return {text: n for text, n in tokens.items() if text and (n is not None or not characters.isdisjoint(text))}


def make_cut(tokens: Mapping[str, int | None]) -> Callable[[str], list[str | int]] | None:
    """Return a function that splits a text into plain text and ids of tokens.

    The two alternate, with plain text first and last.
    From the left, the longest token at each position counts. Return None if no token has an id.

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
    """Part of a text: an added token, or the text between two (`number` None).

    Start and end in characters.
    """

    number: int | None
    start: int
    end: int


class Cutter:
    """Find added tokens with the search of `tokenizers` itself.

    It runs before a model that makes the rest one token.
    tokens: the added tokens by id; special ones are plain text.
    """

    def __init__(self, tokens: Mapping[int, companions.AddedToken]) -> None:
        plain = {number: token for number, token in sorted(tokens.items()) if not token.special}
        rest = "".join(token.content for token in plain.values()) + "."  # longer than any of them
        self.pipeline = Tokenizer(models.WordLevel({rest: 0}, rest))
        self.pipeline.add_tokens([AddedToken(token.content, **token.flags) for token in plain.values()])
        self.number_of = {self.pipeline.token_to_id(token.content): number for number, token in plain.items()}

    def cut(self, texts: Sequence[str]) -> list[list[Piece]]:
        """Split each text into pieces; an empty text has none."""
        return [
            [
                Piece(self.number_of.get(number), *bounds)
                for number, bounds in zip(encoding.ids, encoding.offsets, strict=True)
            ]
            for encoding in self.pipeline.encode_batch(list(texts), add_special_tokens=False)
        ]
