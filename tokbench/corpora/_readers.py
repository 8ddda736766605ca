"""The registry of corpus readers, and which of them reads a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tokbench._shared.registry import Registry
from tokbench.corpora._content import spell_corpus
from tokbench.corpora._reader_api import CorpusReader

READERS: Registry[CorpusReader] = Registry("tokbench.corpora", "corpus reader")
"""The corpus readers by name: this package's public modules, and the entry points of the group `tokbench.corpora`."""

PLAIN = frozenset({"lines", "moses"})
"""The readers of plain text files, a segment per line."""


def find_table_reader(path: Path) -> str | None:
    """The name of the reader that claims a file and is none of plain text; None where there is none, or several."""
    claiming = [name for name, reader in READERS.items() if name not in PLAIN and reader.claims(path)]
    return claiming[0] if len(claiming) == 1 else None


def spell_for(reader: str, path: Path, options: Mapping[str, object]) -> str | None:
    """The corpus argument that has `reader` read a path with these options; None where one cannot be written so."""
    claimed = [name for name, other in READERS.items() if other.claims(path)] == [reader]
    return spell_corpus(path, options if claimed else {"format": reader, **options})
