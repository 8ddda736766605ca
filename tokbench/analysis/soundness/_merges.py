"""Merges that cannot fire: an earlier merge always takes their parts apart.

If two neighbours are merged anywhere, the merges inside them happened without regard to what is around them. So a merge
can fire in some text if and only if it fires, last of all, in the text of its own token.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tokenizers import models

from tokbench._shared.visible_text import reveal_bytes
from tokbench.adapters.tiktoken import TiktokenTokenizer
from tokbench.analysis.soundness._subject import Subject

_LONGEST = 1000
"""Bytes or characters of the longest token whose merges are tried here, in time that grows with the square."""
_MARKS = ("continuing_subword_prefix", "end_of_word_suffix")


@dataclass(frozen=True)
class DeadMerge:
    """A merge that cannot fire: its two parts, and what the text of its token becomes."""

    parts: tuple[str, ...]
    instead: tuple[str, ...]


@dataclass(frozen=True)
class DeadMerges:
    """The merges of a vocabulary, and those that cannot fire.

    whole: whether the engine finds whole words in the vocabulary without merging.
    """

    merges: int
    dead: tuple[DeadMerge, ...]
    whole: bool


def find_dead_merges(subject: Subject) -> DeadMerges | None:
    """Return the merges that cannot fire; None if there are no merges."""
    if isinstance(subject.reference, TiktokenTokenizer):
        return find_dead_ranks(subject.reference.file.ranks)
    if subject.pipeline is None or not isinstance(subject.pipeline.tokenizer.model, models.BPE):
        return None
    return find_dead_pairs(json.loads(subject.pipeline.tokenizer.model.__getstate__()))


def find_dead_pairs(model: Mapping[str, Any]) -> DeadMerges:
    """Return the merges of a BPE model, as in tokenizer.json, that cannot fire."""
    pairs: list[tuple[str, str]] = [
        (merge[0], merge[1]) if isinstance(merge, list) else tuple(merge.split(" ", 1)) for merge in model["merges"]
    ]
    marks: dict[str, str] = {key: model[key] for key in _MARKS if model.get(key)}
    prefix, suffix = (marks.get(key, "") for key in _MARKS)
    alone = models.BPE(vocab=model["vocab"], merges=pairs, **marks)
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    makers = Counter(first + second.removeprefix(prefix) for first, second in pairs)
    dead = []
    for first, second in pairs:
        token = first + second.removeprefix(prefix)
        if (prefix and token.startswith(prefix)) or not token.endswith(suffix):
            continue  # parts of words are marked: only whole words can be tried alone
        pieces = [piece.value for piece in alone.tokenize(token.removesuffix(suffix))]
        if pieces != [token]:
            dead.append(DeadMerge((first, second), tuple(pieces)))
        elif (
            makers[token] > 1
            and not marks
            and len(token) <= _LONGEST
            and (last := find_last_merge(token, ranks)) != (first, second)
        ):
            dead.append(DeadMerge((first, second), last))
    return DeadMerges(len(pairs), tuple(dead), bool(model.get("ignore_merges")))


def find_last_merge(token: str, ranks: Mapping[tuple[str, str], int]) -> tuple[str, ...]:
    """Return the two parts of a token before its last merge.

    >>> find_last_merge("abc", {("a", "bc"): 2, ("a", "b"): 0, ("b", "c"): 1, ("ab", "c"): 3})
    ('ab', 'c')
    """
    parts = list(token)
    while len(parts) > 2:
        pairs = [ranks.get((a, b), len(ranks)) for a, b in pairwise(parts)]
        at = pairs.index(min(pairs))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return tuple(parts)


def find_dead_ranks(ranks: Mapping[bytes, int]) -> DeadMerges:
    """Return the tokens of a rank file that no merge of two earlier tokens makes."""
    longer = [token for token in ranks if 1 < len(token) <= _LONGEST]
    dead = []
    for token in longer:
        parts = split_below(token, ranks)
        if len(parts) != 2:
            shown = tuple(map(reveal_bytes, parts))
            dead.append(DeadMerge((reveal_bytes(token),), shown))
    return DeadMerges(len(longer), tuple(dead), whole=True)


def split_below(token: bytes, ranks: Mapping[bytes, int]) -> Sequence[bytes]:
    """Return the parts of a token once all merges of lower rank are made.

    >>> split_below(b"abc", {b"a": 0, b"b": 1, b"c": 2, b"ab": 3, b"abc": 4})
    [b'ab', b'c']
    """
    parts = [token[i : i + 1] for i in range(len(token))]
    own = ranks[token]
    while len(parts) > 2:
        pairs = [ranks.get(parts[i] + parts[i + 1], own) for i in range(len(parts) - 1)]
        lowest = min(pairs)
        if lowest >= own:
            break
        at = pairs.index(lowest)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts
