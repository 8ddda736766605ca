"""Vocabularies made from a seed: the kinds of file on which engines have given other ids than the reference.

Each is written to a folder and named by what `tokbench.adapters.find_asset` takes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.generated_merges import (
    add_plain_tokens,
    add_tokens,
    add_unreachable,
    append_merges,
    close_gaps,
    compose,
    drop_bytes,
    drop_out,
    ignore_merges,
    make_holes,
    make_json,
    make_pair,
    name_unknown,
    normalize,
    repeat_token,
    shuffle_merges,
    split_by_pattern,
    split_in_steps,
)
from helpers.generated_models import make_characters, make_ranks, make_rwkv, make_sentencepiece, make_words


@dataclass(frozen=True)
class Vocabulary:
    """A vocabulary that was made: its kind in words, and the argument that names its files."""

    kind: str
    argument: str


def generate(folder: Path, count: int, seed: str, start: int = 0) -> Iterator[Vocabulary]:
    """So many vocabularies, one kind after the other and again from the first; each has a folder of its own."""
    for number in range(start, start + count):
        kind, make = KINDS[number % len(KINDS)]
        own = folder / f"{number:03}"
        own.mkdir(parents=True)
        yield Vocabulary(f"{number} {kind}", make(own, random.Random(f"{seed} {number}")))


KINDS: tuple[tuple[str, Callable[[Path, random.Random], str]], ...] = (
    ("appended merges", make_json(append_merges)),
    ("appended merges, vocab.json and merges.txt", make_pair(append_merges)),
    ("ignore_merges, every token a merge", make_json(ignore_merges)),
    ("ignore_merges with tokens that no merge makes", make_json(add_unreachable, ignore_merges)),
    ("ignore_merges with appended merges", make_json(append_merges, ignore_merges)),
    ("tokens that no merge makes", make_json(add_unreachable)),
    ("ids with gaps", make_json(make_holes)),
    ("ids with gaps, vocab.json and merges.txt", make_pair(make_holes)),
    ("shuffled merges", make_json(shuffle_merges)),
    ("two merges of one token", make_json(repeat_token)),
    ("bytes without a token", make_json(drop_bytes)),
    ("bytes without a token, an unknown token", make_json(drop_bytes, name_unknown)),
    ("dropout", make_json(drop_out)),
    ("added tokens of all flags", make_json(add_tokens)),
    ("added tokens of all flags, a normaliser", make_json(add_tokens, normalize)),
    ("plain added tokens", make_json(add_plain_tokens)),
    ("plain added tokens, composed", make_json(add_plain_tokens, compose)),
    ("plain added tokens, a pattern", make_json(add_plain_tokens, split_by_pattern)),
    ("added tokens in vocab.json's configuration", make_pair(add_plain_tokens, close_gaps)),
    ("added tokens of all flags beside vocab.json", make_pair(add_tokens, close_gaps)),
    ("added tokens, ids with gaps", make_json(make_holes, add_plain_tokens)),
    ("a normaliser", make_json(normalize)),
    ("a normaliser and a pattern", make_json(normalize, split_by_pattern)),
    ("a pattern", make_json(split_by_pattern)),
    ("a pattern, ids with gaps", make_json(make_holes, split_by_pattern)),
    ("steps of splitting", make_json(split_in_steps)),
    ("steps of splitting, other steps", make_json(split_in_steps)),
    ("steps of splitting, added tokens", make_json(split_in_steps, add_tokens)),
    ("steps, a normaliser, added tokens", make_json(split_in_steps, normalize, add_tokens)),
    ("characters", make_characters),
    ("characters, another notation", make_characters),
    ("words", make_words),
    ("words, another model", make_words),
    ("ranks", make_ranks),
    ("ranks, others", make_ranks),
    ("ranks, still others", make_ranks),
    ("RWKV's form", make_rwkv),
    ("SentencePiece", make_sentencepiece),
    ("SentencePiece, another", make_sentencepiece),
    ("everything at once", make_json(append_merges, add_plain_tokens, split_by_pattern, compose)),
)
