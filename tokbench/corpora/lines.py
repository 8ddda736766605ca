"""A folder with one plain text file a language: FLORES, NTREX, or simply en.txt and zh.txt.

The language is the last part of the file name before its text extension: `eng_Latn.dev`, `newstest2019-ref.zho-CN.txt`,
`en.txt`. Options: `LANG=FILE` pairs name the files of a folder where their names do not tell.
Documents come from `metadata_dev.tsv` beside a FLORES folder `dev` (URL, and its domain as the register), or from
`DOCUMENT_IDS.tsv` beside an NTREX folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tokbench.corpora._columns import split_options
from tokbench.corpora._languages import choose_languages, parse_tag
from tokbench.corpora._line_file import LARGE_BYTES, find_lines
from tokbench.corpora._raw import LanguageText, LeftOut, RawCorpus, document_frame, text_series
from tokbench.corpora._text import list_folder, read_lines
from tokbench.errors import TokbenchError

TEXT_EXTENSIONS = frozenset({"txt", "text", "dev", "devtest", "test", "train", "valid", "tok"})
# A folder of this name says which part it is, and its parent which corpus.
_PARTS = frozenset({"dev", "devtest", "test", "train", "valid"})


def claims(path: Path) -> bool:
    """A folder without a manifest."""
    return path.is_dir() and not (path / "manifest.toml").is_file()


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the files of the languages asked for, and open no other.

    Of two files of one language the one with the shorter name is read and the other left out. A folder one level
    up will do when only one of its sub-folders holds a corpus.
    """
    _, named = split_options(options, ())
    if named:
        folder, files = path, {lang: path / file for lang, file in named.items()}
        left_out: list[LeftOut] = []
    else:
        folder = _corpus_folder(path)
        files, left_out = _language_files(folder)
    chosen = choose_languages(list(files), languages, str(folder))
    columns = [read_language(lang, files[lang]) for lang in chosen]
    name = f"{folder.resolve().parent.name}-{folder.name}" if folder.name in _PARTS else folder.resolve().name
    return RawCorpus(
        name=name,
        columns=columns,
        documents=_read_documents(folder, columns[0]),
        left_out=left_out,
    )


def language_of(file_name: str) -> str | None:
    """The language tag that a file's name ends with, before text extensions; None where it ends with none."""
    parts = file_name.split(".")
    while len(parts) > 1 and parts[-1] in TEXT_EXTENSIONS:
        parts.pop()
    return parts[-1] if parse_tag(parts[-1]) and not file_name.startswith(".") else None


def read_language(lang: str, file: Path) -> LanguageText:
    """One file as the texts of one language, a line a segment; a large one is read in slices as it is needed."""
    if file.is_file() and file.stat().st_size >= LARGE_BYTES:
        large = find_lines(file)
        return LanguageText(lang, large.lines, str(file), int(large.bom), large.crlf)
    found = read_lines(file)
    return LanguageText(lang, text_series(found.lines), str(file), int(found.bom), found.crlf)


def _language_files(folder: Path) -> tuple[dict[str, Path], list[LeftOut]]:
    """The files of a folder by language, in the order of the tags, and those left out."""
    files: dict[str, Path] = {}
    left_out = []
    for file in sorted(filter(Path.is_file, list_folder(folder)), key=lambda file: (len(file.name), file.name)):
        lang = language_of(file.name)
        if lang is None:
            if file.suffix[1:] in TEXT_EXTENSIONS:
                left_out.append(LeftOut(file.name, "its name ends with no language tag known here"))
        elif lang not in files:
            files[lang] = file
        elif len(file.name) == len(files[lang].name):
            raise TokbenchError(
                f"{folder} has two files for {lang}: {files[lang].name} and {file.name}",
                f"name one with {folder}:{lang}={file.name},... or give what the names of one pair begin with",
            )
        else:
            left_out.append(LeftOut(file.name, f"{files[lang].name} is read for {lang}"))
    return dict(sorted(files.items())), left_out


def _corpus_folder(path: Path) -> Path:
    """The folder itself if it holds language files, else its only sub-folder that does."""
    if _language_files(path)[0]:
        return path
    inner = [p for p in list_folder(path) if p.is_dir() and any(language_of(f.name) for f in list_folder(p))]
    if not inner:
        raise TokbenchError(
            f"{path} holds no file whose name ends with a language tag, such as en.txt or eng_Latn.dev",
            f"name the files with {path}:en=FILE,zh=FILE",
        )
    if len(inner) > 1:
        raise TokbenchError(
            f"{path} holds {len(inner)} corpora: {', '.join(p.name for p in inner)}",
            f"choose one of them, for example {inner[0]}",
        )
    return inner[0]


def _read_documents(folder: Path, column: LanguageText) -> pl.DataFrame | None:
    """The document of each line, where a file beside the folder tells."""
    home = folder.resolve()
    flores, ntrex = home.parent / f"metadata_{home.name}.tsv", home.parent / "DOCUMENT_IDS.tsv"
    if flores.is_file():
        file = flores
        head, *rows = [line.split("\t") for line in read_lines(file).lines] or [[]]
        where = {
            name: head.index(field) for name, field in (("document", "URL"), ("register", "domain")) if field in head
        }
        if any(len(row) != len(head) for row in rows) or "document" not in where:
            raise TokbenchError(f"{file} is no FLORES metadata: a table with the column URL", "mend or move it")
        documents = pl.DataFrame({name: [row[i] for row in rows] for name, i in where.items()})
    elif ntrex.is_file():
        file = ntrex
        documents = document_frame(read_lines(file).lines)
    else:
        return None
    if documents.height != column.texts.len():
        raise TokbenchError(
            f"{file} names the documents of {documents.height} segments, {column.origin} has {column.texts.len()}",
            "mend or move the file of the documents",
        )
    return documents
