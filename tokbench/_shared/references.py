"""Publications behind metrics and corpora, as BibTeX. The facts are in `references.toml`, next to this module."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files

_ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
_ACCENTS = {"ć": r"{\'c}", "é": r"{\'e}", "è": r"{\`e}", "ó": r"{\'o}", "–": "--"}
_BARE = frozenset({"type", "cited", "corpora", "author", "arxiv", "title"})


@dataclass(frozen=True)
class Reference:
    """A publication.

    key: its BibTeX key. fields: those of BibTeX, by name, as Unicode.
    cited: how citations name it; "arXiv ID" where it has one.
    corpora: the names of corpora that it describes.
    """

    key: str
    kind: str
    fields: Mapping[str, str]
    cited: str | None
    corpora: tuple[str, ...]

    def format_bibtex(self) -> str:
        """Return the BibTeX entry, in ASCII."""
        lines = [f"  {name} = {{{escape_bibtex(value)}}}," for name, value in self.fields.items()]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"]) + "\n"


@cache
def list_references() -> tuple[Reference, ...]:
    """Return all publications, in the order of the file."""
    text = package_files("tokbench._shared").joinpath("references.toml").read_text(encoding="utf-8")
    return tuple(_read_reference(key, entry) for key, entry in tomllib.loads(text).items())


def _read_reference(key: str, entry: Mapping[str, object]) -> Reference:
    authors, corpora, arxiv = entry["author"], entry.get("corpora", []), entry.get("arxiv")
    assert isinstance(authors, list)
    assert isinstance(corpora, list)
    fields = {"author": " and ".join(authors), "title": f"{{{entry['title']}}}"}
    fields |= {name: str(value) for name, value in entry.items() if name not in _BARE}
    if arxiv is not None:
        fields |= {"eprint": str(arxiv), "archiveprefix": "arXiv", "url": f"https://arxiv.org/abs/{arxiv}"}
    cited = f"arXiv {arxiv}" if arxiv is not None else entry.get("cited")
    return Reference(key, str(entry["type"]), fields, None if cited is None else str(cited), tuple(corpora))


def find_cited(citations: Iterable[str | None]) -> list[Reference]:
    """Return the publications that citations name, each once, in the order of the file."""
    texts = [text for text in citations if text]
    identifiers = {found for text in texts for found in _ARXIV.findall(text)}
    named = {f"arXiv {found}" for found in identifiers}
    return [
        reference
        for reference in list_references()
        if reference.cited is not None and (reference.cited in named or any(reference.cited in text for text in texts))
    ]


def find_describing(corpora: Iterable[str]) -> list[Reference]:
    """Return the publications that describe corpora, by their names: `flores200/dev` is of `flores200`."""
    names = {part for name in corpora for part in re.split(r"[^a-z0-9]+", name.lower())}
    return [reference for reference in list_references() if names.intersection(reference.corpora)]


def format_bibliography(references: Iterable[Reference]) -> str:
    """Return a BibTeX file."""
    return "\n".join(reference.format_bibtex() for reference in references)


def escape_bibtex(text: str) -> str:
    """Return text with accents as TeX writes them, and `&`, `%`, `#`, `_` escaped outside of addresses."""
    written = "".join(_ACCENTS.get(char, char) for char in text)
    return written if written.startswith("https://") else re.sub(r"([&%#_])", r"\\\1", written)
