"""Random texts of the kinds on which engines differ, drawn from a seed."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

from tokbench.adapters._hard_texts import common_texts
from tokbench.adapters._protocol import Tokenizer

LONGEST = 40
"""Characters of the longest random text."""

_SPACES = (
    " ",
    " ",
    " ",
    "  ",
    "   ",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "\x0b",
    "\x85",
    "\xa0",
    "\u2003",
    "\u200b",
    "\u3000",
)
_APOSTROPHES = ("'", "\u2019", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "\u2019s", "''", "\u017f")
_MARKUP = ("<|endoftext|>", "<s>", "</s>", "<unk>", "[UNK]", "<0x41>", "##", "\u2581", "\u0120", "</w>", "@@")
_MOST_TOKENS = 20_000


@cache
def _list_characters() -> dict[str, tuple[str, ...]]:
    """Return the assigned characters by the first letter of their category."""
    found: dict[str, list[str]] = {}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category not in ("Cs", "Cn", "Co"):
            found.setdefault(category[0], []).append(chr(code))
    return {kind: tuple(characters) for kind, characters in found.items()}


@cache
def _list_words() -> tuple[str, ...]:
    """Return the words of the common hard texts."""
    return tuple(dict.fromkeys(word[:LONGEST] for text in common_texts() for word in text.split()))


def draw_texts(tokenizer: Tokenizer, count: int, seed: int) -> list[str]:
    """Draw texts of 1 to about 40 characters: all scripts, spaces, words, tokens and special texts, mixed.

    Equal for equal arguments, on any version of Python with the same Unicode data.
    """
    pick = random.Random(seed)  # noqa: S311 - no secret
    pools = list(_list_pools(tokenizer))
    weights = [weight for weight, _ in pools]
    texts = []
    for _ in range(count):
        wanted, text = pick.randint(1, LONGEST), ""
        while len(text) < wanted:
            (pool,) = pick.choices(pools, weights)
            text += pool[1][pick.randrange(len(pool[1]))]
        texts.append(text)
    return texts


def _list_pools(tokenizer: Tokenizer) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield kinds of pieces, each with its weight."""
    characters = _list_characters()
    yield 10, [chr(code) for code in range(0x20, 0x7F)]
    yield 12, _SPACES
    yield 5, _APOSTROPHES
    yield 5, "0123456789"
    yield 2, _MARKUP
    for weight, kind in ((6, "L"), (5, "M"), (3, "N"), (2, "P"), (2, "S"), (1, "Z"), (1, "C")):
        yield weight, characters[kind]
    yield 10, _list_words()
    table = tokenizer.token_table()
    step = max(1, len(table) // _MOST_TOKENS)
    decoded = ((table[number] or b"").decode(errors="ignore") for number in range(0, len(table), step))
    tokens = sorted({text for text in decoded if 0 < len(text) <= LONGEST})
    if tokens:
        yield 12, tokens
    reserved = [text for text in tokenizer.reserved_texts() if len(text) <= LONGEST]
    if reserved:
        yield 8, reserved
        yield 3, [piece for text in reserved for piece in (text[:-1], text[1:], text * 2) if piece]
