"""An entry of the catalogue: facts about a tokenizer, and where its files come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class File:
    """One file of a source: its name (with folders), and hash and size if known."""

    name: str
    sha256: str | None = None
    bytes: int | None = None

    @property
    def base(self) -> str:
        """Name without folders."""
        return PurePosixPath(self.name).name


@dataclass(frozen=True)
class Rebuilt:
    """How a file is rebuilt from a vocabulary inside a package.

    package, vocabulary: the distribution, and the name of the vocabulary there.
    writer: one of `rebuilt_files.WRITERS`.
    first, end: the ids that are written, or the first byte token of a SentencePiece model.
    user_defined: ranges of ids of a SentencePiece model that are matched before merging.
    pattern, trainer, normalizer: what the file says beside the vocabulary.
    """

    package: str
    vocabulary: str
    writer: str
    first: int
    end: int
    pattern: str | None = None
    user_defined: tuple[tuple[int, int], ...] = ()
    trainer: tuple[tuple[str, str | int | float], ...] = ()
    normalizer: tuple[tuple[str, str | int | float], ...] = ()


@dataclass(frozen=True)
class Source:
    """A complete set of files, the main one first, and where it is available.

    At most one of `package` (a distribution that contains them), `rebuilt` (from one that contains the vocabulary),
    `hub` (a Hugging Face id) and `url` (their folder) is given; with none, the files must come from a folder of the
    user, and `note` says which.
    """

    files: tuple[File, ...]
    package: str | None = None
    rebuilt: Rebuilt | None = None
    hub: str | None = None
    revision: str | None = None
    gated: bool = False
    url: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Entry:
    """One tokenizer of the catalogue.

    Sizes are numbers of ids, `context_window` is in tokens; None is unknown.
    `pattern`, `normalizer` and `special_tokens` are for files that do not contain this information.
    """

    name: str
    family: str
    algorithm: str
    licence: str | None
    vocab_base: int | None = None
    vocab_total: int | None = None
    vocab_rows: int | None = None
    context_window: int | None = None
    aliases: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    hub_ids: tuple[str, ...] = ()
    quirks: str | None = None
    pattern: str | None = None
    normalizer: str | None = None
    wrapper: str | None = None
    special_tokens: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    engine: str | None = None
    files_of: str | None = None
    sources: tuple[Source, ...] = ()

    def without_facts(self) -> Entry:
        """Return the rules for reading a file, without facts about known files only."""
        return replace(
            self,
            licence=None,
            vocab_base=None,
            vocab_total=None,
            vocab_rows=None,
            context_window=None,
            special_tokens=MappingProxyType({}),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # A read-only view of a dict cannot be pickled, and entries are sent to other processes.
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return _restore, ({**values, "special_tokens": dict(self.special_tokens)},)


def _restore(values: dict[str, Any]) -> Entry:
    return Entry(**{**values, "special_tokens": MappingProxyType(values["special_tokens"])})
