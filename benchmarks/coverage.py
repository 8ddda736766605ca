"""Do intervals cover and do tests err as often as they say? Simulated corpora: `python benchmarks/coverage.py`.

A corpus of 400 segments in 80 documents: lengths are gamma-distributed, tokens follow from them with noise that a
document shares, so that the true ratios are known. In each run the 95 % interval of a premium is computed and either
covers the true value or not; two tokenizers that differ by chance alone are compared, and the test either rejects at
5 % or not.

Large corpora, whose counts are added up over at most 4,096 units: 40,960 segments in 8,192 documents, with units of two
documents each, of runs of ten neighbouring segments where no document is named, and of the shards of a stream.

Then the jackknife of metrics over ids: texts of 80 documents of some 300 tokens, whose ids follow Zipf's law, half of
them reweighted by the document's topic. Whether an interval holds the value that texts of this size have on average.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import polars as pl

from tokbench.adapters import EncodedBatch
from tokbench.measurement import Measurements
from tokbench.measurement.counting import count_ids, frame_histograms
from tokbench.measurement.jackknife_blocks import assign_blocks
from tokbench.measurement.units import find_language_units, hash_units
from tokbench.metrics import find_metrics
from tokbench.metrics._spectra import evaluate_spectra
from tokbench.metrics.permutation import randomise
from tokbench.metrics.resampling import (
    Bootstrap,
    Units,
    bca_interval,
    divide,
    draw_weights,
    find_units,
    percentile_interval,
    resample_sums,
)

DOCUMENTS, SEGMENTS_EACH = 80, 5
LARGE = 8192
"""Documents of a large corpus."""
SHARD = 4000
"""Segments of a shard of a stream; documents do not go on in the next."""
SHARED = 25
"""Large corpora that share their resamples, which take longer than the rest."""
PREMIUM = 2.1
LEVEL = 0.95

VOCABULARY, TOPICS, TOKENS_EACH = 20_000, 40, 300
OVER_IDS = (
    "entropy",
    "entropy_miller_madow",
    "renyi_efficiency",
    "utilisation",
    "utilisation_at_10k",
    "type_token_ratio",
)
TRUTHS = 4000
"""Texts from which the average value is known to 1 / 60 of the spread of one."""


def simulate(
    generator: np.random.Generator, *, clustered: bool, documents: int = DOCUMENTS
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of every segment in a reference language, and in one that needs PREMIUM times as many."""
    n = documents * SEGMENTS_EACH
    length = generator.gamma(4.0, 7.0, n)
    shared = np.repeat(generator.normal(0, 0.15 if clustered else 0.0, documents), SEGMENTS_EACH)
    own = generator.normal(0, 0.2, n)
    # The mean of exp(normal) is exp(variance / 2): divided out, the true ratio is PREMIUM.
    variance = 0.2**2 + (0.15**2 if clustered else 0.0)
    factor = np.exp(shared + own - variance / 2)
    return generator.poisson(length) + 1.0, generator.poisson(PREMIUM * length * factor) + PREMIUM


def covers(seed: int, method: str, *, clustered: bool, resamples: int) -> bool:
    """Whether the interval of one simulated corpus holds the true premium."""
    generator = np.random.default_rng([1, seed])
    reference, other = simulate(generator, clustered=clustered)
    n = len(reference)
    clusters = np.repeat(np.arange(DOCUMENTS), SEGMENTS_EACH) if clustered else None
    counts = np.stack([reference, other], axis=1)
    units = find_units(n, clusters)
    by_unit = units.sum(counts)
    sums = resample_sums(draw_weights(Bootstrap(resamples, seed), units.number), by_unit)
    samples = divide(sums[:, 1:], sums[:, :1])
    if method == "percentile":
        low, high = percentile_interval(samples, LEVEL)
    else:
        observed = counts.sum(axis=0)
        without = observed - by_unit
        ratios = divide(without[:, 1:], without[:, :1])
        low, high = bca_interval(samples, observed[1:] / observed[0], ratios, LEVEL)
    return bool(low[0] <= PREMIUM <= high[0])


def divide_large(kind: str) -> np.ndarray:
    """The unit of each segment of a large corpus, numbered from 0."""
    numbers = pl.Series("segment", np.arange(LARGE * SEGMENTS_EACH, dtype=np.uint32))
    of_documents = numbers // SEGMENTS_EACH
    if kind == "a stream":
        units = [
            hash_units("made", start, numbers[:SHARD], (of_documents[:SHARD]))
            for start in range(0, len(numbers), SHARD)
        ]
        return np.unique(np.concatenate(units)[: len(numbers)], return_inverse=True)[1]
    documents = pl.DataFrame({"segment": numbers, "document": of_documents.cast(pl.String)})
    named = documents if kind == "documents" else documents.clear()
    units, _ = find_language_units(numbers, named, "documents").locate(0, len(numbers))
    return units.to_numpy().astype(np.int64)


def cover_large(runs: int, resamples: int) -> None:
    """Print how often intervals over units of large corpora hold the true premium."""
    n = LARGE * SEGMENTS_EACH
    for kind in ("documents", "segments", "a stream"):
        units = Units(int((of := divide_large(kind)).max()) + 1, of)
        kept = 0
        for seed in range(runs):
            if seed % SHARED == 0:
                weights = draw_weights(Bootstrap(resamples, seed), units.number)
            counts = np.stack(simulate(np.random.default_rng([5, seed]), clustered=True, documents=LARGE), axis=1)
            sums = resample_sums(weights, units.sum(counts))
            low, high = percentile_interval(divide(sums[:, 1:], sums[:, :1]), LEVEL)
            kept += bool(low[0] <= PREMIUM <= high[0])
        print(f"95 % percentile over {units.number:,} units of {kind}, {n:,} segments: {describe(kept, runs)}")


