"""Overlap of vocabularies, over the bytes of their tokens.

Files may write the same token in different notations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from tokbench._shared.notebook import Presented
from tokbench.adapters import Tokenizer
from tokbench.analysis.vocabulary import find_script, script_of, script_of_character
from tokbench.corpora import Corpus
from tokbench.errors import TokbenchError

Counts = Mapping[bytes, int]

SCHEMA = {
    "a": pl.String,
    "b": pl.String,
    "tokens_a": pl.Int64,
    "tokens_b": pl.Int64,
    "shared": pl.Int64,
    "jaccard": pl.Float64,
    "containment": pl.Float64,
    "weighted_jaccard": pl.Float64,
    "weighted_containment": pl.Float64,
}


@dataclass(frozen=True, eq=False)
class Overlap(Presented):
    """Pairwise overlap of vocabularies.

    One row per ordered pair, including each with itself.

    pairs: the columns
        a, b: tokenizer names.
        tokens_a, tokens_b, shared: numbers of distinct byte strings.
        jaccard: shared / union.
        containment: shared / tokens_a.
        weighted_jaccard: sum of min(p_a, p_b) over sum of max(p_a, p_b), with p the share of a byte string among the
        tokens that a tokenizer emits on the corpus.
        weighted_containment: share of a's emitted tokens that are in b's vocabulary.

    All ratios are between 0 and 1; null if the denominator is 0, and for weighted ones without a corpus.
    """

    tokenizers: tuple[str, ...]
    scripts: tuple[str, ...]
    corpus: str | None
    pairs: pl.DataFrame

    def matrix(self, column: str) -> pl.DataFrame:
        """Return one column of `pairs` as a matrix: rows are tokenizers a, columns b."""
        wide = self.pairs.pivot("b", index="a", values=column, maintain_order=True)
        return wide.rename({"a": "tokenizer"})


def measure_overlap(
    tokenizers: Sequence[Tokenizer], corpus: Corpus | None = None, *, scripts: Sequence[str] = ()
) -> Overlap:
    """Compute Jaccard and containment of vocabularies, plain and weighted by a corpus.

    scripts: Unicode script names or codes (Han, Hira); if given, only tokens with a character of one of them count,
        which excludes tokens that are only part of a character.

    Special tokens and holes do not count; a space marker counts as a space.
    Raises TokbenchError for two tokenizers with one name and for an unknown script.
    """
    names = name_all(tokenizers)
    wanted = tuple(find_script(script) for script in scripts)
    tokens = {t.name: frozenset(select(list_byte_strings(t), wanted)) for t in tokenizers}
    emitted = None
    if corpus is not None:
        emitted = {t.name: restrict(count_emitted(t, corpus), tokens[t.name]) for t in tokenizers}
    rows = [(a, b, *compare_pair(a, b, tokens, emitted)) for a, b in product(names, names)]
    return Overlap(names, wanted, corpus.name if corpus else None, pl.DataFrame(rows, schema=SCHEMA, orient="row"))


def measure_overlap_by_script(tokenizers: Sequence[Tokenizer], corpus: Corpus | None = None) -> pl.DataFrame:
    """Compute the overlap of vocabularies script by script.

    Columns: script, then those of `Overlap.pairs`, for each pair of different tokenizers, ordered; scripts with the
    most tokens first. A token has the script of its characters; `Common` without one (digits, punctuation), `mixed`
    with several, `partial` if its bytes are not whole characters. Weighted columns are within the script.

    Raises TokbenchError for two tokenizers with one name, MissingExtraError without fontTools.
    """
    names = name_all(tokenizers)
    every = {tokenizer.name: list_byte_strings(tokenizer) for tokenizer in tokenizers}
    emitted = None if corpus is None else {t.name: count_emitted(t, corpus) for t in tokenizers}
    scripts = {token: find_script_of_bytes(token) for token in set().union(*every.values())}
    sizes = Counter(scripts.values())
    rows = []
    for script in sorted(sizes, key=lambda name: (-sizes[name], name)):
        tokens = {name: frozenset(t for t in own if scripts[t] == script) for name, own in every.items()}
        own = None if emitted is None else {name: restrict(emitted[name], tokens[name]) for name in names}
        rows += [(script, a, b, *compare_pair(a, b, tokens, own)) for a, b in product(names, names) if a != b]
    return pl.DataFrame(rows, schema={"script": pl.String, **SCHEMA}, orient="row")


PARTIAL = "partial"
"""Stands for the script of tokens that are not whole characters."""


def find_script_of_bytes(token: bytes) -> str:
    """Return the script of a token: see `script_of`, and `partial` if it is not whole characters."""
    try:
        return script_of(token.decode())
    except UnicodeDecodeError:
        return PARTIAL


def name_all(tokenizers: Sequence[Tokenizer]) -> tuple[str, ...]:
    """Return the names of tokenizers; TokbenchError if two have the same."""
    names = tuple(tokenizer.name for tokenizer in tokenizers)
    if len(set(names)) < len(names):
        raise TokbenchError("two of the tokenizers have the same name", "list each tokenizer once")
    return names


def compare_pair(
    a: str, b: str, tokens: Mapping[str, frozenset[bytes]], emitted: Mapping[str, Counts] | None
) -> tuple[int | float | None, ...]:
    """Return the columns of `Overlap.pairs` after the names."""
    shared, union = len(tokens[a] & tokens[b]), len(tokens[a] | tokens[b])
    weighted = (None, None) if emitted is None else weigh(emitted[a], emitted[b], tokens[b])
    plain = (divide(shared, union), divide(shared, len(tokens[a])))
    return (len(tokens[a]), len(tokens[b]), shared, *plain, *weighted)


def divide(part: int, whole: int) -> float | None:
    """Divide, None if the denominator is 0."""
    return part / whole if whole else None


def list_byte_strings(tokenizer: Tokenizer) -> set[bytes]:
    """Collect the distinct byte strings of a tokenizer's tokens."""
    table = tokenizer.token_table()
    return {token for token in map(table.__getitem__, range(len(table))) if token}


