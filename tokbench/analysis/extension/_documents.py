"""The tokenizer.json of an extended vocabulary, and the proof that it keeps the old ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tokenizers import Tokenizer as Pipeline

from tokbench.adapters import Tokenizer
from tokbench.analysis.extension._forms import write_form
from tokbench.analysis.extension._rank_forms import list_splits
from tokbench.analysis.extension._token_texts import TokenTexts
from tokbench.analysis.sweep._merged_tokens import Document
from tokbench.errors import TokbenchError

CHUNK = 1_000


@dataclass(frozen=True, eq=False)
class NewTokens:
    """The tokens that training made.

    first: the id of the first. parts: of each token, two ids, or one negative number: a character (see `TokenTexts`).
    pieces: the old ids that each stands for; of a word that is taken whole, those that training joined.
    pairs: the pairs of ids that are merged to each.
    whole: whether words that are new tokens are taken without merging, or any two tokens with the same text merged, so
        that a new token may also stand for other old ids of the same text.
    """

    first: int
    parts: tuple[tuple[int, ...], ...]
    texts: tuple[str, ...]
    pieces: tuple[tuple[int, ...], ...]
    pairs: tuple[tuple[tuple[int, int], ...], ...]
    whole: bool = False

    def expand(self, ids: Sequence[int]) -> list[int]:
        """Replace new ids by the old ones that they stand for."""
        return [
            old for number in ids for old in ((number,) if number < self.first else self.pieces[number - self.first])
        ]


def describe_tokens(tokens: TokenTexts, steps: Sequence[tuple[int, ...]]) -> NewTokens:
    """Return the new tokens with the old ids that each stands for."""
    byte_ids = {byte: number for number, byte in tokens.bytes.items()}
    pieces: list[tuple[int, ...]] = []
    texts = []
    for parts in steps:
        if parts[0] < 0:
            pieces.append(tuple(byte_ids[byte] for byte in tokens.text(parts[0]).encode()))
        else:
            pieces.append(
                tuple(
                    old for part in parts for old in ((part,) if part < tokens.first else pieces[part - tokens.first])
                )
            )
        texts.append("".join(map(tokens.text, parts)))
    vocab = {text: number for number, text in tokens.texts.items() if number not in tokens.apart}
    pairs = [
        _list_pairs(text, vocab) if tokens.by_text else _pair(parts) for text, parts in zip(texts, steps, strict=True)
    ]
    return NewTokens(tokens.first, tuple(steps), tuple(texts), tuple(pieces), tuple(pairs), tokens.whole)


def _pair(parts: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return ((parts[0], parts[1]),) if len(parts) == 2 else ()


def _list_pairs(text: str, vocab: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    return tuple((vocab[left], vocab[right]) for left, right in list_splits(text, vocab))


def extend_form(form: Document, tokens: TokenTexts, new: NewTokens, count: int) -> Document:
    """Return a form with the first `count` new tokens and their merges."""
    model: Mapping[str, Any] = form["model"]
    vocab = dict(model["vocab"])
    merges = list(model["merges"])
    joined = bool(merges) and isinstance(merges[0], str)
    for place in range(count):
        vocab[new.texts[place]] = new.first + place
        for pair in new.pairs[place]:
            if max(pair) < new.first + count:
                parts = [tokens.text(part) for part in pair]
                merges.append(" ".join(parts) if joined else parts)
    return form | {"model": {**model, "vocab": vocab, "merges": merges}}


def load_form(form: Document) -> Pipeline:
    """Load a form in tokenizers, reading special tokens in texts as plain text."""
    pipeline = Pipeline.from_str(write_form(form))
    pipeline.encode_special_tokens = True
    return pipeline


def encode(pipeline: Pipeline, texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the ids of each text, without special tokens."""
    for start in range(0, len(texts), CHUNK):
        batch = list(texts[start : start + CHUNK])
        yield from (one.ids for one in pipeline.encode_batch_fast(batch, add_special_tokens=False))


def encode_old(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the ids that the tokenizer itself gives each text."""
    for start in range(0, len(texts), CHUNK):
        yield from (ids.tolist() for ids in tokenizer.encode_batch(texts[start : start + CHUNK]))


def find_runs(before: Sequence[int], after: Sequence[int], new: NewTokens, tokens: TokenTexts) -> list[int] | None:
    """Return how many old ids each new one of a text stands for.

    before, after: ids of the text without new tokens, and with them.

    Returns None if an old id differs where no new one stands, or if a new one has another text than the ids there.
    """
    if not new.whole:
        lengths = [len(new.pieces[number - new.first]) for number in after if number >= new.first]
        return lengths if new.expand(after) == list(before) else None
    runs: list[int] = []
    place = 0
    for number in after:
        start, wanted, text = place, tokens.text(number), ""
        while place < len(before) and len(text) < len(wanted):
            text += tokens.text(before[place])
            place += 1
        if text != wanted or (number < new.first and list(before[start:place]) != [number]):
            return None
        if number >= new.first:
            runs.append(place - start)
    return runs if place == len(before) else None


def check_old_ids(
    name: str, old: Iterable[list[int]], extended: Iterable[list[int]], new: NewTokens, tokens: TokenTexts
) -> None:
    """Raise TokbenchError unless all ids of every text stay, except those that new ones stand for."""
    for before, after in zip(old, extended, strict=True):
        if find_runs(before, after, new, tokens) is None:
            raise TokbenchError(
                f"{name} cannot be extended: with the new tokens, a text has other old ids than without",
                "this is a case that tokbench does not know: please report it with the tokenizer's name",
            )


def merge_stretch(
    stretch: Sequence[int], ranks: Mapping[tuple[int, int], int], new: NewTokens, whole: int | None = None
) -> list[int]:
    """Join the ids of a stretch by the new merges, the earliest first; the plain definition, for checks.

    ranks: the id of the token that each pair makes. Characters with a token are joined first.
    whole: the id of the new token that has the text of the stretch and is taken without merging, if there is one.
    """
    if whole is not None:
        return [whole]
    ids = list(stretch)
    for place, parts in enumerate(new.parts):
        if len(parts) == 1 and new.pieces[place][0] in ids:
            ids = _replace(ids, new.pieces[place], new.first + place)
    while len(ids) > 1:
        made, place = min(
            ((ranks[pair], place) for place, pair in enumerate(pairwise(ids)) if pair in ranks), default=(-1, 0)
        )
        if made < 0:
            break
        ids[place : place + 2] = [made]
    return ids


def _replace(ids: Sequence[int], pieces: Sequence[int], made: int) -> list[int]:
    """Replace each occurrence of some ids in a row by one id, from the left."""
    size, place = len(pieces), 0
    wanted, replaced = list(pieces), []
    while place < len(ids):
        if list(ids[place : place + size]) == wanted:
            replaced.append(made)
            place += size
        else:
            replaced.append(ids[place])
            place += 1
    return replaced