def rejects(seed: int, *, shuffles: int) -> bool:
    """Whether the test tells two tokenizers apart that differ by chance alone."""
    generator = np.random.default_rng([2, seed])
    length = generator.gamma(4.0, 7.0, (DOCUMENTS * SEGMENTS_EACH, 1))
    first, second = (generator.poisson(length * generator.lognormal(0, 0.1, length.shape)) + 1.0 for _ in range(2))
    segments = np.ones_like(length)
    return bool(randomise((first, segments), (second, segments), shuffles=shuffles, seed=seed)[0] <= 1 - LEVEL)


class Topics:
    """Distributions of ids: Zipf's law, half of it reweighted by a topic."""

    def __init__(self) -> None:
        generator = np.random.default_rng(3)
        zipf = 1 / (np.arange(1, VOCABULARY + 1) + 2.7)
        own = zipf * generator.gamma(0.3, size=(TOPICS, VOCABULARY))
        mixed = zipf / zipf.sum() + own / own.sum(axis=1, keepdims=True)
        self.cumulative = np.cumsum(mixed / 2, axis=1)

    def draw(self, generator: np.random.Generator) -> list[np.ndarray]:
        """The ids of the segments of a text, document after document."""
        segments = []
        for length in generator.gamma(4.0, TOKENS_EACH / 4, DOCUMENTS):
            cumulative = self.cumulative[generator.integers(TOPICS)]
            ids = np.searchsorted(cumulative, generator.random(int(length) + SEGMENTS_EACH) * cumulative[-1])
            segments += np.array_split(ids.astype(np.int32), SEGMENTS_EACH)
        return segments


def count(texts: dict[str, list[np.ndarray]], *, named: bool) -> Measurements:
    """What is measured of texts, each as a language of its own, with the names of their documents or without."""
    n = DOCUMENTS * SEGMENTS_EACH
    numbers = pl.Series("segment", np.arange(n, dtype=np.uint32))
    names = [f"{min(texts)} {i // SEGMENTS_EACH}" for i in range(n if named else 0)]
    documents = pl.DataFrame([numbers.head(len(names)), pl.Series("document", names, dtype=pl.String)])
    blocks = assign_blocks(numbers, documents)["block"]
    tokenizer, ids = pl.lit("t").alias("tokenizer"), []
    for lang, segments in texts.items():
        histogram = count_ids(EncodedBatch(np.concatenate(segments), np.cumsum([0, *map(len, segments)])), blocks)
        ids.append(frame_histograms([histogram]).select(tokenizer, pl.lit(lang).alias("lang"), pl.all()))
    rows = pl.DataFrame({"lang": list(texts)}).join(pl.DataFrame([numbers]), how="cross").with_columns(bytes=1)
    return Measurements(
        texts=rows,
        counts=rows.select(tokenizer, "lang", "segment"),
        ids=pl.concat(ids),
        vocab=pl.DataFrame(),
        documents=documents,
        tokenizers=pl.DataFrame({"tokenizer": ["t"], "vocab_base": [VOCABULARY]}),
    )


def evaluate(topics: Topics, seeds: range, level: float | None, *, named: bool) -> pl.DataFrame:
    """Values and intervals of the metrics over ids, of a text for each seed; a hundred at a time."""
    parts = []
    for start in seeds[::100]:
        texts = {
            f"{seed:06}": topics.draw(np.random.default_rng([4, seed]))
            for seed in range(start, min(start + 100, seeds.stop))
        }
        parts.append(evaluate_spectra(count(texts, named=named), find_metrics(OVER_IDS), level).drop_nulls("lang"))
    return pl.concat(parts)


def cover_ids(runs: int) -> None:
    """Print how often the intervals of metrics over ids hold the average value."""
    topics = Topics()
    values = evaluate(topics, range(runs, runs + TRUTHS), None, named=False)
    truth = values.group_by("metric").agg(truth=pl.col("value").mean(), spread=pl.col("value").std())
    for named, kind in ((True, "documents"), (False, "segments of these documents")):
        found = evaluate(topics, range(runs), LEVEL, named=named).join(truth, on="metric")
        for name in OVER_IDS:
            rows = found.filter(pl.col("metric") == name)
            kept = int(rows["truth"].is_between(rows["low"], rows["high"]).sum())
            reach = float((rows["high"] - rows["low"]).mean()) / (2 * rows["spread"][0])
            print(f"95 % jackknife over {kind}, {name}: {describe(kept, runs)}, reach {reach:.2f} sd")


def describe(found: int, runs: int) -> str:
    """A share with its own standard error."""
    share = found / runs
    return f"{100 * share:.1f} % (+-{100 * math.sqrt(share * (1 - share) / runs):.1f}, {runs:,} runs)"


def main() -> None:
    """Print coverage and the rate of false alarms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    for clustered in (False, True):
        for method in ("percentile", "bca"):
            kept = sum(
                covers(seed, method, clustered=clustered, resamples=options.resamples) for seed in range(options.runs)
            )
            print(f"95 % {method} over {'documents' if clustered else 'segments'}: {describe(kept, options.runs)}")
    false = sum(rejects(seed, shuffles=options.resamples) for seed in range(options.runs))
    print(f"A/A, paired randomisation, rejects at 5 %: {describe(false, options.runs)}")
    cover_large(options.runs, options.resamples)
    cover_ids(options.runs)


if __name__ == "__main__":
    main()
