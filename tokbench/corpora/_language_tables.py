"""Folders with a table or records per language, such as MGSM (`mgsm_en.tsv`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

from tokbench.corpora._languages import is_column_tag
from tokbench.corpora._reader_api import RawCorpus
from tokbench.corpora._readers import READERS
from tokbench.corpora._storage import strip_compression
from tokbench.corpora._utf8 import read_lines
from tokbench.errors import TokbenchError

TABLES = frozenset({".csv", ".json", ".jsonl", ".ndjson", ".tab", ".tsv"})
_NUMBER = re.compile(r"\s*[-+]?[\d.,' ]+%?\s*")
_ROWS = 200


def group_tables(files: Iterable[Path]) -> dict[str, dict[str, Path]]:
    """Group files by the pattern of their names, then by language; patterns with one language are dropped."""
    patterns: dict[str, dict[str, Path]] = {}
    for file in files:
        found = None if file.name.startswith(".") else find_tag(file)
        if found is not None:
            patterns.setdefault(found[0], {})[found[1]] = file
    return {pattern: group for pattern, group in patterns.items() if len(group) > 1}


def find_tag(file: Path) -> tuple[str, str] | None:
    """Return the name of a table or of records with `*` for the language that it ends with, and that language.

    It is the longest one: `x_zh_cn.tsv` is zh_cn, `mgsm_en.tsv` is en.
    """
    stem, dot, suffix = strip_compression(file.name).rpartition(".")
    if f".{suffix.lower()}" not in TABLES:
        return None
    starts = [0, *(match.end() for match in re.finditer(r"[._-]", stem))]
    found = next((start for start in starts if is_column_tag(stem[start:])), None)
    return None if found is None else (f"{stem[:found]}*{dot}{suffix}", stem[found:])


def read_table_of(lang: str, file: Path, reader: str, options: Mapping[str, str], spelled: str) -> RawCorpus:
    """Read the texts of one language from a table that is all in this language, or has it as a column.

    options: `text` names the column or key of the texts, `header` is that of tables.
    spelled: the corpus argument to which `text=...` can be added. Raises TokbenchError if the column is not known.
    """
    rest = {key: value for key, value in options.items() if key != "text"}
    if "text" in options:
        return READERS[reader].read(file, {lang: options["text"], **rest}, [lang])
    try:
        return READERS[reader].read(file, rest, [lang])
    except TokbenchError as error:
        found = _only_text(file, reader)
        if found is not None:
            return READERS[reader].read(file, {lang: found, "header": "no"}, [lang])
        hint = f"if all of it is in {lang}, name the column of the texts: {spelled}text=COLUMN"
        raise TokbenchError(error.message, hint) from None


def _only_text(file: Path, reader: str) -> str | None:
    """Return the number of the only column of a headless table that does not hold numbers."""
    if reader != "tsv":
        return None
    rows = [line.split("\t") for line in islice(read_lines(file).lines, _ROWS) if line.strip()]
    width = {len(row) for row in rows}
    if len(width) != 1:
        return None
    texts = [i for i in range(width.pop()) if not all(_NUMBER.fullmatch(row[i]) for row in rows)]
    return str(texts[0] + 1) if len(texts) == 1 else None
