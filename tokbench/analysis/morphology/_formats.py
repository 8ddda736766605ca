"""Readers of gold files, one per format: each yields the words of the file with their boundaries."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO

from tokbench.analysis.morphology._conllu import ID, read_conllu
from tokbench.analysis.morphology._segments import (
    DERIVED,
    DIGITS,
    MISSPELT,
    NOT_LEMMA,
    NOT_UNIQUE,
    UNMARKED,
    GoldEntry,
    LineError,
    LineTally,
    align_segments,
    join_segments,
    number_lines,
)

Read = Callable[[str, LineTally, str | None], Iterator[tuple[int, GoldEntry]]]
"""Yields the number of the line and the word: text of the file, lines left out, separator or None."""

SEPARATORS = ("|", " @@", "+", "·", " ", "-", "@@ ", "/", "#", "_")
"""Between segments, in the order in which they are tried."""

_SAMPLE = 1000
_WORDS = ("word", "form", "wordform", "full_word")
_SEGMENTS = ("segments", "segmentation", "morphemes", "morphs", "split")
_FREQUENCIES = ("frequency", "freq", "count", "word_freq_norm", "word_freq")
_LANGS = ("lang", "language", "language_code")


def read_frequency(line: int, written: str | None) -> float | None:
    """Return a frequency, None if the field is absent or empty; LineError if it is no number from 0 on."""
    if written is None or not written.strip():
        return None
    if not is_number(written):
        raise LineError(line, f"the frequency {written.strip()[:40]!r} is not a number from 0 on")
    return float(written)


def is_number(written: str) -> bool:
    """Return whether a field is a finite number from 0 on."""
    try:
        return 0 <= float(written) < math.inf
    except ValueError:
        return False


def find_column(header: Sequence[str], names: Sequence[str]) -> int | None:
    """Return the first column with one of these names."""
    return next((header.index(name) for name in names if name in header), None)


def read_fields(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a comma- or tab-separated table with their line numbers, the header first."""
    first = text.partition("\n")[0]
    rows = csv.reader(StringIO(text, newline=""), delimiter="\t" if "\t" in first else ",", strict=True)
    start = 1
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise LineError(rows.line_num, f"not a table: {error}") from error
        if any(map(str.strip, row)):
            yield start, row
        start = rows.line_num + 1


# ---- MorphScore


def read_morphscore(text: str, tally: LineTally, separator: str | None) -> Iterator[tuple[int, GoldEntry]]:
    """Read the tables of MorphScore: parts before and after a stem, or, in the first version, two parts.

    As there, words not marked as unique, stems that are not the lemma and words with digits are left out, where the
    table has the columns that say so.
    """
    rows = read_fields(text)
    _, header = next(rows)
    header = [name.strip() for name in header]
    word_at = find_column(header, ("wordform", "full_word"))
    parts = [
        header.index(name) for name in ("preceding_part", "stem", "following_part", "pt1", "rest") if name in header
    ]
    if word_at is None or len(parts) < 2:
        raise LineError(1, "no columns wordform, stem and following_part, nor full_word, pt1 and rest")
    frequency_at, lang_at = find_column(header, _FREQUENCIES), find_column(header, _LANGS)
    for line, row in rows:
        if len(row) != len(header):
            raise LineError(line, f"{len(row)} fields, the header has {len(header)}")
        cells = dict(zip(header, row, strict=True))
        reason = exclude_morphscore(row[word_at], cells)
        boundaries = None if reason else join_segments(row[word_at], [row[at] for at in parts])
        if boundaries is None:
            tally.add(reason or MISSPELT, line)
            continue
        frequency = read_frequency(line, pick(row, frequency_at))
        yield line, GoldEntry(row[word_at], boundaries, pick(row, lang_at) or None, frequency)


def exclude_morphscore(word: str, cells: Mapping[str, str]) -> str | None:
    """Return why MorphScore leaves a row out, None if it does not."""
    if cells.get("unique", "unique").strip() != "unique":
        return NOT_UNIQUE
    if "lemma" in cells and "stem" in cells and cells["lemma"] != cells["stem"]:
        return NOT_LEMMA
    return DIGITS if "stem" in cells and any(map(str.isdecimal, word)) else None


# ---- MorphyNet


