"""Which column of a table, or key of a record, is which language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from tokbench.corpora._languages import canonical_tag, choose_languages, is_column_tag, parse_tag
from tokbench.corpora._raw import LanguageText, LeftOut, RawCorpus, document_frame, text_series
from tokbench.errors import TokbenchError
from tokbench.registry import closest


def split_options(options: Mapping[str, str], settings: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The options of a corpus argument as (settings, sources by language); TokbenchError for one that is neither."""
    chosen, sources = {}, {}
    for key, value in options.items():
        if key in settings:
            chosen[key] = value
        elif _names_language(key):
            sources[key] = value
        else:
            near = closest(key, list(settings))
            known = ", ".join(["format", *settings, "LANGUAGE=COLUMN"])
            raise TokbenchError(
                f"no corpus option is called {key!r}", f"did you mean {near!r}?" if near else f"known: {known}"
            )
    return chosen, sources


def _names_language(key: str) -> bool:
    """Whether an option's key can be a language: any two or three letters will do, as it is said on purpose."""
    return parse_tag(canonical_tag(key)) is not None or (key.isascii() and key.isalpha() and len(key) in (2, 3))


class Sources(NamedTuple):
    """The columns or keys to read, by language, and those that are there and not read."""

    languages: dict[str, str]
    left_out: list[LeftOut]


def choose_sources(
    where: str,
    names: Mapping[str, str],
    given: Mapping[str, str],
    document: str | None,
    languages: Sequence[str] | None,
    kind: str,
) -> Sources:
    """The columns or keys to read: those `given` by language, else those of `names` that are language tags.

    `names` maps what a column is called to how it is looked up, `document` is the one that names the documents.
    TokbenchError where nothing tells, and for a language that is not there.
    """
    left_out: list[LeftOut] = []
    if not given:
        texts = {name: key for name, key in names.items() if document not in (name, key)}
        given = {name: key for name, key in texts.items() if is_column_tag(name)}
        left_out = [
            LeftOut(f"{kind} {name}", "its name is no language tag known here") for name in texts.keys() - given
        ]
    if not given:
        raise untold(where, list(names), kind)
    chosen = choose_languages(list(given), languages, where)
    return Sources({lang: given[lang] for lang in chosen}, sorted(left_out))


def untold(where: str, names: Sequence[str], kind: str) -> TokbenchError:
    """The error for columns or keys of which none can be taken for a language."""
    shown = ", ".join(f"{number} {_clipped(name)!r}" for number, name in enumerate(names[:12], start=1))
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    example = f"{where}:en=1,zh=2" if kind == "column" else f"{where}:en=KEY,zh=KEY"
    return TokbenchError(
        f"{where}: which {kind} is which language is not known; there are {shown or 'none'}{more}",
        f"name them: {example}",
    )


def _clipped(text: str, most: int = 16) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def unknown_name(where: str, name: str, names: Sequence[str], kind: str) -> TokbenchError:
    """The error for a column or key that is not there, with the one that was most likely meant."""
    near = closest(name, list(names))
    there = ", ".join(repr(_clipped(known)) for known in names[:20])
    return TokbenchError(
        f"{where} has no {kind} {name!r}", f"did you mean {near!r}?" if near else f"there are: {there}"
    )


def read_table(
    path: Path,
    rows: Iterable[tuple[int, list[str]]],
    options: Mapping[str, str],
    languages: Sequence[str] | None,
    *,
    bom: bool,
    crlf: int,
) -> RawCorpus:
    """A table's rows, each with the number of the line it begins at, as a corpus.

    The first row names the columns where `header=yes` says so, where a column is given by name, and where two of
    its cells or more are language tags; otherwise, and with `header=no`, it is the first segment. TokbenchError with
    file and line for a row with too few columns.
    """
    pending = iter(rows)
    first = next(pending, None)
    if first is None:
        raise TokbenchError(f"{path} is empty", "give a table with a row a segment")
    settings, given = split_options(options, ("document", "header"))
    document = settings.get("document")
    header = _has_header(path, first[1], settings.get("header"), [*given.values(), document or ""])
    # Without a header nothing is guessed: the cells of a segment are no names.
    if not header and not given:
        raise untold(str(path), first[1], "column")
    source = choose_sources(str(path), _names(path, first[1], given), given, document, languages, "column")
    columns = {lang: _position(path, column, first[1], header) for lang, column in source.languages.items()}
    where = [] if document is None else [_position(path, document, first[1], header)]
    texts: dict[int, list[str]] = {column: [] for column in [*columns.values(), *where]}
    needed = max(texts) + 1
    for line, row in pending if header else chain([first], pending):
        if len(row) < needed:
            raise TokbenchError(f"{path}:{line}: the row has {len(row)} columns and needs {needed}", "mend the row")
        for column, cells in texts.items():
            cells.append(row[column])
    return RawCorpus(
        name=path.stem,
        columns=[
            LanguageText(lang, text_series(texts[column]), f"{path}, column {column + 1}", int(bom), crlf)
            for lang, column in columns.items()
        ],
        documents=document_frame(texts[where[0]]) if where else None,
        left_out=source.left_out,
    )


def _has_header(path: Path, first: Sequence[str], said: str | None, given: Sequence[str]) -> bool:
    if said not in (None, "yes", "no"):
        raise TokbenchError(f"{path}: header={said} is neither yes nor no", "write header=yes or header=no")
    if said is not None:
        return said == "yes"
    by_name = any(column and not column.isdecimal() for column in given)
    return by_name or sum(map(is_column_tag, first)) > 1


def _names(path: Path, first: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """The heads of the columns with their numbers; TokbenchError for two of one language, if none is given."""
    names: dict[str, str] = {}
    for number, name in enumerate(first, start=1):
        if name in names and is_column_tag(name) and not given:
            raise TokbenchError(
                f"{path} has two columns {name!r}, {names[name]} and {number}", f"choose: {name}={number}"
            )
        names.setdefault(name, str(number))
    return names


def _position(path: Path, column: str, first: Sequence[str], header: bool) -> int:
    """The index of a column that is given by its number from 1, or by its name in the first row."""
    if column.isdecimal():
        if not 1 <= int(column) <= len(first):
            raise TokbenchError(f"{path} has no column {column}", f"its first row has {len(first)}")
        return int(column) - 1
    if not header:
        raise TokbenchError(
            f"{path} has no header to look up the column {column!r} in", "give the column's number, from 1"
        )
    if column not in first:
        raise unknown_name(str(path), column, first, "column")
    return list(first).index(column)
