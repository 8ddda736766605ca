"""Moses files: PREFIX.zh and PREFIX.en, given as PREFIX.

The files themselves, joined with commas, are accepted too.
The language is the last part of each file's name (`newstest2017.en`, `newstest2021.en-zh.ref.A.zh`). A single file is a
corpus of one language. There are no options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._file_names import is_language_file, language_of, list_prefixed
from tokbench.corpora._folder import choose_files
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._reader_api import LeftOut, RawCorpus
from tokbench.corpora._storage import is_dir, is_file, suffix_of
from tokbench.corpora._utf8 import first_line
from tokbench.corpora.lines import read_language
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """Claim a prefix of files in two languages, a list of files, or a language file."""
    if is_dir(path):
        return False
    if is_file(path):
        return is_language_file(path) and not (suffix_of(path) == ".txt" and b"\t" in first_line(path))
    return "," in str(path) or len({language_of(file.name) for file in list_prefixed(path)}) > 1


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the files of the requested languages.

    Raises TokbenchError if, by their names, a language has two, or none.
    """
    _, named = split_options(options, ())
    if named:
        raise TokbenchError(
            f"the files of {path} are named after their languages and take no columns, but {', '.join(named)} is given",
            f"omit that: give {path}",
        )
    listed = is_file(path) or "," in str(path)
    left_out: list[LeftOut] = []
    if listed:
        files = _listed(path)
    else:
        _, files, left_out = choose_files(path.parent, list_prefixed(path))
    if not files:
        raise TokbenchError(
            f"no file is called {path}.LANGUAGE", "give what the names of the files have in common before the language"
        )
    chosen = choose_languages(list(files), languages, str(path))
    return RawCorpus(
        name=_common_name(list(files.values())),
        columns=[read_language(lang, files[lang]) for lang in chosen],
        left_out=left_out,
    )


def _listed(path: Path) -> dict[str, Path]:
    """Return the files listed, by language, in the order given."""
    files: dict[str, Path] = {}
    for part in [str(path)] if is_file(path) else str(path).split(","):
        file = Path(part.strip())
        lang = language_of(file.name)
        if lang is None:
            raise TokbenchError(
                f"the name of {file} does not end with a language tag",
                f"read it alone, as {file}:format=text, or name the files of a folder: FOLDER:en=FILE,zh=FILE",
            )
        if lang in files:
            raise TokbenchError(
                f"{files[lang]} and {file} are both named after the language {lang}", "give only one of them"
            )
        files[lang] = file
    return files


def _common_name(files: Sequence[Path]) -> str:
    """Return what the files' names start with, part by part.

    Return the first file's name if they share nothing.
    """
    if len(files) == 1:
        return files[0].name
    parts = zip(*(file.name.split(".") for file in files), strict=False)
    common = [part[0] for part in takewhile(lambda part: len(set(part)) == 1, parts)]
    return ".".join(common) or files[0].name
