"""Byte-pair merging that continues from tokens: the most frequent pair becomes a token, again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Protocol

LEAST_COUNT = 2
"""Times that a pair must occur to become a token, as in trainers of BPE."""

_END, _GONE = -1, None

Pair = tuple[int, int]


@dataclass(frozen=True)
class Word:
    """Tokens between two borders that no new token crosses, and how often they occur.

    symbols: ids; a negative number is a character without a token, -1 the first of a list, -2 the second.
    """

    symbols: tuple[int, ...]
    count: int


@dataclass(frozen=True)
class Step:
    """One new token, in the order of training.

    parts: the two ids that it joins, or one negative number: the character that gets a token.
    gain: tokens that it saves in the training text.
    """

    parts: tuple[int, ...]
    gain: int


class Tokens(Protocol):
    """The tokens that pairs are made of."""

    def allows(self, left: int, right: int) -> bool:
        """Return whether two ids may become a token."""
        ...

    def append(self, parts: tuple[int, ...]) -> None:
        """Take in the next new token, made of these parts (see `Step`)."""
        ...


class Merging:
    """The state of training: symbols as a linked list, and where each pair is.

    A step takes what saves the most tokens: for a pair its count, for a character its count times the tokens that it
    takes now, less one. Equal gains: characters first, then by the ids of the pair, lowest first.
    """

    def __init__(self, words: Iterable[Word], savings: Sequence[int], first: int, tokens: Tokens) -> None:
        """Take the words of a training text.

        savings: tokens that each character without a token would save per occurrence.
        first: the id of the first new token.
        """
        self.symbols: list[int | None] = []
        self.after: list[int] = []
        self.before: list[int] = []
        self.weights: list[int] = []
        self.savings = savings
        self.next_id = first
        self.tokens = tokens
        self.counts: dict[Pair, int] = {}
        self.places: dict[Pair, set[int]] = {}
        self.characters: dict[int, list[int]] = {}
        self.heap: list[tuple[int, int, int]] = []
        for word in words:
            self._append(word)
        for pair, places in self.places.items():
            self.counts[pair] = sum(self.weights[place] for place in places)
        gains = {number: self._weigh_character(number) for number in self.characters}
        self.heap = [(-count, *pair) for pair, count in self.counts.items()]
        self.heap += [(-gain, number, number) for number, gain in gains.items()]
        heapify(self.heap)

    def _append(self, word: Word) -> None:
        start, size = len(self.symbols), len(word.symbols)
        self.symbols += word.symbols
        self.weights += [word.count] * size
        self.before += [_END, *range(start, start + size - 1)]
        self.after += [*range(start + 1, start + size), _END]
        for place, symbol in enumerate(word.symbols, start):
            if symbol < 0:
                self.characters.setdefault(symbol, []).append(place)
        for place in range(start, start + size - 1):
            pair = self._pair_at(place)
            if pair is not None:
                self.places.setdefault(pair, set()).add(place)

    def _weigh_character(self, number: int) -> int:
        return self.savings[-number - 1] * sum(self.weights[place] for place in self.characters[number])

    def _pair_at(self, place: int) -> Pair | None:
        """Return the pair that begins at a place; None at the end of a word, or if it may not become a token."""
        following = self.after[place] if place != _END else _END
        if following == _END:
            return None
        left, right = self.symbols[place], self.symbols[following]
        if left is None or right is None or left < 0 or right < 0 or not self.tokens.allows(left, right):
            return None
        return left, right

    def train(self, most: int) -> list[Step]:
        """Make up to `most` tokens; fewer if nothing occurs twice any more."""
        steps: list[Step] = []
        while len(steps) < most and self.heap:
            negative, left, right = heappop(self.heap)
            if left < 0:
                if sum(self.weights[place] for place in self.characters[left]) < LEAST_COUNT:
                    continue
                steps.append(Step((left,), -negative))
                self._make_character(left)
                continue
            count = self.counts.get((left, right), 0)
            if count != -negative:
                if count >= LEAST_COUNT:  # an entry from before other merges: back to where it belongs
                    heappush(self.heap, (-count, left, right))
                continue
            if count < LEAST_COUNT:
                break
            steps.append(Step((left, right), count))
            self._merge((left, right))
        return steps

    def _make_character(self, number: int) -> None:
        changed: set[Pair] = set()
        self.tokens.append((number,))
        for place in self.characters.pop(number):
            self.symbols[place] = self.next_id
            changed |= self._add(self.before[place]) | self._add(place)
        self._finish(changed)

    def _merge(self, pair: Pair) -> None:
        left, right = pair
        changed: set[Pair] = set()
        self.tokens.append(pair)
        for place in sorted(self.places[pair]):
            following = self.after[place]
            if self.symbols[place] != left or following == _END or self.symbols[following] != right:
                continue  # overlapped by an earlier place, as in aaa
            before, beyond = self.before[place], self.after[following]
            self._remove(before)
            self._remove(following)
            self.symbols[place], self.symbols[following] = self.next_id, _GONE
            self.after[place] = beyond
            if beyond != _END:
                self.before[beyond] = place
            changed |= self._add(before) | self._add(place)
        del self.counts[pair], self.places[pair]
        self._finish(changed)

    def _remove(self, place: int) -> None:
        pair = self._pair_at(place)
        if pair is not None:
            self.places[pair].discard(place)
            self.counts[pair] -= self.weights[place]

    def _add(self, place: int) -> set[Pair]:
        pair = self._pair_at(place)
        if pair is None or place in self.places.setdefault(pair, set()):
            return set()
        self.places[pair].add(place)
        self.counts[pair] = self.counts.get(pair, 0) + self.weights[place]
        return {pair}

    def _finish(self, changed: Iterable[Pair]) -> None:
        """Queue the pairs with the new token, and number the next."""
        for pair in changed:
            count = self.counts.get(pair, 0)
            if count >= LEAST_COUNT:
                heappush(self.heap, (-count, *pair))
        self.next_id += 1
