"""A small table of stored figures, and a reader of pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import polars as pl


def make_figures(**columns: list[object]) -> pl.DataFrame:
    """Three languages and four tokenizers: one loses text in Thai, one is a byte vocabulary."""
    tokens = [10.0, 12.0, 8.0, 50.0, 15.0, 12.0, 16.0, 60.0, 30.0, 45.0, 20.0, 140.0]
    premium = [1.0, 1.0, 1.0, 1.0, 1.5, 1.0, 2.0, 1.2, 3.0, 3.75, 2.5, 2.8]
    return pl.DataFrame(
        {
            "corpus": ["c/dev"] * 12,
            "lang": ["eng_Latn"] * 4 + ["deu_Latn"] * 4 + ["tha_Thai"] * 4,
            "tokenizer": ["big", "small", "loses", "bytes"] * 3,
            "licence": ["MIT", "Apache-2.0", "MIT", "MIT"] * 3,
            "family": ["x", "x", "x", "bytes"] * 3,
            "vocabulary": [2000, 1000, 1500, 256] * 3,
            "sha256": ["a" * 64, "b" * 64, "c" * 64, "d" * 64] * 3,
            "engine": ["e==1"] * 12,
            "segments": [1997] * 12,
            "corpus_sha256": ["0123456789abcdef"] * 12,
            "corpus_licence": ["CC0"] * 12,
            "reference": ["eng_Latn"] * 12,
            "bootstrap": ["1000/percentile/documents/seed0"] * 12,
            "version": ["0.2.0"] * 12,
            "measured": ["2026-01-02"] * 12,
            "signature": ["tokbench|tok:big", "tokbench|tok:small", "tokbench|tok:loses", "tokbench|tok:bytes"] * 3,
            "tokens_per_segment": tokens,
            "tokens_per_segment_low": [value - 1 for value in tokens],
            "tokens_per_segment_high": [value + 1 for value in tokens],
            "premium": premium,
            "premium_low": [value - 0.25 for value in premium],
            "premium_high": [value + 0.25 for value in premium],
            "bytes_per_token": [4.0] * 12,
            "loss": ["exact"] * 10 + ["lossy", "exact"],
            "language": ["English"] * 4 + ["German"] * 4 + ["Thai"] * 4,
            "names": ["english|en"] * 4 + ["german|de|deutsch"] * 4 + ["thai|th|ไทย"] * 4,
            **columns,
        }
    )


@dataclass
class Page(HTMLParser):
    """What a page holds: rows of cells by table, and every element with its attributes."""

    tables: list[list[list[str]]] = field(default_factory=list)
    elements: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        """Set up the parser, which has an `__init__` of its own."""
        super().__init__()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, a row or a cell."""
        self.elements.append((tag, frozenset(name for name, _ in attrs)))
        self._inside = self._inside if tag in ("a", "small", "span") else tag in ("td", "th")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave the last cell of a table."""
        self._inside = self._inside and tag not in ("table", "thead", "tbody")

    def handle_data(self, data: str) -> None:
        """Keep text, and that of a cell."""
        self.text += data
        if self._inside:
            self.tables[-1][-1][-1] += data.rstrip("\n")


def read_page(content: bytes) -> Page:
    """Read a page."""
    page = Page()
    page.feed(content.decode())
    page.close()
    return page
