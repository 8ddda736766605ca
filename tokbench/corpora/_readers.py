"""The registry of corpus readers, and which of them reads a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tokbench.corpora._content import HEAD_BYTES, explain_unread, spell_corpus, unpacking_command
from tokbench.corpora._raw import CorpusReader
from tokbench.corpora._text import list_folder, read_head
from tokbench.errors import TokbenchError
from tokbench.registry import Registry, closest

READERS: Registry[CorpusReader] = Registry("tokbench.corpora", "corpus reader")
"""The corpus readers by name: this package's public modules, and the entry points of the group `tokbench.corpora`."""

PLAIN = frozenset({"lines", "moses"})
"""The readers of plain text files, a segment per line."""


def find_reader(path: Path, options: Mapping[str, str]) -> str:
    """The name of the one reader that claims what lies at `path`; TokbenchError with what works where none does."""
    claiming = [name for name, reader in READERS.items() if reader.claims(path)]
    if len(claiming) == 1:
        return claiming[0]
    if claiming:
        raise TokbenchError(
            f"{path} may be read as {' or '.join(claiming)}",
            f"say which: {spell_corpus(path, {'format': claiming[0], **options})}",
        )
    if path.is_file():
        raise explain_unread(path, read_head(path, HEAD_BYTES), options, list(READERS))
    if path.exists():
        raise TokbenchError(f"{path} is no regular file", "copy what it holds into a file")
    raise _explain_absence(path)


def find_table_reader(path: Path) -> str | None:
    """The name of the reader that claims a file and is none of plain text; None where there is none, or several."""
    claiming = [name for name, reader in READERS.items() if name not in PLAIN and reader.claims(path)]
    return claiming[0] if len(claiming) == 1 else None


def spell_for(reader: str, path: Path, options: Mapping[str, object]) -> str | None:
    """The corpus argument that has `reader` read a path with these options; None where one cannot be written so."""
    claimed = [name for name, other in READERS.items() if other.claims(path)] == [reader]
    return spell_corpus(path, options if claimed else {"format": reader, **options})


def _explain_absence(path: Path) -> TokbenchError:
    """The error for a path with nothing at it: packed files of that prefix, or the nearest name."""
    from tokbench.corpora.own import own_corpora

    own = list(own_corpora())
    beside = list_folder(path.parent) if path.parent.is_dir() else []
    for file in beside:
        if file.name.startswith(f"{path.name}.") and file.is_file():
            packed = unpacking_command(read_head(file, 8))
            if packed:
                return TokbenchError(
                    f"{file} is compressed ({packed[0]})", f"unpack the files of {path} first: {packed[1]} {file}"
                )
    near = closest(path.name, own + [other.name for other in beside])
    if near is None:
        hint = f"give a path, or one of our own: {', '.join(own) or 'none is installed'}"
    else:
        hint = f"did you mean {near if near in own else str(path.parent / near)!r}?"
    return TokbenchError(f"there is no corpus {str(path)!r}", hint)
