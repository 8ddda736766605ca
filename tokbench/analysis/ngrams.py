"""What follows what in the ids of a text: conditional entropies, accessor entropy, and whether ids come back.

N-grams lie within one segment. All entropies grow with the text, so those of different tokenizers are taken from
equally many tokens: whole segments in a random order, the same for all tokenizers, up to the number of tokens that
every one of them has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench._shared.notebook import Presented
from tokbench.adapters import EncodedBatch, Tokenizer
from tokbench.corpora import Corpus
from tokbench.errors import TokbenchError

Integers = npt.NDArray[np.int64]

ORDERS = 10
"""Random orders of the segments that values are averaged over."""

SCHEMA = {
    "tokenizer": pl.String,
    "lang": pl.String,
    "tokens": pl.Int64,
    "sampled": pl.Int64,
    "entropy_1": pl.Float64,
    "entropy_2": pl.Float64,
    "entropy_3": pl.Float64,
    "accessors_by_types": pl.Float64,
    "accessors_by_tokens": pl.Float64,
    "ids_stable": pl.Float64,
    "segments": pl.Int64,
}


@dataclass(frozen=True, eq=False)
class NgramReport(Presented):
    """Values of each tokenizer in each language.

    rows: the columns
        tokens: of the whole text. sampled: tokens that each order of the segments gives the entropies.
        entropy_1: entropy of the ids, bits. entropy_2: of an id, given the one before it. entropy_3: given the two.
        accessors_by_types: mean, over ids with two different followers or more, of the entropy of the followers over
        log2 of the number of different followers; accessors_by_tokens: over log2 of the number of followers.
        ids_stable: share of the segments whose ids are the same after decoding and encoding them again.

    Entropies are means over `orders` random orders of the segments, null where there is no n-gram to count.
    """

    corpus: str
    orders: int
    seed: int
    rows: pl.DataFrame


def measure_ngrams(
    tokenizers: Sequence[Tokenizer], corpus: Corpus, *, orders: int = ORDERS, seed: int = 0
) -> NgramReport:
    """Measure n-grams of ids, language by language.

    Raises TokbenchError for two tokenizers with one name, and for fewer than one order.

    Sources: conditional entropies of token sequences, arXiv 2601.09039; accessor entropy, Poelman et al. 2025.
    """
    names = [tokenizer.name for tokenizer in tokenizers]
    if len(set(names)) < len(names):
        raise TokbenchError("two of the tokenizers have the same name", "list each tokenizer once")
    if orders < 1:
        raise TokbenchError(f"{orders} orders of the segments are requested", "request at least 1")
    rows: list[dict[str, str | float | None]] = []
    for lang in corpus.languages:
        texts = corpus.texts(lang)
        batches = [tokenizer.encode_batch(texts) for tokenizer in tokenizers]
        size = min(len(batch.ids) for batch in batches)
        shuffled = [np.random.default_rng((seed, order)).permutation(len(texts)) for order in range(orders)]
        for tokenizer, batch in zip(tokenizers, batches, strict=True):
            sampled = [measure_sample(*take_sample(batch, order, size)) for order in shuffled]
            rows.append(
                {
                    "tokenizer": tokenizer.name,
                    "lang": lang,
                    "tokens": len(batch.ids),
                    "sampled": size,
                    **average(sampled),
                    "ids_stable": count_stable(tokenizer, batch) / len(batch),
                    "segments": len(batch),
                }
            )
    frame = pl.DataFrame(rows, schema=SCHEMA).sort("tokenizer", maintain_order=True)
    return NgramReport(corpus.name, orders, seed, frame)


def take_sample(batch: EncodedBatch, order: Integers, size: int) -> tuple[Integers, Integers]:
    """Return the first `size` ids of the segments in this order, and the segment of each."""
    ends = np.cumsum(batch.counts[order])
    needed = int(np.searchsorted(ends, size)) + 1
    taken = batch.take(order[:needed])
    ids = np.unique(taken.ids[:size], return_inverse=True)[1].reshape(-1)
    return ids.astype(np.int64), np.repeat(np.arange(len(taken)), taken.counts)[:size]


def measure_sample(ids: Integers, segments: Integers) -> dict[str, float]:
    """Return the entropies of a sample: ids numbered from 0, and the segment of each; NaN where undefined."""
    found = {"entropy_1": entropy(np.bincount(ids))}
    types = int(ids.max(initial=-1)) + 1
    same = segments[1:] == segments[:-1]
    first, pairs = ids[:-1][same], (ids[:-1] * types + ids[1:])[same]
    pair_keys, pair_counts = np.unique(pairs, return_counts=True)
    found["entropy_2"] = entropy(pair_counts) - entropy(np.bincount(first))
    third = same[1:] & same[:-1]
    # Pairs are numbered anew, so that the keys of three ids fit into 64 bits.
    beginnings = np.searchsorted(pair_keys, (ids[:-2] * types + ids[1:-1])[third])
    triples = np.unique(beginnings * types + ids[2:][third], return_counts=True)[1]
    found["entropy_3"] = entropy(triples) - entropy(np.bincount(beginnings))
    return {**found, **measure_accessors(pair_keys // types if types else pair_keys, pair_counts)}


def measure_accessors(first: Integers, counts: Integers) -> dict[str, float]:
    """Return the mean accessor entropies.

    first: the first id of each different pair, ascending. counts: how often each pair occurs.
    """
    starts = np.flatnonzero(np.diff(first, prepend=-1))
    if not len(starts):
        return {"accessors_by_types": np.nan, "accessors_by_tokens": np.nan}
    types = np.diff(starts, append=len(first))
    tokens = np.add.reduceat(counts, starts)
    terms = np.add.reduceat(counts * np.log2(counts), starts)
    several = types > 1
    bits = np.log2(tokens[several]) - terms[several] / tokens[several]
    if not len(bits):
        return {"accessors_by_types": np.nan, "accessors_by_tokens": np.nan}
    return {
        "accessors_by_types": float((bits / np.log2(types[several])).mean()),
        "accessors_by_tokens": float((bits / np.log2(tokens[several])).mean()),
    }


def entropy(counts: Integers) -> float:
    """Return the entropy of counts in bits; NaN if all are 0."""
    present = counts[counts > 0]
    if not len(present):
        return float("nan")
    share = present / present.sum()
    return abs(float(-(share * np.log2(share)).sum()))


def average(sampled: Sequence[dict[str, float]]) -> dict[str, float | None]:
    """Return the mean of each value over the samples; None if it is undefined in one of them."""
    means = {name: float(np.mean([one[name] for one in sampled])) for name in sampled[0]}
    return {name: None if np.isnan(mean) else max(mean, 0.0) for name, mean in means.items()}


def count_stable(tokenizer: Tokenizer, batch: EncodedBatch) -> int:
    """Count the segments whose ids are the same after decoding and encoding them again."""
    again = tokenizer.encode_batch(tokenizer.decode_batch(batch))
    equal = np.flatnonzero(again.counts == batch.counts)
    same = again.take(equal).ids == batch.take(equal).ids
    differing = EncodedBatch(same.astype(np.int32), again.take(equal).offsets)
    return int((differing.sum_by_text(~same) == 0).sum())
