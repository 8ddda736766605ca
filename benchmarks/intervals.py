"""What intervals cost: 1,000 resamples of 12 tokenizers x 54 languages x 1,000 segments, in time and memory.

`python benchmarks/intervals.py` simulates counts; with `--corpus CORPUS --tokenizers A B ...` it runs a whole
comparison on real text instead (204 languages x 12 tokenizers: `--corpus flores200/dev`).
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np
import polars as pl

from tokbench.comparison import compare
from tokbench.measurement import Measurements
from tokbench.metrics import METRICS, Reference, find_differences, find_metrics
from tokbench.metrics._intervals import find_intervals
from tokbench.metrics.resampling import Bootstrap


def peak_mib() -> float:
    """The largest memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def simulate(tokenizers: int, languages: int, segments: int) -> Measurements:
    """Measurements of made-up counts."""
    generator = np.random.default_rng(0)
    names = pl.Enum([f"tokenizer{i:02}" for i in range(tokenizers)])
    langs = pl.Enum([f"lang{i:03}" for i in range(languages)])
    n = languages * segments
    lang = pl.Series("lang", np.repeat(langs.categories.to_list(), segments).tolist(), dtype=langs)
    segment = pl.Series("segment", np.tile(np.arange(segments, dtype=np.uint32), languages))
    size = generator.integers(60, 240, n).astype(np.int32)
    words = pl.Series(size // 6, dtype=pl.Int32)
    texts = pl.DataFrame({"lang": lang, "segment": segment, "bytes": size, "chars": size, "words": words})
    parts = []
    for name in names.categories:
        tokens = generator.poisson(size / generator.uniform(2, 5)).astype(np.int32) + 1
        zeros = pl.lit(0, pl.Int32)
        counts = pl.DataFrame({"lang": lang, "segment": segment, "tokens": tokens}).with_columns(
            partial_tokens=zeros, unk_tokens=zeros, unk_chars=zeros, loss=pl.lit(0, pl.UInt8)
        )
        half = pl.Series(size // 12, dtype=pl.Int32)
        parts.append(counts.select(pl.lit(name, names).alias("tokenizer"), pl.all(), continued_words=half))
    facts = {"engine": "", "path": "", "sha256": "", "vocab_base": 50_000, "vocab_total": 50_000, "vocab_rows": 50_000}
    rows = [{"tokenizer": name, **facts, "context_window": 2048, "unk_id": None} for name in names.categories]
    return Measurements(
        texts=texts,
        counts=pl.concat(parts),
        ids=pl.DataFrame(
            schema={"tokenizer": names, "lang": langs, "block": pl.UInt8, "id": pl.Int32, "count": pl.Int64}
        ),
        vocab=pl.DataFrame(schema={"tokenizer": names, "id": pl.Int32, "bytes": pl.Binary}),
        documents=pl.DataFrame(schema={"segment": pl.UInt32, "document": pl.String}),
        tokenizers=pl.DataFrame(rows, schema_overrides={"tokenizer": names}),
    )


def time_simulated(tokenizers: int, languages: int, segments: int) -> None:
    """Print what intervals and tests of simulated counts cost."""
    measured = simulate(tokenizers, languages, segments)
    print(f"{tokenizers} tokenizers x {languages} languages x {segments:,} segments; before: {peak_mib():,.0f} MiB")
    reference, bootstrap = Reference("lang000", "tokenizer00"), Bootstrap()
    jobs = {
        "1,000 resamples, tokens per segment and premium": ("tokens_per_segment", "premium"),
        "1,000 resamples, all ratios and those over languages": tuple(METRICS),
    }
    for title, names in jobs.items():
        start = time.perf_counter()
        rows = find_intervals(measured, find_metrics(names), reference, bootstrap).height
        print(f"{title}: {rows:,} intervals, {time.perf_counter() - start:.2f} s, peak {peak_mib():,.0f} MiB")
    start = time.perf_counter()
    tests = find_differences(measured, find_metrics(["tokens_per_segment"]), "tokenizer00", bootstrap)
    taken, shuffles = time.perf_counter() - start, tests["shuffles"].max()
    print(f"{tests.height:,} tests of {shuffles:,} shuffles: {taken:.2f} s, peak {peak_mib():,.0f} MiB")


def time_real(corpus: str, tokenizers: list[str]) -> None:
    """Print what a whole comparison with intervals costs."""
    start = time.perf_counter()
    result = compare(tokenizers, corpus, throughput=False)
    taken = time.perf_counter() - start
    print(f"{result!r}: {result.frame.height:,} figures, {taken:.1f} s, peak {peak_mib():,.0f} MiB")


def main() -> None:
    """Print time and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus")
    parser.add_argument("--tokenizers", nargs="+", default=["gpt-neox-20b"])
    parser.add_argument("--languages", type=int, default=54)
    options = parser.parse_args()
    if options.corpus:
        time_real(options.corpus, options.tokenizers)
    else:
        time_simulated(12, options.languages, 1000)


if __name__ == "__main__":
    main()
