"""The words of a training text, as ids that a new token may join."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tokenizers import Tokenizer as Pipeline

from tokbench.analysis.extension._merging import Word
from tokbench.analysis.extension._token_texts import TokenTexts

CHUNK = 1_000
MOST_SYMBOLS = 2_000_000
"""Ids of distinct words that training reads: it holds about 300 bytes for each."""


def split_text(pipeline: Pipeline, texts: Sequence[str]) -> Iterator[list[tuple[int, ...]]]:
    """Yield, for each text, the ids of the stretches that the pipeline splits it into."""
    for start in range(0, len(texts), CHUNK):
        for encoding in pipeline.encode_batch(list(texts[start : start + CHUNK]), add_special_tokens=False):
            stretches: list[tuple[int, ...]] = []
            ids, words = encoding.ids, encoding.word_ids
            begin = 0
            for place in range(1, len(ids) + 1):
                if place == len(ids) or words[place] != words[begin]:
                    stretches.append(tuple(ids[begin:place]))
                    begin = place
            yield stretches


class WordCounts:
    """Words of a training text with their numbers, until there are too many."""

    def __init__(self, tokens: TokenTexts) -> None:
        self.tokens = tokens
        self.counts: Counter[tuple[int, ...]] = Counter()
        self.symbols = 0
        self.stretches: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
        self.numbers: dict[str, int] = {}
        self.savings: list[int] = []

    def add(self, stretches: Sequence[tuple[int, ...]]) -> bool:
        """Count the words of one text; return False, counting none, when no more are read."""
        if self.symbols >= MOST_SYMBOLS:
            return False
        for stretch in stretches:
            words = self.stretches.get(stretch)
            if words is None:
                words = self.stretches[stretch] = list(self._split(stretch))
            for word in words:
                if word not in self.counts:
                    self.symbols += len(word)
                self.counts[word] += 1
        return True

    def words(self) -> list[Word]:
        """Return the distinct words in a fixed order, without those of one id."""
        chosen = ((word, count) for word, count in self.counts.items() if len(word) > 1 or word[0] < 0)
        return [Word(word, count) for word, count in sorted(chosen)]

    def _split(self, stretch: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """Yield the words of a stretch: characters without a token become one symbol each."""
        symbols = list(self._join_bytes(stretch))
        begin = 0
        for place in range(1, len(symbols) + 1):
            if place == len(symbols) or self.tokens.parts_words(symbols[place - 1], symbols[place]):
                yield tuple(symbols[begin:place])
                begin = place

    def _join_bytes(self, stretch: Sequence[int]) -> Iterator[int]:
        byte_of: Mapping[int, int] = {} if self.tokens.byte_level else self.tokens.bytes
        place = 0
        while place < len(stretch):
            character = read_character([byte_of.get(number) for number in stretch[place : place + 4]])
            if character is None:
                yield stretch[place]
                place += 1
                continue
            size = len(character.encode())
            if character not in self.numbers:
                self.numbers[character] = self.tokens.number_character(character)
                self.savings.append(size - 1)
            yield self.numbers[character]
            place += size


def read_character(window: Sequence[int | None]) -> str | None:
    """Return the character of several bytes that begins a window of four; None if there is none.

    >>> read_character([0xE4, 0xBD, 0xA0, None]), read_character([0x0A, None])
    ('\u4f60', None)
    """
    for size in (2, 3, 4):
        content = window[:size]
        if len(content) == size and None not in content:
            try:
                text = bytes(byte for byte in content if byte is not None).decode()
            except UnicodeDecodeError:
                continue
            return text if len(text) == 1 else None
    return None
