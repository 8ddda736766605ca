"""What reports say of a sample of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokbench.comparison._facts import ComparedCorpus


def write_sample(corpus: ComparedCorpus) -> list[str]:
    """Say how much was read, if values are those of a sample."""
    sample = corpus.sample
    if sample is None:
        return []
    share = f"{100 * sample.bytes / max(sample.of_bytes, 1):.2g} %"
    much = f"{write_bytes(sample.bytes)} of {write_bytes(sample.of_bytes)} ({share})"
    read = f"read {much} for ±{sample.describe_precision()}"
    if sample.whole:
        return [f"{read}: all of it, since no smaller sample was enough"]
    together = ["over all groups: each by its share of the source"] if len(corpus.languages) > 1 else []
    return [f"{read}: {sample.pieces:,} of {sample.of_pieces:,} pieces; rare losses may be missed", *together]


def write_bytes(size: int) -> str:
    """Write a size in decimal units: `8.7 MB`."""
    power = min(3, max(0, (len(str(size)) - 1) // 3))
    number = f"{size / 1000**power:.3g}" if power else str(size)
    return f"{number} {('B', 'kB', 'MB', 'GB')[power]}"
