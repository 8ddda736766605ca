"""What the name of a file tells: its language, and the files beside it in other languages."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path

from tokbench.corpora._content import HEAD_BYTES, HEAD_LINES
from tokbench.corpora._languages import parse_tag
from tokbench.corpora._storage import is_dir, is_file, list_folder, strip_compression, suffix_of
from tokbench.corpora._suffixes import SUFFIXES
from tokbench.corpora._utf8 import read_head

TEXT_EXTENSIONS = frozenset({"txt", "text", "dev", "devtest", "test", "train", "valid", "tok"})
# Lines that end in punctuation of code, or begin with a comment or a keyword.
_CODE = re.compile(r"[;{}(,]$|^(?:[#*/}\-]|import |using |use |let |open |module |local |function |end$|\()")


def language_of(file_name: str) -> str | None:
    """Return the language tag that a file's name ends with, before text extensions.

    Return None if there is none.
    """
    parts = _without_extensions(file_name)
    return parts[-1] if parse_tag(parts[-1]) and not file_name.startswith(".") else None


def _without_extensions(file_name: str) -> list[str]:
    parts = strip_compression(file_name).split(".")
    while len(parts) > 1 and parts[-1] in TEXT_EXTENSIONS:
        parts.pop()
    return parts


def pattern_of(file_name: str) -> str:
    """Return a file's name with `*` for its language, such as `news-ref.*.txt`."""
    parts = file_name.split(".")
    parts[len(_without_extensions(file_name)) - 1] = "*"
    return ".".join(parts)


def list_prefixed(prefix: Path) -> list[Path]:
    """List the files PREFIX.LANGUAGE[.EXTENSION], shorter names first."""
    if not is_dir(prefix.parent):
        return []
    files = []
    for file in list_folder(prefix.parent):
        rest = file.name.removeprefix(f"{prefix.name}.")
        lang = language_of(rest)
        if rest != file.name and lang is not None and lang == rest.split(".")[0] and is_file(file):
            files.append(file)
    return sorted(drop_copies(files), key=lambda file: (len(file.name), file.name))


def drop_copies(files: Iterable[Path]) -> list[Path]:
    """Drop compressed files that lie beside the file itself."""
    listed = list(files)
    names = {file.name for file in listed}
    return [file for file in listed if (name := strip_compression(file.name)) == file.name or name not in names]


def is_language_file(file: Path) -> bool:
    """Return whether a file is named after its language, and neither after a programming language nor binary.

    What says that it is text (`de.txt`) is not opened: its reader tells what is wrong with it.
    """
    if not is_file(file) or language_of(file.name) is None:
        return False
    if suffix_of(file)[1:] in TEXT_EXTENSIONS:
        return True
    if suffix_of(file)[1:] not in SUFFIXES:
        return not _is_binary(read_head(file, HEAD_BYTES))
    prefix = file.parent / strip_compression(file.name).rpartition(".")[0]
    return len({language_of(other.name) for other in list_prefixed(prefix)}) > 1 or not _looks_like_code(file)


def _is_binary(head: bytes) -> bool:
    """Return whether a file is no text in any encoding that a reader could name to the user."""
    return b"\x00" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def have_counterparts(files: Iterable[Path]) -> bool:
    """Return whether two files have the same name but for their language."""
    patterns: dict[str, str | None] = {}
    for file in files:
        lang = language_of(file.name)
        if lang is not None and patterns.setdefault(pattern_of(strip_compression(file.name)), lang) != lang:
            return True
    return False


def _looks_like_code(file: Path) -> bool:
    """Return whether a quarter of the first lines of a file look like code."""
    lines = [line.strip() for line in read_head(file, HEAD_BYTES).decode("utf-8", "replace").split("\n")[:HEAD_LINES]]
    filled = [line for line in lines if line]
    return 4 * sum(_CODE.search(line) is not None for line in filled) > len(filled)
