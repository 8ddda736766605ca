"""Small corpora, written where a test wants them, and parts of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tokbench import load_corpus
from tokbench.corpora import ParallelCorpus
from tokbench.measurement import Measurements

FRAMES = ("texts", "counts", "ids", "vocab", "documents", "tokenizers")


def write_corpus(folder: Path, **texts: list[str]) -> ParallelCorpus:
    folder.mkdir(parents=True, exist_ok=True)
    for lang, lines in texts.items():
        (folder / f"{lang}.txt").write_bytes("".join(f"{line}\n" for line in lines).encode())
    return load_corpus(folder)


def cut_out(corpus: ParallelCorpus, start: int, length: int) -> ParallelCorpus:
    """Some of the segments, by place."""
    return replace(
        corpus,
        columns={lang: column.slice(start, length) for lang, column in corpus.columns.items()},
        segments=corpus.segments.slice(start, length),
        documents=None if corpus.documents is None else corpus.documents.slice(start, length),
    )


def equal(a: Measurements, b: Measurements) -> bool:
    return all(getattr(a, name).equals(getattr(b, name), null_equal=True) for name in FRAMES)
