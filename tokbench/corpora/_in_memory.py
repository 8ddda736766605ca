"""Texts that are already in memory, as a corpus: dictionaries, polars and pandas frames, Hugging Face datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias

import polars as pl

from tokbench.corpora._reader_api import LanguageText, RawCorpus
from tokbench.errors import TokbenchError

ACCEPTED = "give a dict, a polars or pandas DataFrame, or a datasets.Dataset, with one column of texts per language"


class Columns(Protocol):
    """What pandas frames and Hugging Face datasets have in common: columns by name."""

    def __getitem__(self, name: str, /) -> Any:
        """Return one column."""
        ...

    def __len__(self) -> int: ...


TextsByLanguage: TypeAlias = Mapping[str, Iterable[str]] | pl.DataFrame | Columns
"""Texts by language; the columns of frames and datasets are languages."""


def read_texts(texts: TextsByLanguage, name: str, *, aligned: bool = True) -> RawCorpus:
    """Return the texts of each language, unchanged.

    Raises TokbenchError for unequal lengths of aligned texts, and for anything but text: the message names the language
    and the row.
    """
    columns = tuple(
        LanguageText(lang=lang, texts=read_column(lang, values), origin=lang)
        for lang, values in list_columns(texts).items()
    )
    if not columns:
        raise TokbenchError("there are no texts: no language is given", ACCEPTED)
    first = columns[0]
    for column in columns[1:]:
        count, expected = column.texts.len(), first.texts.len()
        if aligned and count != expected:
            raise TokbenchError(
                f"unequal numbers of texts: {count:,} in {column.lang}, {expected:,} in {first.lang}",
                "text n of each language must say the same; use TextGroups.from_texts for texts that do not",
            )
    return RawCorpus(name=name, columns=columns, aligned=aligned)


def list_columns(texts: TextsByLanguage) -> dict[str, Iterable[Any]]:
    """Return the columns by language.

    Frames of pandas and datasets are recognised by the package of their class, so that neither is imported.
    """
    if isinstance(texts, Mapping):
        columns = dict(texts)
    elif isinstance(texts, pl.DataFrame):
        columns = texts.to_dict()
    elif is_from("pandas", texts) and hasattr(texts, "columns"):
        columns = {name: texts[name] for name in texts.columns}
    elif is_from("datasets", texts) and hasattr(texts, "column_names") and hasattr(texts, "__len__"):  # not streamed
        columns = {name: texts[name] for name in texts.column_names}
    else:
        raise TokbenchError(f"cannot read texts from {name_type(texts)}", ACCEPTED)
    for lang in columns:
        if not isinstance(lang, str) or not lang.strip():
            raise TokbenchError(f"a language is called {lang!r}", "name languages by tags such as 'en'")
    return columns


def is_from(package: str, value: object) -> bool:
    """Return whether the class of a value, or one that it derives from, belongs to a package."""
    return any(base.__module__.partition(".")[0] == package for base in type(value).__mro__)


def name_type(value: object) -> str:
    """Return the type of a value for a message: `pandas.Series`, `int`."""
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    return kind.__name__ if package == "builtins" else f"{package}.{kind.__name__}"


def read_column(lang: str, values: Iterable[Any]) -> pl.Series:
    """Return the texts of one language; TokbenchError for the first value that is not text."""
    if hasattr(values, "column_names") or hasattr(values, "columns"):
        raise TokbenchError(f"{lang} is a whole table, not a column of texts", f"choose one split: texts[{lang!r}]")
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        what = "one str" if isinstance(values, str) else f"of type {name_type(values)}"
        raise TokbenchError(f"the texts of {lang} are {what}, not a sequence of str", f"write {{{lang!r}: [...]}}")
    if isinstance(values, pl.Series) and values.dtype == pl.String and not values.null_count():
        return values.alias("text")
    listed = list(values)
    for row, value in enumerate(listed):
        if not isinstance(value, str):
            raise TokbenchError(f"text {row} of {lang} is {describe(value)}, not a str", suggest(value))
    try:
        return pl.Series("text", listed, dtype=pl.String)
    except UnicodeEncodeError as error:
        row = next(row for row, value in enumerate(listed) if not is_unicode(value))
        raise TokbenchError(
            f"text {row} of {lang} contains a lone surrogate, which is not valid Unicode", "decode its file as UTF-8"
        ) from error


def describe(value: object) -> str:
    """Return a value for a message: missing values as such, others by type."""
    return "missing" if is_missing(value) else f"of type {name_type(value)}"


def suggest(value: object) -> str:
    """Return what to do about a value that is not text."""
    if is_missing(value):
        return "drop the row in every language, or use '' to have it excluded and counted"
    return "keep only columns of text, one per language"


def is_missing(value: object) -> bool:
    """Return whether a value is None, NaN or pandas.NA."""
    if isinstance(value, float):
        return value != value  # NaN alone differs from itself
    return value is None or type(value).__name__ in {"NAType", "NaTType"}


def is_unicode(text: str) -> bool:
    """Return whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
