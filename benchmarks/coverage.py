"""Do intervals cover and do tests err as often as they say? Simulated corpora: `python benchmarks/coverage.py`.

A corpus of 400 segments in 80 documents: lengths are gamma-distributed, tokens follow from them with noise that a
document shares, so that the true ratios are known. In each run the 95 % interval of a premium is computed and either
covers the true value or not; two tokenizers that differ by chance alone are compared, and the test either rejects at
5 % or not.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from tokbench.randomisation import randomise
from tokbench.statistics import (
    Bootstrap,
    bca_interval,
    divide,
    draw_weights,
    find_units,
    percentile_interval,
    resample_sums,
)

DOCUMENTS, SEGMENTS_EACH = 80, 5
PREMIUM = 2.1
LEVEL = 0.95


def simulate(generator: np.random.Generator, *, clustered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of every segment in a reference language, and in one that needs PREMIUM times as many."""
    n = DOCUMENTS * SEGMENTS_EACH
    length = generator.gamma(4.0, 7.0, n)
    shared = np.repeat(generator.normal(0, 0.15 if clustered else 0.0, DOCUMENTS), SEGMENTS_EACH)
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


def rejects(seed: int, *, shuffles: int) -> bool:
    """Whether the test tells two tokenizers apart that differ by chance alone."""
    generator = np.random.default_rng([2, seed])
    length = generator.gamma(4.0, 7.0, (DOCUMENTS * SEGMENTS_EACH, 1))
    first, second = (generator.poisson(length * generator.lognormal(0, 0.1, length.shape)) + 1.0 for _ in range(2))
    segments = np.ones_like(length)
    return bool(randomise((first, segments), (second, segments), shuffles=shuffles, seed=seed)[0] <= 1 - LEVEL)


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


if __name__ == "__main__":
    main()