def select(tokens: Collection[bytes], scripts: Collection[str]) -> Iterator[bytes]:
    """Yield the tokens with a character of one of these scripts.

    All tokens without `scripts`.
    """
    for token in tokens:
        if not scripts or any(script_of_character(c) in scripts for c in token.decode(errors="ignore")):
            yield token


def count_emitted(tokenizer: Tokenizer, corpus: Corpus) -> Counts:
    """Count each byte string that a tokenizer emits on a corpus, over all languages."""
    table = tokenizer.token_table()
    histogram = np.zeros(len(table), np.int64)
    for lang in corpus.languages:
        histogram += np.bincount(tokenizer.encode_batch(corpus.texts(lang)).ids, minlength=len(table))
    counts: Counter[bytes] = Counter()
    for number in np.flatnonzero(histogram):
        if content := table[int(number)]:
            counts[content] += int(histogram[number])
    return counts


def restrict(counts: Counts, tokens: Collection[bytes]) -> Counts:
    """Keep only the counts of these byte strings."""
    return {token: count for token, count in counts.items() if token in tokens}


def weigh(a: Counts, b: Counts, tokens_of_b: Collection[bytes]) -> tuple[float | None, float | None]:
    """Compute weighted Jaccard and the weighted containment of a in b.

    Both counts are scaled to the same total by multiplication, so that rounding cannot make a vocabulary differ from
    itself.
    """
    total_a, total_b = sum(a.values()), sum(b.values())
    contained = divide(sum(count for token, count in a.items() if token in tokens_of_b), total_a)
    if not (total_a and total_b):
        return None, contained
    pairs = [(a.get(token, 0) * total_b, b.get(token, 0) * total_a) for token in {*a, *b}]
    return divide(sum(map(min, pairs)), sum(map(max, pairs))), contained
