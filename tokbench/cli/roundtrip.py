"""`tokbench roundtrip`: what is lost, at which stage, minimal examples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._options import Corpus, Json, Languages, Offline, Segments, TokenizerName, open_corpus

if TYPE_CHECKING:
    from tokbench.analysis.roundtrip import Breakage, RoundTrip

_POINTS_SHOWN = 4


def run(
    tokenizer: TokenizerName,
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    fail_lossy: Annotated[
        bool, typer.Option("--fail-lossy", help="Exit with status 1 if a segment does not round-trip.")
    ] = False,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Find text that does not round-trip: what is lost, at which stage, with a minimal example.

    Besides the corpus, a built-in set of probes is tested: every white-space, control and format character, samples of
    all Unicode categories, decomposed and compatibility characters, emoji, and the texts of special tokens.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.roundtrip import inspect_round_trip

    texts = open_corpus(corpus, languages, segments)
    loaded = load_tokenizer(tokenizer, offline=offline)
    found = inspect_round_trip(loaded, (text for lang in texts.languages for text in texts.texts(lang)))
    if as_json:
        typer.echo(json.dumps(document(found, texts.name), indent=1))
    else:
        typer.echo("\n".join(write_lines(found, texts.name)))
    if fail_lossy and found.lossy_segments:
        raise typer.Exit(1)


def show(text: str) -> str:
    r"""Quote a text with unprintable characters escaped.

    Lists the code points of a short one.

    >>> show("e\u0301\x1b")
    '"é\\x1b" (U+0065 U+0301 U+001B)'
    """
    points = f" ({' '.join(f'U+{ord(c):04X}' for c in text)})" if 0 < len(text) <= _POINTS_SHOWN else ""
    return f'"{escape(text)}"{points}'


def escape(text: str) -> str:
    """Escape everything invisible in a text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def write_lines(found: RoundTrip, corpus: str) -> list[str]:
    """Format the diagnosis for the terminal."""
    lines = [
        f"{found.tokenizer} ({found.engine}): {found.segments - found.lossy_segments:,} of {found.segments:,} segments "
        f"of {corpus} and {found.probes - found.lossy_probes:,} of {found.probes:,} probes come back exactly"
    ]
    if found.lossless:
        lines.append("nothing is lost")
    for breakage in found.breakages:
        lines += ["", *write_breakage(breakage)]
    return lines


def write_breakage(breakage: Breakage) -> list[str]:
    """Format one cause of loss."""
    often = ", ".join(f"{show(text)} -> {show(back)}" for text, back in breakage.frequent[:3])
    return [
        f"{breakage.text_class}, lost in the {breakage.stage}: {breakage.segments:,} segments, "
        f"{breakage.probes:,} probes, {breakage.strings:,} distinct strings",
        f"  smallest: {show(breakage.smallest)} -> {show(breakage.decoded)}",
        f"  most frequent: {often}",
    ]


def document(found: RoundTrip, corpus: str) -> dict[str, Any]:
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
