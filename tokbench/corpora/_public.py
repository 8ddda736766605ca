"""Public corpora known by name: what they are, and where they are on this machine.

They are not downloaded here (`tokbench pull` does that), only found: in the folders listed in TOKBENCH_CORPORA, then in
tokbench's cache.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from tokbench._shared.cache import find_kept_folder
from tokbench._shared.cache_folder import find_cache_folder
from tokbench._shared.paths import expand_home, explain_access
from tokbench.corpora._storage import list_folder
from tokbench.errors import UnavailableError

FOLDERS = "TOKBENCH_CORPORA"


@dataclass(frozen=True)
class Part:
    """One corpus of an archive.

    name: what follows the archive's name and a slash; empty for the only part.
    """

    name: str
    folder: str
    segments: int
    languages: int


@dataclass(frozen=True)
class PublicCorpus:
    """A corpus that can be downloaded, as `public.toml` describes it.

    size, unpacked: bytes of the archive and of its files, about.
    files: patterns of the paths to unpack. folders: other names of its folder. sha256: None if unknown.
    """

    name: str
    title: str
    licence: str
    homepage: str
    url: str
    size: int
    unpacked: int
    files: tuple[str, ...]
    folders: tuple[str, ...]
    parts: tuple[Part, ...]
    sha256: str | None = None

    def spell(self, part: Part) -> str:
        """Return the corpus argument of a part."""
        return f"{self.name}/{part.name}" if part.name else self.name


def read_public(text: str) -> dict[str, PublicCorpus]:
    """Read descriptions of corpora, by name."""
    found = {}
    for name, table in tomllib.loads(text).items():
        parts = tuple(Part(**part) for part in table.pop("part"))
        files, folders = tuple(table.pop("files")), tuple(table.pop("folders", ()))
        found[name] = PublicCorpus(name=name, files=files, folders=folders, parts=parts, **table)
    return found


@cache
def _shipped() -> dict[str, PublicCorpus]:
    return read_public((resources.files("tokbench.corpora") / "public.toml").read_text(encoding="utf-8"))


def public_corpora() -> Mapping[str, PublicCorpus]:
    """Return the public corpora, by name."""
    return _shipped()


def public_names() -> list[str]:
    """List the corpus arguments of all public corpora, `NAME` or `NAME/PART`."""
    return [corpus.spell(part) for corpus in public_corpora().values() for part in corpus.parts]


def fold(name: str) -> str:
    """Return a name without case, `-` and `_`."""
    return name.casefold().replace("-", "").replace("_", "")


def resolve_public(spec: str) -> tuple[PublicCorpus, Part | None] | None:
    """Return the corpus and the part that `NAME` or `NAME/PART` names, or None.

    The part is None for a corpus of several parts that is named without one.
    """
    name, slash, rest = spec.partition("/")
    corpus = next((one for one in public_corpora().values() if fold(one.name) == fold(name)), None)
    if corpus is None:
        return None
    if not slash and len(corpus.parts) > 1:
        return corpus, None
    part = next((part for part in corpus.parts if part.name == rest), None)
    return None if part is None else (corpus, part)


@explain_access()
def locate_public(corpus: PublicCorpus, part: Part | None) -> Path | None:
    """Return the folder of a part, or of a whole corpus, or None if it is not here."""
    for folder in _search(corpus):
        if part is None:
            if any((folder / one.folder).is_dir() for one in corpus.parts):
                return folder
        elif (folder / part.folder).is_dir():
            return folder / part.folder
        elif not part.name and folder.name == part.folder:
            return folder
    return None


def kept_folder(corpus: PublicCorpus) -> Path:
    """Return the folder in the cache that a download fills."""
    return find_cache_folder() / "corpora" / corpus.name


def _search(corpus: PublicCorpus) -> Iterator[Path]:
    names = {fold(name) for name in (corpus.name, *corpus.folders)}
    for parent in list_parents():
        yield from (sub for sub in list_folder(parent) if fold(sub.name) in names and sub.is_dir())
    kept = find_kept_folder(kept_folder(corpus))
    if kept is not None:
        yield kept


def list_parents() -> Iterator[Path]:
    """Yield the folders listed in TOKBENCH_CORPORA that exist."""
    for folder in os.environ.get(FOLDERS, "").split(os.pathsep):
        if folder and (parent := expand_home(folder)).is_dir():
            yield parent


@explain_access()
def find_in_parents(spec: str) -> Path | None:
    """Return a folder or file inside one listed in TOKBENCH_CORPORA, or None."""
    path = Path(spec)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return None
    return next((parent / path for parent in list_parents() if (parent / path).exists()), None)


def explain_missing(spec: str) -> UnavailableError | None:
    """Return the error for a public corpus that is not here, or None for another name."""
    name = spec.partition("/")[0]
    corpus = next((one for one in public_corpora().values() if fold(one.name) == fold(name)), None)
    if corpus is None:
        return None
    parts = [corpus.spell(part) for part in corpus.parts]
    if resolve_public(spec) is None:
        return UnavailableError(f"{corpus.name} has no part {spec.partition('/')[2]!r}", f"it has: {', '.join(parts)}")
    return UnavailableError(
        f"the corpus {spec} is not here",
        f"run `tokbench pull {corpus.name}` with a network connection, or put its folder into one listed in {FOLDERS}",
    )
