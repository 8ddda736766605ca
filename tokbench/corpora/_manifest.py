"""The manifest of a bundled corpus: facts, licence, SHA-256 of every file.

```toml
name = "tokbench14"               # also the name of the folder
title = "..."                     # one line
version = "1.0"
licence = "CC0-1.0"
source = "own"
columns = "programming languages" # optional: what the columns are, if not natural languages; tags are then any names
separator = "%%%%"                # optional: the line between two segments; by default, each line is a segment
segments = 260                    # in each file
sha256 = "..."                    # of the texts, as ParallelCorpus.sha256

[[language]]                      # in the order of the corpus
tag = "en"
name = "English"
script = "Latn"                   # ISO 15924
file = "en.txt"
sha256 = "..."                    # of the file's bytes
```

`segments.tsv` beside it is optional: columns `segment` (from 1, in order), `document`, `register`.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from tokbench.corpora._languages import parse_tag
from tokbench.corpora._parallel import ParallelCorpus, build_parallel
from tokbench.corpora._reader_api import LanguageText, RawCorpus, text_series
from tokbench.corpora._utf8 import read_bytes, read_lines, read_text
from tokbench.corpora.lines import read_language
from tokbench.errors import TokbenchError

MANIFEST = "manifest.toml"
SEGMENTS = "segments.tsv"
_LANGUAGE: dict[str, type] = dict.fromkeys(("tag", "name", "script", "file", "sha256"), str)
_CORPUS: dict[str, type] = dict.fromkeys(("name", "title", "version", "licence", "source", "sha256"), str)
_CORPUS.update(segments=int, language=list)
_OPTIONAL: dict[str, type] = dict.fromkeys(("columns", "separator"), str)
_KINDS = {str: "a text", int: "a number above 0", list: "tables"}
# Written by `write_manifest`.
_WRITTEN = frozenset({"segments", "sha256"})
# Tags of columns that are not natural languages.
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class ManifestLanguage:
    """One language of a bundled corpus; `script` is ISO 15924, `name` is English."""

    tag: str
    name: str
    script: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a bundled corpus is, as its `manifest.toml` says.

    columns: what the columns are, or None for natural languages. separator: the line between two segments of a file, or
    None if each line is a segment.
    """

    name: str
    title: str
    version: str
    licence: str
    source: str
    segments: int
    sha256: str
    languages: tuple[ManifestLanguage, ...]
    columns: str | None = None
    separator: str | None = None


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a bundled corpus.

    Raises TokbenchError for a missing or unknown key or a wrong type.
    """
    return _parse(folder / MANIFEST, drafted=False)


def verify_manifest(folder: Path) -> Manifest:
    """Verify a bundled corpus against its manifest, to the byte; return the manifest.

    Raises TokbenchError for the first mismatch: the folder's name, the SHA-256 of a file or of the texts, the number of
    segments, a segment that is empty in a language, a text file that the manifest does not name.
    """
    manifest = read_manifest(folder)
    where = folder / MANIFEST
    for language in manifest.languages:
        check_file(folder / language.file, language.sha256)
    corpus = _corpus(folder, manifest)
    for what, said, actual in (
        ("name", manifest.name, folder.resolve().name),
        ("segments", manifest.segments, corpus.n),
        ("sha256", manifest.sha256, corpus.sha256),
    ):
        if said != actual:
            raise TokbenchError(
                f"{where}: {what} is {said!r}, but the corpus has {actual!r}", "correct the manifest, or rewrite it"
            )
    return manifest


def write_manifest(folder: Path) -> Manifest:
    """Fill in the number of segments and every SHA-256 of a manifest, and verify it.

    Everything else must already be there. Comments in the file are lost.
    """
    drafted = _parse(folder / MANIFEST, drafted=True)
    languages = tuple(
        replace(language, sha256=hashlib.sha256(read_bytes(folder / language.file)).hexdigest())
        for language in drafted.languages
    )
    corpus = _corpus(folder, drafted)
    manifest = replace(drafted, languages=languages, segments=corpus.n, sha256=corpus.sha256)
    (folder / MANIFEST).write_bytes(_toml(manifest).encode())
    return verify_manifest(folder)


def check_file(file: Path, sha256: str) -> None:
    """Raise TokbenchError for a file whose bytes have another SHA-256."""
    actual = hashlib.sha256(read_bytes(file)).hexdigest()
    if actual != sha256:
        raise TokbenchError(
            f"{file} has the sha256 {actual[:16]}…, the manifest says {sha256[:16]}…",
            "restore the file, or reinstall",
        )


def read_column(folder: Path, manifest: Manifest, language: ManifestLanguage) -> LanguageText:
    """Read the segments of one language.

    A segment of several lines has LF between them and none at its end.
    """
    file = folder / language.file
    if manifest.separator is None:
        return read_language(language.tag, file)
    lines = read_lines(file)
    segments: list[list[str]] = [[]]
    for line in lines.lines:
        if line == manifest.separator:
            segments.append([])
        else:
            segments[-1].append(line)
    return LanguageText(
        language.tag, text_series(["\n".join(s) for s in segments]), str(file), int(lines.bom), lines.crlf
    )


def read_segments(folder: Path, segments: int) -> pl.DataFrame | None:
    """Read the document and register of each segment from `segments.tsv`.

    Return None if there is no such file.
    """
    file = folder / SEGMENTS
    if not file.is_file():
        return None
    rows = [line.split("\t") for line in read_lines(file).lines]
    if not rows or rows[0] != ["segment", "document", "register"]:
        raise TokbenchError(f"{file}:1: the columns are not segment, document, register", "correct the header")
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != 3 or row[0] != str(number) or not all(row):
            raise TokbenchError(
                f"{file}:{number + 1}: the row is not that of segment {number}",
                "give three non-empty columns, in order",
            )
    if len(rows) - 1 != segments:
        raise TokbenchError(f"{file} has {len(rows) - 1} segments, the corpus {segments}", "give one row per segment")
    return pl.DataFrame({"document": [row[1] for row in rows[1:]], "register": [row[2] for row in rows[1:]]})


def _corpus(folder: Path, manifest: Manifest) -> ParallelCorpus:
    """Build the whole corpus in the manifest's languages.

    Raises TokbenchError for an empty line and a file not named.
    """
    named = {language.file for language in manifest.languages}
    for file in sorted(folder.glob("*.txt")):
        if file.name not in named:
            raise TokbenchError(f"{folder / MANIFEST} does not name the file {file.name}", "add a [[language]] for it")
    columns = [read_column(folder, manifest, language) for language in manifest.languages]
    raw = RawCorpus(manifest.name, columns, documents=read_segments(folder, columns[0].texts.len()))
    corpus = build_parallel(raw, "bundled", str(folder))
    if corpus.excluded.height:
        segment, reason = corpus.excluded.row(0)
        what = "line" if manifest.separator is None else "segment"
        raise TokbenchError(f"{folder}: {what} {segment + 1} is {reason}", "a bundled corpus needs every text")
    return corpus


def _parse(file: Path, *, drafted: bool) -> Manifest:
    try:
        table = tomllib.loads(read_text(file).text)
    except tomllib.TOMLDecodeError as error:
        raise TokbenchError(f"{file} is not valid TOML: {error}", "fix the file") from None
    _check_keys(str(file), table, _CORPUS, drafted, _OPTIONAL)
    entries = table.pop("language")
    languages = []
    for number, entry in enumerate(entries, start=1):
        where = f"{file}, language {number}"
        if not isinstance(entry, dict):
            raise TokbenchError(f"{where} is not a table", "write [[language]]")
        _check_keys(where, entry, _LANGUAGE, drafted)
        languages.append(ManifestLanguage(**{"sha256": "", **entry}))
        known = _NAME.fullmatch(entry["tag"]) if "columns" in table else parse_tag(entry["tag"])
        if known is None or Path(entry["file"]).name != entry["file"]:
            kind = "lower-case name" if "columns" in table else "language tag"
            raise TokbenchError(
                f"{where}: {entry['tag']!r} in {entry['file']!r} is not a {kind} with a file of the folder"
            )
    for field in ("tag", "file"):
        _check_once(file, field, [getattr(language, field) for language in languages])
    return Manifest(**{"segments": 0, "sha256": "", **table}, languages=tuple(languages))


def _check_keys(
    where: str,
    table: Mapping[str, Any],
    schema: Mapping[str, type],
    drafted: bool,
    optional: Mapping[str, type] = MappingProxyType({}),
) -> None:
    unknown = sorted(table.keys() - schema.keys() - optional.keys())
    missing = sorted(schema.keys() - table.keys() - (_WRITTEN if drafted else set()))
    if unknown or missing:
        raise TokbenchError(
            f"{where}: " + ", ".join([*(f"{k} is missing" for k in missing), *(f"{k} is unknown" for k in unknown)])
        )
    for key, value in table.items():
        if drafted and key in _WRITTEN:
            continue
        kind = optional.get(key) or schema[key]
        if type(value) is not kind or not value:
            raise TokbenchError(f"{where}: {key} is {value!r}, not {_KINDS[kind]}")


def _check_once(file: Path, field: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise TokbenchError(f"{file} has two languages with the {field} {value!r}")
        seen.add(value)


def _toml(manifest: Manifest) -> str:
    def pairs(table: Mapping[str, Any]) -> list[str]:
        # A JSON string without escaped non-ASCII is a TOML basic string, but for DEL.
        return [
            f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007F")
            for key, value in table.items()
            if value is not None
        ]

    head = asdict(manifest)
    languages = head.pop("languages")
    blocks = [pairs(head), *(["[[language]]", *pairs(language)] for language in languages)]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"
