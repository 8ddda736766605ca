"""JSON Lines: one object per line, with one string per language, or with a text.

Parallel: `LANG=KEY` and `document=KEY`; a dot in a key that does not exist as such leads into an object
(`translation.en`). Without `LANG=KEY` the keys of the first object that are language tags and hold strings are read,
or those of its object `translation` if it has one. A null is a missing text.

Not parallel: without such keys, the texts are those of `text`, `content`, `prompt` or `messages` (contents joined with
line feeds), one segment per record. Options: `text=KEY`, `label=NAME`, `split=lines|documents|none`. Long tables:
`lang=KEY,text=KEY,id=KEY` reads a record per language and segment, aligned by id (without `id=`, as groups).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokbench.corpora._reader_api import RawCorpus
from tokbench.corpora._records import Record, Records, is_object_line, parse_json, read_records
from tokbench.corpora._storage import is_file, suffix_of
from tokbench.corpora._utf8 import first_line, read_lines
from tokbench.corpora.json import read as read_array
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """Claim a .jsonl or .ndjson file, or a .json file whose first line is an object."""
    if not is_file(path):
        return False
    suffix = suffix_of(path)
    return suffix in {".jsonl", ".ndjson"} or (suffix == ".json" and is_object_line(first_line(path)))


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the keys of the requested languages, or the texts.

    Raises TokbenchError with file, line and key for a value that is not text.
    A blank line is a segment that is empty in all languages.
    """
    lines = read_lines(path)
    records = [
        (where := f"{path}:{number}", _check(where, parse_json(where, line)) if line.strip() else None)
        for number, line in enumerate(lines.lines, start=1)
    ]
    if len(records) == 1 and suffix_of(path) == ".json":
        return read_array(path, options, languages)
    return read_records(Records(path, "jsonl", records, int(lines.bom), lines.crlf), options, languages)


def _check(where: str, value: Any) -> Record:
    if not isinstance(value, dict | str):
        raise TokbenchError(f"{where}: the line is a JSON {type(value).__name__}, not an object", "fix the line")
    return value
