"""What is lost in a round trip, at which stage, with minimal examples."""

from __future__ import annotations

from typing import Any

from tokbench._shared.visible_text import reveal
from tokbench.analysis.roundtrip import Breakage, RoundTrip
from tokbench.report._document_model import Plain, Prose, Results

_POINTS_SHOWN = 4


def show(found: RoundTrip, corpus: str) -> Results:
    """Return the diagnosis of a tokenizer on a corpus."""
    return Results(lambda: lay_out(found, corpus), lambda: to_document(found, corpus))


def lay_out(found: RoundTrip, corpus: str) -> list[Plain]:
    """Lay out a summary, and a paragraph per cause of loss."""
    lines = [
        f"{found.tokenizer} ({found.engine}): {found.segments - found.lossy_segments:,} of {found.segments:,} segments "
        f"of {corpus} and {found.probes - found.lossy_probes:,} of {found.probes:,} probes come back exactly"
    ]
    if found.lossless:
        lines.append("nothing is lost")
    return [Prose(tuple(lines)), *map(lay_out_breakage, found.breakages)]


def lay_out_breakage(breakage: Breakage) -> Prose:
    """Lay out one cause of loss."""
    often = ", ".join(f"{format_text(text)} -> {format_text(back)}" for text, back in breakage.frequent[:3])
    return Prose(
        (
            f"{breakage.text_class}, lost in the {breakage.stage}: {breakage.segments:,} segments, "
            f"{breakage.probes:,} probes, {breakage.strings:,} distinct strings",
            f"  smallest: {format_text(breakage.smallest)} -> {format_text(breakage.decoded)}",
            f"  most frequent: {often}",
        )
    )


def format_text(text: str) -> str:
    r"""Quote a text with unprintable characters escaped.

    Lists the code points of a short one.

    >>> format_text("e\u0301\x1b")
    '"é\\x1b" (U+0065 U+0301 U+001B)'
    """
    points = f" ({' '.join(f'U+{ord(c):04X}' for c in text)})" if 0 < len(text) <= _POINTS_SHOWN else ""
    return f'"{reveal(text)}"{points}'


def to_document(found: RoundTrip, corpus: str) -> dict[str, Any]:
    """Convert the diagnosis to a JSON document."""
    return {
        "tokenizer": found.tokenizer,
        "engine": found.engine,
        "sha256": found.sha256,
        "corpus": corpus,
        "segments": found.segments,
        "lossy_segments": found.lossy_segments,
        "probes": found.probes,
        "lossy_probes": found.lossy_probes,
        "breakages": [
            {
                "class": breakage.text_class.value,
                "stage": breakage.stage.value,
                "segments": breakage.segments,
                "probes": breakage.probes,
                "strings": breakage.strings,
                "smallest": breakage.smallest,
                "decoded": breakage.decoded,
                "frequent": [{"text": text, "decoded": back} for text, back in breakage.frequent],
            }
            for breakage in found.breakages
        ],
    }