def read_morphynet(text: str, tally: LineTally, separator: str | None) -> Iterator[tuple[int, GoldEntry]]:
    """Read inflections (lemma, form, features, segments) or derivations (..., affix, prefix or suffix).

    Segments are canonical: where they do not spell the form, the line is left out.
    """
    for line, content in number_lines(text):
        fields = content.split("\t")
        if len(fields) == 4:
            word, segments = fields[1], fields[3]
            boundaries = join_segments(word, segments.split(separator or "|"))
            if boundaries is None:
                tally.add(UNMARKED if segments == "-" else MISSPELT, line)
                continue
        elif len(fields) == 6:
            word, found = fields[1], cut_affix(fields[1], fields[4], fields[5])
            if found is None:
                tally.add(DERIVED, line)
                continue
            boundaries = found
        else:
            raise LineError(line, f"{len(fields)} fields, MorphyNet has 4 or 6")
        yield line, GoldEntry(word, boundaries)


def cut_affix(word: str, affix: str, kind: str) -> tuple[int, ...] | None:
    """Return the boundary of an affix; None if the word does not have it at the end that `kind` says."""
    bare = affix.strip("-")
    if kind == "suffix" and word.endswith(bare) and 0 < len(bare) < len(word):
        return (len(word) - len(bare),)
    if kind == "prefix" and word.startswith(bare) and 0 < len(bare) < len(word):
        return (len(bare),)
    return None


# ---- plain tables


def read_tsv(text: str, tally: LineTally, separator: str | None) -> Iterator[tuple[int, GoldEntry]]:
    """Read word, segments and, if there is one, frequency; a header may name these and `lang`."""
    rows = [(line, content.split("\t")) for line, content in number_lines(text)]
    header = [name.strip().casefold() for name in rows[0][1]]
    columns: list[int | None] = [0, 1, 2, None]
    if find_column(header[:1], _WORDS) is not None:
        columns = [find_column(header, names) for names in (_WORDS, _SEGMENTS, _FREQUENCIES, _LANGS)]
        rows = rows[1:]
        if columns[1] is None:
            raise LineError(1, f"no column {', '.join(_SEGMENTS)}")
    word_at, segments_at, frequency_at, lang_at = columns
    assert word_at is not None
    assert segments_at is not None
    between = separator or find_separator(
        [(row[word_at], row[segments_at]) for _, row in rows if len(row) > segments_at]
    )
    if between == " @@":  # of SIGMORPHON 2022, where the third column is the kind of morphology
        frequency_at = None
    for line, row in rows:
        if len(row) <= max(word_at, segments_at):
            raise LineError(line, f"{len(row)} fields, at least {max(word_at, segments_at) + 1} are needed")
        boundaries = align_segments(row[word_at], row[segments_at], between)
        if boundaries is None:
            tally.add(MISSPELT, line)
            continue
        frequency = read_frequency(line, pick(row, frequency_at))
        yield line, GoldEntry(row[word_at], boundaries, pick(row, lang_at) or None, frequency)


def pick(row: Sequence[str], column: int | None) -> str | None:
    """Return a field; None if the row does not have it."""
    return None if column is None or column >= len(row) else row[column]


def find_separator(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the separator with which the most of the first words are spelt in several segments."""

    def count(separator: str) -> int:
        return sum(bool(align_segments(word, written, separator)) for word, written in pairs[:_SAMPLE])

    return max(SEPARATORS, key=count)  # the first of those that are equal


FORMATS: Mapping[str, Read] = {
    "morphscore": read_morphscore,
    "morphynet": read_morphynet,
    "conllu": read_conllu,
    "tsv": read_tsv,
}


def detect_format(text: str, suffix: str) -> str | None:
    """Return the format of a gold file by its first line of content and its suffix, None if it is none of them."""
    first = next((line for _, line in number_lines(text) if not line.startswith("# ")), "")
    names = {name.strip().strip('"') for name in re.split("[,\t]", first)}
    fields = first.split("\t")
    if suffix in (".conllu", ".conll") or (len(fields) == 10 and ID.fullmatch(fields[0])):
        return "conllu"
    if {"wordform", "stem"} <= names or {"full_word", "pt1", "rest"} <= names:
        return "morphscore"
    if fields[0].casefold() in _WORDS and len(fields) > 1:
        return "tsv"
    if (len(fields) == 6 and fields[5] in ("prefix", "suffix")) or (len(fields) == 4 and not is_number(fields[2])):
        return "morphynet"
    return "tsv" if len(fields) in (2, 3, 4) else None
