"""Bundled corpora: a manifest, one file per language or other column, perhaps `segments.tsv`.

They are in `corpora/` of the repository and inside the installed package. Every file is checked against the SHA-256 in
the manifest when it is read. There are no options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tokbench._shared.bundled_files import list_bundled
from tokbench.corpora._column_choice import split_options
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._manifest import MANIFEST, check_file, read_column, read_manifest, read_segments
from tokbench.corpora._reader_api import RawCorpus
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """Claim a folder with a manifest."""
    return (path / MANIFEST).is_file()


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the files of the requested languages.

    Raises TokbenchError for a file that differs from the manifest.
    """
    _, named = split_options(options, ())
    if named:
        raise TokbenchError(
            f"the manifest of {path} names its files, but {', '.join(named)} is given", "omit that option"
        )
    manifest = read_manifest(path)
    entries = {language.tag: language for language in manifest.languages}
    columns = []
    for lang in choose_languages(list(entries), languages, manifest.name):
        check_file(path / entries[lang].file, entries[lang].sha256)
        columns.append(read_column(path, manifest, entries[lang]))
    return RawCorpus(
        name=manifest.name,
        columns=columns,
        documents=read_segments(path, columns[0].texts.len()),
        licence=manifest.licence,
        source=manifest.source,
    )


def bundled_corpora() -> dict[str, Path]:
    """Map names of bundled corpora to folders, of the installation or checkout."""
    return list_bundled(Path(__file__).parent)
