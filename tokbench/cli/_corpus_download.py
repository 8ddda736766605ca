"""Download public corpora: what is fetched and under which licence is said before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tokbench.cli._echo import echo

if TYPE_CHECKING:
    from tokbench.corpora import Part, PublicCorpus

MARGIN = 4
"""An archive may have this many times the bytes that the catalogue says, about."""


def find_corpus(name: str) -> tuple[PublicCorpus, Part | None] | None:
    """Return the public corpus and part that `NAME/PART` or `NAME` names, or None."""
    from tokbench.corpora import resolve_public

    return resolve_public(name)


def pull_corpus(corpus: PublicCorpus, part: Part | None) -> None:
    """Download, unpack and read a corpus, unless the part, or every part, is here; print where it is."""
    from tokbench.catalog.archives import Archive, fetch_archive
    from tokbench.corpora import kept_folder, locate_public

    wanted = [part] if part else corpus.parts
    here = [locate_public(corpus, one) for one in wanted]
    if all(here):
        for one, folder in zip(wanted, here, strict=True):
            echo(f"{corpus.spell(one)}: here already, in {folder}")
        return
    echo(f"{corpus.name}: {corpus.title}")
    echo(f"  licence {corpus.licence}, {corpus.homepage}")
    echo(f"  downloading about {corpus.size / 1e6:.0f} MB from {corpus.url}")
    described: list[str] = []
    limits = MARGIN * corpus.size, MARGIN * corpus.unpacked
    archive = Archive(corpus.name, corpus.url, *limits, corpus.files, corpus.sha256)
    fetch_archive(archive, kept_folder(corpus), lambda folder: described.extend(describe_parts(corpus, folder)))
    for line in described:
        echo(line)


def describe_parts(corpus: PublicCorpus, folder: Path) -> list[str]:
    """Read each part and describe it in a line; TokbenchError if one cannot be read."""
    from tokbench.corpora import load_corpus

    lines = []
    for part in corpus.parts:
        texts = load_corpus(folder / part.folder)
        lines.append(
            f"  -c {corpus.spell(part)}: {len(texts.languages)} languages x {texts.n:,} segments, sha256 {texts.sha256}"
        )
    return lines
