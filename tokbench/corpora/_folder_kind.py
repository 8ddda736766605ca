"""Whether the files of a folder are translations of each other, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokbench.corpora._file_names import have_counterparts, is_language_file
from tokbench.corpora._folder import plain_files
from tokbench.corpora._language_tables import group_tables
from tokbench.corpora._languages import parse_tag
from tokbench.corpora._readers import find_table_reader
from tokbench.corpora._storage import is_dir, is_file, list_folder
from tokbench.corpora._suffixes import PROSE, name_content

SAVED = ("state.json", "dataset_dict.json")
"""Files that mark a dataset that Hugging Face's `save_to_disk` wrote."""

_MIXED = PROSE | {None, "tsv", "csv", "json"}
_SETTINGS = {"ini", "toml", "xml", "yaml"}


def holds_parallel(path: Path) -> bool:
    """Return whether a folder holds a file per language, itself or one level down.

    Files whose suffix is both a language and a programming language (`.cs`, `.ts`) count if there is a translation of
    them, or if they do not look like code. A folder that also holds code is not searched one level down, and a file
    without a translation is none of a language there: `Makefile.am` is not Amharic.
    """
    files = [file for file in list_folder(path) if is_file(file) and not file.name.startswith(".")]
    if any(file.name in SAVED for file in files):
        return False
    if _hold_languages(files) or group_tables(files):
        return True
    folders = [p for p in list_folder(path) if is_dir(p) and not p.is_file() and not p.name.startswith(".")]
    if any(name_content(file) not in _MIXED for file in files):
        return False
    tagged = [p for p in folders if parse_tag(p.name)]
    if len(tagged) > 1:
        shared = set.intersection(*(set(plain_files(folder)) for folder in tagged))
        return bool(shared) or all(len(plain_files(folder)) == 1 for folder in tagged)
    inner = [p for p in folders if _hold_languages(list_folder(p))]
    if not inner:
        return _asks_for_table(files) or any(_holds_tagged(folder) for folder in folders)
    return len(inner) == len(folders) or not any(
        name_content(file) not in PROSE | {None} for folder in folders for file in list_folder(folder) if is_file(file)
    )


def _hold_languages(files: Sequence[Path]) -> bool:
    """Return whether files are named after languages, beside code only if they are translations of each other."""
    tagged = [file for file in files if is_language_file(file)]
    if have_counterparts(tagged):
        return True
    others = set(files).difference(tagged)
    return bool(tagged) and all(name_content(file) in _MIXED | _SETTINGS for file in others if is_file(file))


def _holds_tagged(folder: Path) -> bool:
    return sum(is_dir(p) and parse_tag(p.name) is not None for p in list_folder(folder)) > 1


def _asks_for_table(files: Sequence[Path]) -> bool:
    """Return whether all files of a folder are tables or records, each a corpus of its own."""
    return bool(files) and all(find_table_reader(file) for file in files)
