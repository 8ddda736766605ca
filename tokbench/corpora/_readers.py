"""The registry of corpus readers, and the choice of a reader for a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tokbench._shared.registry import Registry
from tokbench.corpora._content import spell_corpus
from tokbench.corpora._reader_api import CorpusReader

READERS: Registry[CorpusReader] = Registry("tokbench.corpora", "corpus reader")
"""Corpus readers by name: the public modules of this package, and entry points of the group `tokbench.corpora`."""

PLAIN = frozenset({"lines", "moses"})
"""Readers of plain text files with one segment per line."""

_NO_TABLES = PLAIN | {"text", "folder", "bundled"}


def find_table_reader(path: Path) -> str | None:
    """Return the one reader that claims a file and does not read plain text.

    Return None if there is none, or several.
    """
    claiming = [name for name, reader in READERS.items() if name not in _NO_TABLES and reader.claims(path)]
    return claiming[0] if len(claiming) == 1 else None


def spell_for(reader: str, path: Path, options: Mapping[str, object]) -> str | None:
    """Spell the corpus argument with which `reader` reads a path.

    Return None if an option cannot be written in one.
    """
    claimed = [name for name, other in READERS.items() if other.claims(path)] == [reader]
    return spell_corpus(path, options if claimed else {"format": reader, **options})
