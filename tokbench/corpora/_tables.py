"""Read the rows of a table as a corpus, whatever parsed them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from tokbench.corpora._column_choice import choose_sources, tag_columns, unknown_name, untold
from tokbench.corpora._languages import is_column_tag, parse_tag
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, document_frame, text_series
from tokbench.corpora._readers import spell_for
from tokbench.corpora._storage import stem_of
from tokbench.corpora._text_columns import (
    Layout,
    Source,
    choose_text,
    find_text_name,
    read_layout,
    read_source,
    refuse_grouping,
)
from tokbench.errors import TokbenchError

# Usual heads of text columns: a first row of nothing else may be a header.
_HEADS = frozenset(
    (
        *("source", "target", "src", "tgt", "trg", "ref", "reference", "hyp", "hypothesis", "mt", "original"),
        *("text", "texts", "sentence", "segment", "translation", "string", "english", "chinese", "german", "french"),
        *("spanish", "italian", "portuguese", "russian", "japanese", "korean", "arabic", "hindi", "thai", "turkish"),
    )
)


class Rows(NamedTuple):
    """The rows of a table with their first lines' numbers, as `reader` parsed them."""

    reader: str
    rows: Iterable[tuple[int, list[str]]]
    bom: bool
    crlf: int


def read_table(path: Path, table: Rows, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the rows of a table as a corpus.

    The first row is a header with `header=yes`, if a column is given by name, or if at least two of its cells are
    language tags; otherwise, and with `header=no`, it is the first segment. A blank line is a segment that is empty in
    all languages, except before a header, where it is ignored. Raises TokbenchError with file and line for a row with
    too few columns or more than the first, and for a first row that may or may not be a header.
    """
    pending = iter(table.rows)
    blank = []
    first: tuple[int, list[str]] | None = None
    for first in pending:
        if not _is_blank(first[1]):
            break
        blank.append(first)
    if first is None or _is_blank(first[1]):
        raise TokbenchError(f"{path} is empty", "give a table with one row per segment")
    layout = read_layout(path, options, ("document", "header"))
    settings, given = layout
    document = settings.get("document")
    header = _has_header(path, table.reader, first[1], options, given)
    body = pending if header else chain(blank, [first], pending)
    if layout.grouped or (header and choose_text(layout, first[1], first[1])):
        return _read_text_column(path, table, body, first[1], header, layout, languages)
    refuse_grouping(path, layout)
    # Without a header nothing is guessed: the cells of a segment are not names.
    if not header and not given:
        raise untold(
            path, table.reader, [(str(number), cell) for number, cell in enumerate(first[1], start=1)], "column"
        )
    names = _names(path, table.reader, first[1], given)
    source = choose_sources(path, table.reader, names, given, document, languages, "column")
    columns = {
        lang: _position(path, table.reader, column, first[1], header) for lang, column in source.languages.items()
    }
    where = [] if document is None else [_position(path, table.reader, document, first[1], header)]
    texts = _collect(path, body, [*columns.values(), *where], first[1])
    return RawCorpus(
        name=stem_of(path),
        columns=[
            LanguageText(lang, text_series(texts[column]), f"{path}, column {column + 1}", int(table.bom), table.crlf)
            for lang, column in columns.items()
        ],
        documents=document_frame(texts[where[0]]) if where else None,
        left_out=source.left_out,
    )


def _read_text_column(
    path: Path,
    table: Rows,
    rows: Iterable[tuple[int, list[str]]],
    first: Sequence[str],
    header: bool,
    layout: Layout,
    languages: Sequence[str] | None,
) -> RawCorpus:
    """Read one column as texts, perhaps with those of languages, ids, documents; blank lines are no segments."""
    names = {"text": find_text_name(first) or "", **layout.settings}
    columns = {
        name: _position(path, table.reader, names[name], first, header)
        for name in ("text", "lang", "id", "document")
        if name in names
    }
    filled = ((line, row) for line, row in rows if not _is_blank(row))
    cells = _collect(path, filled, list(columns.values()), first)
    text, lang, key, document = (
        cells[columns[name]] if name in columns else None for name in ("text", "lang", "id", "document")
    )
    left_out = [LeftOut(f"column {name}", f"{names['text']} is read") for i, name in enumerate(first)
                if header and i not in columns.values()]  # fmt: skip
    source = Source(path, "column", names["text"], text or [], lang, key, document, int(table.bom))
    return read_source(source, layout.settings, languages, left_out)


def _is_blank(row: Sequence[str]) -> bool:
    return len(row) == 1 and not row[0].strip()


def _collect(
    path: Path, rows: Iterable[tuple[int, list[str]]], columns: Sequence[int], first: Sequence[str]
) -> dict[int, list[str]]:
    """Collect the cells of the columns, by column."""
    texts: dict[int, list[str]] = {column: [] for column in columns}
    needed, width = max(texts) + 1, len(first)
    for line, row in rows:
        if _is_blank(row):
            row = [""] * needed
        if len(row) < needed:
            raise TokbenchError(f"{path}:{line}: the row has {len(row)} columns and needs {needed}", "fix the row")
        if len(row) > width and any(row[width:]):
            raise TokbenchError(
                f"{path}:{line}: the row has {len(row)} columns, the first has {width}",
                "fix the row: a delimiter inside a text splits it",
            )
        for column, cells in texts.items():
            cells.append(row[column])
    return texts


def _has_header(
    path: Path, reader: str, first: Sequence[str], options: Mapping[str, str], given: Mapping[str, str]
) -> bool:
    said = options.get("header")
    if said not in (None, "yes", "no"):
        raise TokbenchError(f"{path}: header={said} is neither yes nor no", "write header=yes or header=no")
    if said is not None:
        return said == "yes"
    chosen = [*given.values(), *(options.get(name, "") for name in ("document", "text", "lang", "id"))]
    if any(column and not column.isdecimal() for column in chosen) or len(tag_columns(first)) > 1:
        return True
    if not given and "text" not in options and find_text_name(first) is not None:
        return True
    cells = [first[int(column) - 1] if 1 <= int(column) <= len(first) else "" for column in given.values()]
    if cells and all(map(_is_head, cells)):
        yes, no = (spell_for(reader, path, {**options, "header": value}) for value in ("yes", "no"))
        raise TokbenchError(
            f"{path}: the first row may be a header or a text: {', '.join(map(repr, cells))}",
            f"say which: {yes} or {no}",
        )
    return False


def _is_head(cell: str) -> bool:
    """Return whether a cell looks like a column name: usual words, language tags."""
    words = [word for word in re.split(r"[\W\d_]+", cell.strip().casefold()) if word]
    return bool(words) and all(word in _HEADS or parse_tag(word) is not None for word in words)


def _names(path: Path, reader: str, first: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Map the heads of the columns to their numbers.

    Raises TokbenchError for two of one language, if none is given.
    """
    names: dict[str, str] = {}
    for number, name in enumerate(first, start=1):
        if name in names and is_column_tag(name) and not given:
            raise _two_columns(path, reader, first, name)
        names.setdefault(name, str(number))
    return names


def _position(path: Path, reader: str, column: str, first: Sequence[str], header: bool) -> int:
    """Return the index of a column given by number from 1, or by name in a header."""
    if column.isdecimal():
        if not 1 <= int(column) <= len(first):
            raise TokbenchError(f"{path} has no column {column}", f"its first row has {len(first)}")
        return int(column) - 1
    if not header:
        raise TokbenchError(
            f"{path} has no header, so the column {column!r} cannot be found by name",
            "give the column's number, from 1",
        )
    if column not in first:
        raise unknown_name(str(path), column, first, "column")
    if list(first).count(column) > 1:
        raise _two_columns(path, reader, first, column)
    return list(first).index(column)


def _two_columns(path: Path, reader: str, first: Sequence[str], name: str) -> TokbenchError:
    numbers = [str(number) for number, cell in enumerate(first, start=1) if cell == name]
    heads = {cell: str(number) for number, cell in reversed(list(enumerate(first, start=1))) if is_column_tag(cell)}
    spelled = spell_for(reader, path, {**dict(reversed(heads.items())), "header": "yes"}) if heads else None
    return TokbenchError(
        f"{path} has two columns {name!r}, {' and '.join(numbers)}",
        f"choose by number, such as {spelled}" if spelled else "give the column's number, from 1",
    )
