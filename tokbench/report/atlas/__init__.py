"""The atlas: the stored figures of `rank` as pages, one per language and one per tokenizer, with an index.

Pages link to each other by relative addresses and lie in one folder, with one style sheet and one script. They request
nothing else, and are readable without the script.
"""

from __future__ import annotations

import re
from pathlib import Path

from tokbench._shared.references import find_describing, format_bibliography
from tokbench.analysis.atlas import Atlas
from tokbench.errors import TokbenchError
from tokbench.report.atlas._definitions import write_definitions
from tokbench.report.atlas._index import write_index
from tokbench.report.atlas._language_page import write_language
from tokbench.report.atlas._page import BIBLIOGRAPHY, DEFINITIONS, INDEX, SCRIPT, STYLE, name_pages, read_shared
from tokbench.report.atlas._summary import lay_out_atlas as lay_out_atlas
from tokbench.report.atlas._tokenizer_page import write_tokenizer

_SINGLE = frozenset({INDEX, DEFINITIONS, BIBLIOGRAPHY, STYLE, SCRIPT})
_PAGE = re.compile(r"(language|tokenizer)-[a-z0-9_.-]+\.html")


def compose_atlas(atlas: Atlas) -> dict[str, bytes]:
    """Return all files of the atlas by name. The same figures give the same bytes."""
    names = name_pages(atlas)
    pages = {INDEX: write_index(atlas, names), DEFINITIONS: write_definitions(atlas)}
    pages |= {names.languages[one.name]: write_language(atlas, one, names) for one in atlas.languages}
    pages |= {names.tokenizers[name]: write_tokenizer(atlas, name, names) for name in atlas.tokenizers}
    pages[BIBLIOGRAPHY] = format_bibliography(find_describing(corpus.name for corpus in atlas.corpora))
    pages |= {STYLE: read_shared("css"), SCRIPT: read_shared("js")}
    return {name: text.encode() for name, text in pages.items()}


def list_replaceable(folder: Path) -> set[str]:
    """Return the names of files in a folder that a new atlas may replace: those of an earlier atlas.

    Raises TokbenchError if the folder cannot be read.
    """
    try:
        present = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    except OSError as error:
        raise TokbenchError(f"cannot read {folder}: {error.strerror or error}", "name another folder") from error
    return {name for name in present if name in _SINGLE or _PAGE.fullmatch(name)}
