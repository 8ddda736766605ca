"""A folder with one plain text file per language, such as FLORES or NTREX.

The language is the last part of the file name before its text extension: `eng_Latn.dev`, `newstest2019-ref.zho-CN.txt`,
`en.txt`. Options: `LANG=FILE` pairs name the files of a folder whose names do not tell; a table, records or TMX named
this way is read by its own reader, which must find the language in it.
Documents come from `metadata_dev.tsv` beside a FLORES folder `dev` (URL, with its domain as the register), or from
`DOCUMENT_IDS.tsv` beside an NTREX folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._file_names import TEXT_EXTENSIONS
from tokbench.corpora._folder import PARTS, check_named_file, find_language_files
from tokbench.corpora._folder_kind import holds_parallel
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._language_tables import TABLES, read_table_of
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, document_frame, text_series
from tokbench.corpora._readers import READERS, find_table_reader
from tokbench.corpora._sliced_file import LARGE_BYTES, find_lines
from tokbench.corpora._storage import is_dir, is_file, is_plain, suffix_of
from tokbench.corpora._utf8 import read_lines
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """Claim a folder with a file per language, itself or one level down, and no manifest."""
    return is_dir(path) and not is_file(path / "manifest.toml") and holds_parallel(path)


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the files of the requested languages, without opening any other.

    A folder one level up will do if only one of its sub-folders contains a corpus. Raises TokbenchError, with the
    arguments to choose from, if the folder contains the files of several corpora.
    """
    if is_file(path):
        return READERS["text"].read(path, options, languages)
    settings, named = split_options(options, ("text", "header"))
    found = None if named else find_language_files(path)
    folder, files, left_out = found or (path, {}, [])
    if named or any(suffix_of(file) in TABLES for file in files.values()):
        columns, others = _read_named(
            path, named or {lang: file.name for lang, file in files.items()}, settings, languages
        )
        left_out = [*left_out, *others]
    elif settings:
        raise TokbenchError(f"{path} holds plain texts, but {next(iter(settings))}= is given", f"give {path}")
    else:
        columns = [read_language(lang, files[lang]) for lang in choose_languages(list(files), languages, str(folder))]
    name = f"{folder.resolve().parent.name}-{folder.name}" if folder.name in PARTS else folder.resolve().name
    return RawCorpus(
        name=name,
        columns=columns,
        documents=_read_documents(folder, columns[0]),
        left_out=left_out,
    )


def _read_named(
    folder: Path, named: Mapping[str, str], settings: Mapping[str, str], languages: Sequence[str] | None
) -> tuple[list[LanguageText], list[LeftOut]]:
    """Read files named by language, each with its format's reader, else as lines."""
    columns: list[LanguageText] = []
    left_out: list[LeftOut] = []
    for lang in choose_languages(list(named), languages, str(folder)):
        file = folder / named[lang]
        check_named_file(file)
        reader = None if suffix_of(file)[1:] in TEXT_EXTENSIONS else find_table_reader(file)
        if reader is None:
            columns.append(read_language(lang, file))
        else:
            spelled = f"{folder}:" + "".join(f"{tag}={name}," for tag, name in named.items())
            raw = read_table_of(lang, file, reader, settings, spelled)
            columns += [replace(column, lang=lang) for column in raw.columns]
            left_out += raw.left_out
    return columns, left_out


def read_language(lang: str, file: Path) -> LanguageText:
    """Read one file as the texts of one language, one line per segment.

    A large file is read in slices on demand.
    """
    large = find_lines(file) if is_plain(file) and file.stat().st_size >= LARGE_BYTES else None
    if large is not None:
        return LanguageText(lang, large.lines, str(file), int(large.bom), large.crlf)
    lines = read_lines(file)
    return LanguageText(lang, text_series(lines.lines), str(file), int(lines.bom), lines.crlf)


def _read_documents(folder: Path, column: LanguageText) -> pl.DataFrame | None:
    """Read the document of each line, if a file beside the folder names them."""
    home = folder.resolve()
    flores, ntrex = home.parent / f"metadata_{home.name}.tsv", home.parent / "DOCUMENT_IDS.tsv"
    if is_file(flores):
        file = flores
        head, *rows = [line.split("\t") for line in read_lines(file).lines] or [[]]
        where = {
            name: head.index(field) for name, field in (("document", "URL"), ("register", "domain")) if field in head
        }
        if any(len(row) != len(head) for row in rows) or "document" not in where:
            raise TokbenchError(f"{file} is not FLORES metadata: a table with the column URL", "fix or move it")
        documents = pl.DataFrame({name: [row[i] for row in rows] for name, i in where.items()})
    elif is_file(ntrex):
        file = ntrex
        documents = document_frame(read_lines(file).lines)
    else:
        return None
    if documents.height != column.texts.len():
        raise TokbenchError(
            f"{file} names the documents of {documents.height} segments, {column.origin} has {column.texts.len()}",
            "fix or move the file of documents",
        )
    return documents
