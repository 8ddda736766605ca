"""Tables and records that are not one column per language: a column of texts, or long tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tokbench.corpora._column_choice import split_options, tag_columns
from tokbench.corpora._groups import choose_split, collect_groups, split_all
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, document_frame, text_series
from tokbench.corpora._storage import stem_of
from tokbench.errors import TokbenchError

TEXT_NAMES = ("text", "content", "prompt", "messages", "conversations")
"""Columns and keys that are read as the texts if none is a language; the first one that is there."""

MOST_LABELS = 1000
"""Most different values of the column that names the languages of a long table."""

_CONTENTS = ("content", "value", "text")
_GROUPED = ("text", "lang", "id", "label", "split")


class Layout(NamedTuple):
    """What the options say about the columns: settings, and columns by language."""

    settings: dict[str, str]
    given: dict[str, str]

    @property
    def grouped(self) -> bool:
        """Return whether one column holds all texts."""
        return "text" in self.settings


def read_layout(path: Path, options: Mapping[str, str], settings: Sequence[str] = ("document",)) -> Layout:
    """Split the options of a table or of records, and check that they fit together.

    `id` names the column of ids if `lang` is given too, else it is Indonesian.
    """
    long = "lang" in options
    chosen, given = split_options(options, (*settings, *(name for name in _GROUPED if name != "id" or long)))
    if long and "text" not in chosen:
        raise TokbenchError(f"{path}: lang= is given without text=", "give lang=COLUMN,text=COLUMN,id=COLUMN")
    if given and (also := [name for name in _GROUPED if name in chosen]):
        raise TokbenchError(
            f"{path}: {also[0]}= and {next(iter(given))}= are both given",
            "name a column per language, or the column of the texts",
        )
    if long and "label" in chosen:
        raise TokbenchError(f"{path}: lang= and label= are both given", "give only one of them")
    return Layout(chosen, given)


def refuse_grouping(path: Path, layout: Layout) -> None:
    """Raise TokbenchError for options of groups where the columns are languages."""
    for name in ("label", "split"):
        if name in layout.settings:
            raise TokbenchError(
                f"{path} has a column per language, but {name}= is given", "omit it, or add text=COLUMN"
            )


def find_text_name(names: Iterable[str]) -> str | None:
    """Return the name of the column or key that holds the texts, if one has a usual name."""
    known = set(names)
    return next((name for name in TEXT_NAMES if name in known), None)


def choose_text(layout: Layout, texts: Iterable[str], names: Iterable[str]) -> str | None:
    """Return the name of the column of all texts, given or found; None if columns are languages.

    texts: the names of the columns that can be languages. One such name alone is not believed beside a column of texts:
    `geo` is Georgian, too.
    """
    if layout.grouped or layout.given:
        return layout.settings.get("text")
    return None if len(tag_columns(texts)) > 1 else find_text_name(names)


def join_messages(messages: Iterable[Any], check: Callable[[Any], str | None]) -> str | None:
    """Return the contents of the messages of a conversation, joined with line feeds; None if there are none.

    A message is a text, or has one as `content`, `value` or `text`: the first that is not null. A content may consist
    of parts, of which those without a text, such as images, are ignored. check: returns a piece of text, None for
    null, and raises TokbenchError for anything else.
    """
    texts: list[str] = []
    for message in messages:
        content = message
        if isinstance(message, Mapping):
            content = next((found for key in _CONTENTS if (found := message.get(key)) is not None), None)
        for part in content if isinstance(content, list) else [content]:
            text = check(part.get("text") if isinstance(part, Mapping) else part)
            texts += [] if text is None else [text]
    return "\n".join(texts) if texts else None


class Source(NamedTuple):
    """The column of the texts of a table or of records.

    kind: what the format calls it; column: its name. langs, ids, documents: the values of the other columns, if they
    were given.
    """

    path: Path
    kind: str
    column: str
    texts: Sequence[str | None]
    langs: Sequence[Any] | None = None
    ids: Sequence[Any] | None = None
    documents: Sequence[Any] | None = None
    bom: int | None = None


def read_source(
    source: Source, settings: Mapping[str, str], languages: Sequence[str] | None, left_out: Sequence[LeftOut] = ()
) -> RawCorpus:
    """Build the corpus: one group, a group per language, or languages aligned by id.

    If texts are cut into segments and no column names the documents, each text is a document.
    """
    path, name = source.path, stem_of(source.path)
    split = choose_split(settings, "none")
    origin = f"{path}, {source.kind} {source.column}"
    if source.langs is not None and source.ids is not None:
        if "split" in settings:
            raise TokbenchError(f"{path}: rows with ids are parallel and cannot be split", "omit split= or id=")
        return _align(source, origin, languages, left_out)
    named = _name_documents(source, split)
    groups: dict[str, tuple[list[str | None], str, int | None]] = {}
    documents: dict[str, list[str | None]] = {}
    for label, rows in _group_rows(source, settings.get("label", name)).items():
        parts = [(row, segment) for row in rows for segment in split_all([source.texts[row]], split)]
        place = origin if source.langs is None else f"{origin}, rows in {label}"
        groups[label] = [segment for _, segment in parts], place, source.bom
        documents[label] = [] if named is None else [named[row] for row, _ in parts]
    return collect_groups(path, name, groups, languages, left_out, None if named is None else documents)


def _name_documents(source: Source, split: str = "none") -> list[str | None] | None:
    """Return the document of each text: as named, else the text itself if it is one of several that are cut."""
    if source.documents is not None:
        return [None if name is None else str(name) for name in source.documents]
    rows = len(source.texts)
    return None if split == "none" or rows < 2 else [str(row) for row in range(1, rows + 1)]


def _group_rows(source: Source, label: str) -> dict[str, Sequence[int]]:
    """Return the rows of each language, or all under the label."""
    if source.langs is None:
        return {label: range(len(source.texts))}
    groups: dict[str, list[int]] = {}
    for row, lang in enumerate(_check_labels(source)):
        if source.texts[row] is None:
            raise TokbenchError(f"{source.path}, row {row + 1}: there is no text in {lang}", "fix the row")
        groups.setdefault(lang, []).append(row)
    return {**groups}


def _check_labels(source: Source) -> list[str]:
    labels = []
    for row, label in enumerate(source.langs or (), start=1):
        if not isinstance(label, str) or not label.strip():
            raise TokbenchError(f"{source.path}, row {row}: the language is {label!r}, not text", "fix the row")
        labels.append(label)
    if len(set(labels)) > MOST_LABELS:
        raise TokbenchError(
            f"{source.path}: the column lang= has {len(set(labels)):,} different values, not languages",
            "name the column with the language of each row",
        )
    return labels


def _align(source: Source, origin: str, languages: Sequence[str] | None, left_out: Sequence[LeftOut]) -> RawCorpus:
    """Align the rows of a long table by their ids, in the order in which these appear.

    The document of an id is that of its first row.
    """
    labels = _check_labels(source)
    places: dict[str, int] = {}
    firsts: list[int] = []
    for row, key in enumerate(source.ids or (), start=1):
        if key is None or str(key) == "":
            raise TokbenchError(f"{source.path}, row {row} has no id", "fix the row, or omit id=")
        if str(key) not in places:
            places[str(key)] = len(places)
            firsts.append(row - 1)
    columns: dict[str, list[str | None]] = {lang: [None] * len(places) for lang in dict.fromkeys(labels)}
    seen: set[tuple[str, str]] = set()
    for row, (lang, key, text) in enumerate(zip(labels, source.ids or (), source.texts, strict=True), start=1):
        if (lang, str(key)) in seen:
            raise TokbenchError(
                f"{source.path}, row {row}: the id {str(key)[:40]!r} occurs twice in {lang}",
                "give a column of unique ids",
            )
        seen.add((lang, str(key)))
        columns[lang][places[str(key)]] = text
    chosen = choose_languages(list(columns), languages, str(source.path))
    named = _name_documents(source)
    return RawCorpus(
        name=stem_of(source.path),
        columns=[
            LanguageText(lang, text_series(columns[lang]), f"{origin}, rows in {lang}", source.bom) for lang in chosen
        ],
        documents=None if named is None else document_frame([named[row] for row in firsts]),
        left_out=left_out,
    )
