"""Gold segmentations of words, from a user's file."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tokbench._shared.pipes import keep_pipe
from tokbench.analysis.morphology._formats import FORMATS, detect_format
from tokbench.analysis.morphology._segments import AMBIGUOUS, WHOLE, GoldEntry, LineError, LineTally
from tokbench.errors import TokbenchError

LARGEST = 1 << 28
"""Most bytes of a gold file."""

_BOM = codecs.BOM_UTF8

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.Int64,
    "lang": pl.String,
    "word": pl.String,
    "boundaries": pl.List(pl.Int64),
    "frequency": pl.Float64,
}


@dataclass(frozen=True, eq=False)
class Gold:
    """The words of a gold file that have a boundary, each once.

    name: of the file. sha256: of its bytes.
    words: the columns
        line: where the word is first listed.
        lang: null if the file does not say.
        word, boundaries: the text, and the bytes before each inner boundary, ascending.
        frequency: null if the file gives none.
    left_out: number of lines that are not used, by reason. lines: the first few of them.
    """

    name: str
    sha256: str
    format: str
    words: pl.DataFrame
    left_out: Mapping[str, int]
    lines: Mapping[str, tuple[int, ...]]

    @property
    def weighted(self) -> bool:
        """Return whether every word has a frequency, and not all are 0."""
        return not self.words["frequency"].has_nulls() and self.words["frequency"].sum() > 0


def read_gold(file: str | Path, file_format: str | None = None, separator: str | None = None) -> Gold:
    """Read a gold file.

    file_format: morphscore, morphynet, conllu or tsv; by default what it looks like.
    separator: what is between segments; by default that of the format, or, in `tsv`, the one that fits most words.

    Repeated words with the same segmentation are one; their frequencies are added. Words listed with different ones
    are left out. Raises TokbenchError, with the line, for what is not of the format, and for a file without boundaries.
    """
    if file_format is not None and file_format not in FORMATS:
        raise TokbenchError(f"no format of gold files is called {file_format!r}", f"use {', '.join(FORMATS)}")
    if separator == "":
        raise TokbenchError("the separator is empty", "give what is between segments, such as '|'")
    content = read_content(Path(file))
    sha256 = hashlib.sha256(content).hexdigest()
    text = decode_content(file, content)
    if not text.strip():
        raise TokbenchError(f"{file} is empty", "give a file with words and their segments")
    chosen = file_format or detect_format(text, Path(file).suffix.lower())
    if chosen is None:
        raise TokbenchError(
            f"{file} is no gold file that is known: MorphScore, MorphyNet, CoNLL-U, or word TAB segments",
            "name its format: --gold-format",
        )
    tally = LineTally()
    try:
        entries = list(FORMATS[chosen](text, tally, separator))
    except LineError as error:
        raise TokbenchError(
            f"{file}, {error}", f"it is read as {chosen}: correct the line, or name the format"
        ) from None
    words = collect_words(entries, tally)
    if words.is_empty():
        reasons = ", ".join(f"{count:,} x {reason}" for reason, count in sorted(tally.counts.items()))
        raise TokbenchError(
            f"{file}, read as {chosen}, has no word with a boundary ({reasons or 'no segmentation at all'})",
            "name the format and the separator: --gold-format, --separator",
        )
    lines = {reason: tuple(first) for reason, first in sorted(tally.first.items())}
    return Gold(Path(file).name, sha256, chosen, words, dict(sorted(tally.counts.items())), lines)


def read_content(path: Path) -> bytes:
    """Read a file; TokbenchError if it cannot be read, or is too large."""
    if path.is_dir():
        raise TokbenchError(f"{path} is a folder", "name a file of words with their segments")
    try:
        with keep_pipe(path).open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise TokbenchError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    if len(content) > LARGEST:
        raise TokbenchError(f"{path} holds more than {LARGEST >> 20} MiB", "give a part of it")
    return content


def decode_content(file: str | Path, content: bytes) -> str:
    """Return the text of a file without its byte order mark; TokbenchError with the line that is not UTF-8."""
    try:
        return content.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        line = content.removeprefix(_BOM).count(b"\n", 0, error.start) + 1
        raise TokbenchError(f"{file}:{line}: not UTF-8", "convert the file to UTF-8") from None


def collect_words(entries: list[tuple[int, GoldEntry]], tally: LineTally) -> pl.DataFrame:
    """Merge repeated words; words of one segment, and those with several segmentations, are counted as left out."""
    first: dict[tuple[str | None, str], tuple[int, GoldEntry]] = {}
    frequencies: dict[tuple[str | None, str], float | None] = {}
    clashing: dict[tuple[str | None, str], int] = {}
    for line, entry in entries:
        if not entry.boundaries:
            tally.add(WHOLE, line)
            continue
        key = entry.lang, entry.word
        _, known = first.setdefault(key, (line, entry))
        if known.boundaries != entry.boundaries:
            clashing.setdefault(key, line)
        before = frequencies.get(key, 0.0)
        both = before is not None and entry.frequency is not None
        frequencies[key] = (before or 0.0) + (entry.frequency or 0.0) if both else None
    for line in clashing.values():
        tally.add(AMBIGUOUS, line)
    kept = {key: found for key, found in first.items() if key not in clashing}
    return pl.DataFrame(
        {
            "line": [line for line, _ in kept.values()],
            "lang": [entry.lang for _, entry in kept.values()],
            "word": [entry.word for _, entry in kept.values()],
            "boundaries": [measure_bytes(entry) for _, entry in kept.values()],
            "frequency": [frequencies[key] for key in kept],
        },
        schema=SCHEMA,
    )


def measure_bytes(entry: GoldEntry) -> list[int]:
    """Return the bytes before each boundary of a word."""
    return [len(entry.word[:at].encode()) for at in entry.boundaries]
