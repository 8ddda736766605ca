"""A plain text file in one language or of one kind, or standard input (`-`).

Options: `label=NAME` (by default the file's name, or the programming language that its suffix stands for) and
`split=lines|documents|none` (by default lines). Line ends belong to the text, and blank lines to the line before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._content import HEAD_BYTES, is_text, recognize_head
from tokbench.corpora._file_names import is_language_file
from tokbench.corpora._groups import choose_split, collect_groups, split_text
from tokbench.corpora._reader_api import RawCorpus
from tokbench.corpora._storage import is_file, stem_of, suffix_of
from tokbench.corpora._suffixes import PROSE, name_content
from tokbench.corpora._utf8 import first_line, read_head, read_text
from tokbench.errors import TokbenchError

_OTHERS = frozenset(
    {".csv", ".json", ".jsonl", ".ndjson", ".po", ".pot", ".sgm", ".tab", ".tmx", ".tsv", ".xlf", ".xliff"}
)


def claims(path: Path) -> bool:
    """Claim a file of text that no other reader claims by its name or its first lines."""
    if not is_file(path) or suffix_of(path) in _OTHERS or is_language_file(path):
        return False
    if suffix_of(path) == ".txt" and b"\t" in first_line(path).strip():
        return False
    head = read_head(path, HEAD_BYTES)
    if not is_text(head):
        return False
    content = recognize_head(head)
    return content is None or (content.reader is None and name_content(path) is not None)


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the file as one group of segments, not parallel to any other text."""
    settings, given = split_options(options, ("label", "split"))
    if given:
        lang = next(iter(given))
        raise TokbenchError(
            f"{path} is a plain text and has no columns, but {', '.join(given)} is given", f"give {path}:label={lang}"
        )
    kind = name_content(path)
    label = settings.get("label") or (kind if kind and kind not in PROSE else stem_of(path))
    decoded = read_text(path)
    segments = split_text(decoded.text, choose_split(settings, "lines"))
    if not segments:
        raise TokbenchError(f"{path} is empty", "give a file that contains texts")
    return collect_groups(path, stem_of(path), {label: (segments, str(path), int(decoded.bom))}, languages)
