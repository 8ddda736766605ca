"""JSON: an array of strings or of objects, or an object with one array of strings per language.

Objects are read like those of JSON Lines, with the same options. `{"en": [...], "de": [...]}` is parallel; so is the
answer of the dataset viewer of Hugging Face (`{"rows": [{"row": {...}}, ...]}`) if its rows are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokbench.corpora._reader_api import RawCorpus
from tokbench.corpora._records import Record, Records, is_object_line, parse_json, read_records
from tokbench.corpora._storage import is_file, suffix_of
from tokbench.corpora._utf8 import first_line, read_text
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """Claim a .json file that is not JSON Lines."""
    return is_file(path) and suffix_of(path) == ".json" and not is_object_line(first_line(path))


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the strings or objects of the array.

    Raises TokbenchError with the place in the array for a value that is not text.
    """
    decoded = read_text(path)
    value = parse_json(str(path), decoded.text)
    if isinstance(value, dict):
        value = _find_array(path, value)
    if not isinstance(value, list) or not value:
        raise TokbenchError(f"{path} holds no array of texts or objects", "give an array: [...]")
    records = [(f"{path}, item {number}", _check(path, number, item)) for number, item in enumerate(value, start=1)]
    return read_records(Records(path, "json", records, int(decoded.bom)), options, languages)


def _check(path: Path, number: int, item: Any) -> Record:
    if not isinstance(item, dict | str):
        raise TokbenchError(
            f"{path}, item {number}: a JSON {type(item).__name__}, not a text or an object", "fix the item"
        )
    return item


def _find_array(path: Path, value: Mapping[str, Any]) -> list[Any]:
    """Return the records of an object: columns of equal length, or its only array of objects, or itself."""
    arrays = {key: inner for key, inner in value.items() if isinstance(inner, list)}
    strings = {key: inner for key, inner in arrays.items() if inner and all(isinstance(text, str) for text in inner)}
    if len(strings) > 1 or (strings and len(arrays) == 1):
        if len({len(inner) for inner in strings.values()}) > 1:
            counts = ", ".join(f"{key} {len(inner)}" for key, inner in strings.items())
            raise TokbenchError(
                f"{path}: its arrays have different lengths: {counts}", "text n of each must say the same"
            )
        return [dict(zip(strings, row, strict=True)) for row in zip(*strings.values(), strict=True)]
    objects = [inner for inner in arrays.values() if inner and all(isinstance(item, dict) for item in inner)]
    if "rows" in arrays and all(
        isinstance(item, dict) and isinstance(item.get("row"), dict) for item in arrays["rows"]
    ):
        return [item["row"] for item in arrays["rows"]]
    return objects[0] if len(objects) == 1 else [value]
