"""Which tokens may be joined to a new one, by their texts."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cache

from tokbench.analysis.extension._forms import SPACE
from tokbench.analysis.sweep._merged_tokens import Document

LONGEST = 48
"""Bytes of the longest new token: 16 Chinese characters, as in SentencePiece's trainer."""

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_IDEOGRAPHIC = frozenset({"CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC"})
_DIGIT, _OTHER, _MARK = "digit", "other", "mark"


@cache
def classify(character: str) -> str:
    """Return the script of a letter, or that it is a digit, a combining mark or something else.

    >>> classify("a"), classify("\u4e16") == classify("\u3042"), classify("7"), classify("\uff0c")
    ('LATIN', True, 'digit', 'other')
    """
    category = unicodedata.category(character)
    if category[0] == "N":
        return _DIGIT
    if category[0] not in "LM":
        return _OTHER
    name = unicodedata.name(character, "").partition(" ")[0].partition("-")[0]
    if name == "COMBINING":
        return _MARK
    return "CJK" if name in _IDEOGRAPHIC else name


def crosses_border(left: str, right: str) -> bool:
    """Return whether a border that SentencePiece's trainer never crosses lies between two pieces.

    Before a space, between scripts, between letters and other characters, and at each digit.

    >>> crosses_border("\u2581you", "r"), crosses_border("a", "\u2581b"), crosses_border("1", "9")
    (False, True, True)
    """
    if right.startswith(SPACE):
        return True
    before, after = classify(left[-1]), classify(right[0])
    if _DIGIT in (before, after):
        return True
    if left[-1] == SPACE:
        return not left.strip(SPACE) and len(left) > 1
    return before != after and after != _MARK and before != _MARK


class SortedSides:
    """Texts sorted from their beginnings and from their ends."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.forward = sorted(texts)
        self.backward = sorted(text[::-1] for text in self.forward)

    def begin_or_end(self, text: str) -> bool:
        """Return whether a longer text begins or ends with a text that is none of them."""
        sides = ((self.forward, text), (self.backward, text[::-1]))
        places = [(listed, wanted, bisect_left(listed, wanted)) for listed, wanted in sides]
        return any(place < len(listed) and listed[place].startswith(wanted) for listed, wanted, place in places)


class TokenTexts:
    """The texts of all ids, as the model of a form writes them, and of new tokens.

    byte_level: whether each character is a byte (GPT-2's alphabet). Then words end where the pipeline splits text; else
    also at the borders of `crosses_border`.
    first: the id of the first new token; by default above all others.
    by_text: whether any two tokens are merged whose texts together are a token, as in rank files. Then no new token
        begins or ends an old one: it could be merged to that.
    whole: whether words that are tokens are taken without merging.
    """

    def __init__(self, form: Document, byte_level: bool, *, first: int | None = None, by_text: bool = False) -> None:
        vocab: Mapping[str, int] = form["model"]["vocab"]
        self.by_text = by_text
        self.whole = bool(form["model"].get("ignore_merges"))
        self.sides = SortedSides(vocab) if by_text else None
        self.byte_level = byte_level
        self.texts = {number: text for text, number in vocab.items()}
        self.known = set(vocab)
        self.first = self.next_id = max(first or 0, max(vocab.values()) + 1)
        self.bytes = {number: int(match[1], 16) for text, number in vocab.items() if (match := _BYTE.fullmatch(text))}
        added = {token["content"] for token in form["added_tokens"]} | {form["model"].get("unk_token")}
        self.apart = {vocab[text] for text in added if text in vocab} | (set() if byte_level else {*self.bytes})
        self.characters: list[str] = []
        self.verdicts: dict[tuple[int, int], bool] = {}

    def number_character(self, character: str) -> int:
        """Return the symbol of a character without a token: -1 for the first, -2 for the second."""
        self.characters.append(character)
        return -len(self.characters)

    def text(self, symbol: int) -> str:
        """Return the text of an id, or of a character without one."""
        return self.texts[symbol] if symbol >= 0 else self.characters[-symbol - 1]

    def parts_words(self, left: int, right: int) -> bool:
        """Return whether a word ends between two symbols, whatever the pipeline splits."""
        if left in self.apart or right in self.apart:
            return True
        return not self.byte_level and crosses_border(self.text(left), self.text(right))

    def allows(self, left: int, right: int) -> bool:
        """Return whether two ids may become a token: none that exists, and none that is too long."""
        verdict = self.verdicts.get((left, right))
        if verdict is None:
            joined = self.texts[left] + self.texts[right]
            size = len(joined) if self.byte_level else len(joined.encode())
            verdict = size <= LONGEST and joined not in self.known
            if verdict and self.sides is not None:
                verdict = not self.sides.begin_or_end(joined)
            self.verdicts[left, right] = verdict
        return verdict

    def append(self, parts: tuple[int, ...]) -> None:
        """Take in the next new token."""
        text = "".join(map(self.text, parts))
        self.texts[self.next_id] = text
        self.next_id += 1
        self.known.add(text)
