"""A small comparison, the same in every test."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import tokbench as tb
from helpers import made
from helpers.corpora import write_corpus
from tokbench.comparison import Comparison

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def make_comparison(folder: Path, **changes: object) -> Comparison:
    """Two tokenizers, one of them lossy, on two segments in two languages; the clock ticks once a call."""
    corpus = write_corpus(folder / "small", en=["the quick fox", "the dog"], zh=["你好，世界", "你好"])
    (folder / "made").mkdir(exist_ok=True)
    wordpiece = folder / "made" / "vocab.txt"
    if not wordpiece.exists():  # training is not repeatable
        made.make_wordpiece(folder / "made")
    paths = ["utf8", str(wordpiece)]
    ticks = count()
    options = {"baseline": "utf8", "clock": lambda: float(next(ticks)), "today": lambda: NOON} | changes
    return tb.compare(paths, corpus, **options)  # type: ignore[arg-type]
