"""Decide which column of a table, or key of a record, is which language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tokbench._shared.registry import closest
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._languages import canonical_tag, is_column_tag, parse_tag
from tokbench.corpora._reader_api import LeftOut
from tokbench.corpora._readers import spell_for
from tokbench.errors import TokbenchError

# Usual names of the columns of a long table: the language of each row, its text, the id that translations share.
_LANGS = ("lang", "language", "lang_code", "language_code", "locale", "iso_639_3")
_TEXTS = ("text", "sentence", "content", "prompt", "translation", "question", "value")
_IDS = ("id", "sentence_id", "segment_id", "text_id", "idx", "index", "key")


def split_options(options: Mapping[str, str], settings: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Split corpus options into (settings, sources by language).

    Raises TokbenchError for one that is neither.
    """
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


def is_column_option(key: str) -> bool:
    """Return whether an option names the column or file of a language."""
    return key != "id" and _names_language(key)


def hint_long(names: Iterable[str]) -> dict[str, str] | None:
    """Return the options of a long table if columns are named like one, else None."""
    known = list(names)
    lang, text, key = (next((name for name in usual if name in known), None) for usual in (_LANGS, _TEXTS, _IDS))
    if lang is None or text is None:
        return None
    return {"lang": lang, "text": text} | ({} if key is None else {"id": key})


def _names_language(key: str) -> bool:
    """Return whether an option can be a language.

    Any two or three letters will do, as the user wrote it on purpose.
    """
    return parse_tag(canonical_tag(key)) is not None or (key.isascii() and key.isalpha() and len(key) in (2, 3))


class Sources(NamedTuple):
    """The columns or keys to read, by language, and those that are ignored."""

    languages: dict[str, str]
    left_out: list[LeftOut]


def choose_sources(
    path: Path,
    reader: str,
    names: Mapping[str, str],
    given: Mapping[str, str],
    document: str | None,
    languages: Sequence[str] | None,
    kind: str,
) -> Sources:
    """Choose the columns or keys to read.

    They are those `given` by language, else those of `names` that are language tags.
    names: how each column is looked up, by its name. document: the column that names the documents.
    Raises TokbenchError if no column can be recognised, and for an unknown language.
    """
    left_out: list[LeftOut] = []
    if not given:
        texts = {name: key for name, key in names.items() if document not in (name, key)}
        tagged = tag_columns(texts)
        given = {tag: texts[name] for tag, name in tagged.items()}
        others = texts.keys() - set(tagged.values())
        left_out = [LeftOut(f"{kind} {name}", "its name is not a known language tag") for name in others]
    if not given:
        raise untold(path, reader, [(key, name) for name, key in names.items()], kind)
    chosen = choose_languages(list(given), languages, str(path))
    return Sources({lang: given[lang] for lang in chosen}, sorted(left_out))


def tag_columns(names: Iterable[str]) -> dict[str, str]:
    """Return the names that tell a language, by tag.

    They are tags, or, if none is, have one prefix before a tag: `sentence_eng_Latn`, `text.de`. A prefix counts if it
    comes with two languages at least; if several do, none counts.
    """
    listed = list(names)
    tags = {name: name for name in listed if is_column_tag(name)}
    if tags:
        return tags
    prefixed: dict[str, dict[str, str]] = {}
    for name in listed:
        parts = re.split(r"([_.-])", name)
        for start in range(2, len(parts), 2):
            tag = "".join(parts[start:])
            if is_column_tag(tag):
                prefixed.setdefault("".join(parts[:start]), {})[tag] = name
                break
    several = [group for group in prefixed.values() if len(group) > 1]
    return several[0] if len(several) == 1 else {}


def untold(path: Path, reader: str, names: Sequence[tuple[str, str]], kind: str) -> TokbenchError:
    """Build the error for columns or keys of which none is recognised as a language.

    names: for each of them, what to write in the corpus argument (its number, or its name again), and its name.
    """
    shown = ", ".join(repr(clip(name)) if label == name else f"{label} {clip(name)!r}" for label, name in names[:12])
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    long = hint_long(name for _, name in names)
    options = dict(zip(("en", "zh"), (label for label, _ in names), strict=False)) if long is None else long
    spelled = spell_for(reader, path, options)
    return TokbenchError(
        f"{path}: cannot tell which {kind} is which language; it has {shown or 'none'}{more}",
        f"name them, such as {spelled}" if names and spelled else f"give a file with a {kind} per language",
    )


def clip(text: str, most: int = 16) -> str:
    """Shorten a text for a message."""
    return text if len(text) <= most else f"{text[:most]}…"


def unknown_name(where: str, name: str, names: Sequence[str], kind: str) -> TokbenchError:
    """Build the error for an unknown column or key, suggesting the closest one."""
    near = closest(name, list(names))
    there = ", ".join(repr(clip(known)) for known in names[:20])
    return TokbenchError(f"{where} has no {kind} {name!r}", f"did you mean {near!r}?" if near else f"it has: {there}")
