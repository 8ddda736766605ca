"""WMT and NIST sets in SGML: `newstest2017-enzh-src.en.sgm`, with its references beside it.

A file whose name says `src` or `ref` is read with its counterpart, if that is beside it: `-src.en.sgm` and
`-ref.zh.sgm` are parallel. Only `seg` elements are text; the five entities of XML and numbers are decoded. Documents
are those of the source. There are no options.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._file_names import drop_copies, language_of
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._languages import canonical_tag, parse_tag
from tokbench.corpora._reader_api import LanguageText, RawCorpus, document_frame, text_series
from tokbench.corpora._storage import is_file, list_folder, strip_compression, suffix_of
from tokbench.corpora._utf8 import read_text
from tokbench.errors import TokbenchError

_TAG = re.compile(r"<(?P<end>/?)(?P<name>srcset|refset|tstset|doc|seg)\b(?P<attributes>[^<>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_ROLE = re.compile(r"(?P<before>.*[._-]|)(?P<role>src|ref)(?P<after>[._-].*)", re.IGNORECASE)


def claims(path: Path) -> bool:
    """Claim a .sgm or .sgml file."""
    return is_file(path) and suffix_of(path) in {".sgm", ".sgml"}


class _Set(NamedTuple):
    lang: str
    segments: list[tuple[str, str]]
    """Document and text of each."""


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read a set and its counterpart; TokbenchError with file and line for a segment that does not end."""
    _, named = split_options(options, ())
    if named:
        raise TokbenchError(f"{path} names its language itself, but {', '.join(named)} is given", "omit that option")
    files = _find_counterparts(path)
    sets = {file: _read_set(file) for file in files}
    by_language: dict[str, Path] = {}
    for file, found in sets.items():
        if found.lang in by_language:
            raise TokbenchError(
                f"{by_language[found.lang]} and {file} are both in {found.lang}", "move one of them into another folder"
            )
        by_language[found.lang] = file
    chosen = choose_languages(list(by_language), languages, str(path))
    columns = [
        LanguageText(lang, text_series([text for _, text in sets[file].segments]), str(file))
        for lang, file in ((lang, by_language[lang]) for lang in chosen)
    ]
    documents = [document for document, _ in sets[files[0]].segments]
    same = len({column.texts.len() for column in columns} | {len(documents)}) == 1
    return RawCorpus(
        name=_name(path), columns=columns, documents=document_frame(documents) if same and any(documents) else None
    )


def _name(path: Path) -> str:
    match = _ROLE.fullmatch(strip_compression(path.name))
    return match["before"].rstrip("._-") or path.stem if match else path.stem


def _find_counterparts(path: Path) -> list[Path]:
    """Return the source and the references whose names agree up to `src` or `ref`, the source first."""
    match = _ROLE.fullmatch(strip_compression(path.name))
    if match is None:
        return [path]
    roles: dict[str, list[Path]] = {"src": [], "ref": []}
    for file in drop_copies(list_folder(path.parent)):
        other = _ROLE.fullmatch(strip_compression(file.name)) if claims(file) else None
        if other and other["before"] == match["before"]:
            roles[other["role"].lower()].append(file)
    return [*roles["src"], *roles["ref"]]


def _read_set(path: Path) -> _Set:
    text = read_text(path).text
    head: dict[str, str] = {}
    kind = document = ""
    segments: list[tuple[str, str]] = []
    start: int | None = None
    for tag in _TAG.finditer(text):
        name = tag["name"].lower()
        if start is not None and (name != "seg" or not tag["end"]):
            raise _unended(path, text, start)
        if name == "seg":
            if start is not None:
                segments.append((document, _decode(text[start : tag.start()])))
            start = None if tag["end"] else tag.end()
        elif not tag["end"]:
            attributes = {key.lower(): a or b or c for key, a, b, c in _ATTRIBUTE.findall(tag["attributes"])}
            if name == "doc":
                document = attributes.get("docid", "")
            else:
                kind, head = name, attributes
    if start is not None:
        raise _unended(path, text, start)
    if not segments:
        raise TokbenchError(f"{path} contains no segment", "check that it is a set of source or reference texts")
    return _Set(_find_language(path, kind, head), segments)


def _unended(path: Path, text: str, at: int) -> TokbenchError:
    return TokbenchError(f"{path}:{text.count(chr(10), 0, at) + 1}: a segment does not end", "add </seg>")


def _decode(text: str) -> str:
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text).strip()


def _find_language(path: Path, kind: str, head: Mapping[str, str]) -> str:
    """Return the language of a set: that of its head, else of its file's name."""
    said = canonical_tag(head.get("srclang" if kind == "srcset" else "trglang", ""))
    name = strip_compression(path.name)
    named = language_of(name.rpartition(".")[0]) or language_of(re.sub(r".*[._-]", "", name.rpartition(".")[0]))
    lang = said if parse_tag(said) else named
    if lang is None:
        raise TokbenchError(f"{path} does not tell its language", f"name it after its language: {path.stem}.en.sgm")
    return lang
