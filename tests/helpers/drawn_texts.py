"""Random texts of the kinds on which engines have differed, drawn from a seed."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

from tokbench import load_corpus
from tokbench.adapters import Tokenizer
from tokbench.catalog.sources import Asset

LONGEST = 40
SPACES = (
    *(" ", " ", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f"),
    *("\x85", "\xa0", "\u1680", "\u180e", "\u180e", "\u200b", "\u200c", "\u200d", "\u2028", "\u2029", "\u202f"),
    *("\u205f", "\u2060", "\u3000", "\ufeff", *map(chr, range(0x2000, 0x200B))),
)
APOSTROPHES = ("'", "'", "\u2019", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "\u2019s", "''", "ſ", "'ſ")
SPECIAL = ("<|endoftext|>", "<s>", "</s>", "<unk>", "[UNK]", "[CLS]", "<0x41>", "<pad>", "##", "▁", "Ġ", "</w>", "@@")
COMPATIBLE = tuple("\ufb01\uff21\uff41\u2460\u00b2\u00bd\u212b\u01c6\u1e9b\ufdfa\u3392\uff76\uff9e\u0132\u2126İıẞß")
PICTURES = (
    *map(chr, range(0x1F300, 0x1F700, 7)),
    "\u200d",
    "\ufe0f",
    "🇩",
    "🇪",
    "👍🏽",
    "👩\u200d👩\u200d👧",
    "1\ufe0f\u20e3",
)


@cache
def list_categories() -> dict[str, list[str]]:
    """All code points that UTF-8 has, by the first letter of their category; `Cn` apart."""
    found: dict[str, list[str]] = {}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category != "Cs":
            found.setdefault(category if category == "Cn" else category[0], []).append(chr(code))
    return found


@cache
def list_words() -> tuple[str, ...]:
    """The different words of the project's own corpus, in all its languages."""
    corpus = load_corpus()
    texts = (text for language in corpus.languages for text in corpus.texts(language))
    return tuple(sorted({word[:LONGEST] for text in texts for word in text.split()}))


def find_added(asset: Asset) -> tuple[str, ...]:
    """The text of the added and special tokens that the files of a tokenizer and its catalogue entry name."""
    named = set(asset.entry.special_tokens) if asset.entry else set()
    for path in asset.files:
        if path.suffix == ".json" and path.name not in ("vocab.json", "vocab.reconstructed.json"):
            named |= set(_find_contents(json.loads(path.read_bytes())))
    return tuple(sorted(filter(None, named)))


def _find_contents(document: Any) -> Iterator[str]:
    if not isinstance(document, dict):
        return
    for token in document.get("added_tokens", []):
        yield token["content"]
    for token in document.get("added_tokens_decoder", {}).values():
        yield token["content"]
    special = document.get("special_tokens") or []
    yield from special if isinstance(special, dict) else (token["token_str"] for token in special)


def list_tokens(tokenizer: Tokenizer) -> tuple[str, ...]:
    """The text of every token that is text, each once."""
    table = tokenizer.token_table()
    texts = ((table[token] or b"").decode(errors="ignore") for token in range(len(table)))
    return tuple(dict.fromkeys(filter(None, texts)))


def place(token: str) -> tuple[str, ...]:
    """A token alone, after a space, inside a word, doubled."""
    return token, f" {token}", f"x{token}y", token + token


def draw_texts(count: int, seed: str, tokens: Sequence[str], added: Sequence[str]) -> list[str]:
    """So many texts of 1 to about 40 characters: code points of all kinds, words, tokens and added tokens, mixed."""
    pick = random.Random(seed)
    pools = list(_list_pools(pick, tokens, added))
    limits, kinds = list(accumulate(weight for weight, _ in pools)), [pool for _, pool in pools]
    texts = []
    for _ in range(count):
        wanted, text = pick.randint(1, LONGEST), ""
        for pool in pick.choices(kinds, cum_weights=limits, k=wanted):
            text += pool[int(pick.random() * len(pool))]
            if len(text) >= wanted:
                break
        texts.append(text)
    return texts


def _list_pools(
    pick: random.Random, tokens: Sequence[str], added: Sequence[str]
) -> Iterator[tuple[int, Sequence[str]]]:
    """Pieces of texts, and how often each kind is taken."""
    points = list_categories()
    yield 10, [chr(code) for code in range(0x20, 0x7F)]
    yield 4, "abcABC"
    yield 12, SPACES
    yield 4, " "
    yield 5, APOSTROPHES
    yield 4, "0123456789"
    yield 2, COMPATIBLE
    yield 2, PICTURES
    yield 2, SPECIAL
    yield 2, [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
    for weight, category in ((6, "L"), (5, "M"), (3, "N"), (2, "P"), (2, "S"), (2, "Z"), (1, "C"), (2, "Cn")):
        yield weight, points[category]
    yield 10, list_words()
    if tokens:
        yield 12, tokens
    if added:
        yield 8, added
        yield 3, [piece for token in added for piece in (token[:-1], token[1:], token * 2, token.upper()) if piece]
        yield 3, [f"{before}{token}{after}" for token in added for before in ("", " ", "a") for after in ("", " ", "a")]
