"""Load the tokenizers of the page, in the process that encodes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tokbench._shared.paths import shorten
from tokbench.errors import EngineError, TokbenchError
from tokbench.report.live._listing import Wanted

if TYPE_CHECKING:
    from tokbench.adapters import Tokenizer
    from tokbench.adapters.selection import Sample

UPLOADED_FORMATS = frozenset({"tokenizer.json", "tekken", "sentencepiece", "tiktoken", "tiktoken.json", "wordpiece"})
"""Formats of files that may be opened on the page: those of one file, from which nothing is cached."""


def load(wanted: Wanted) -> Tokenizer:
    """Load a tokenizer on the fastest exact engine; a file that was opened on the page, on its reference.

    Raises TokbenchError if it is not available or not usable, or fails its trial.
    """
    # Imported here, since the server starts without engines.
    from tokbench.adapters import find_asset, load_asset
    from tokbench.adapters.selection import AUTO, load_engine

    if not wanted.upload:
        asset = find_asset(wanted.argument, offline=not wanted.online)
        return load_engine(replace(asset, name=wanted.name), AUTO, _take_sample())
    try:
        asset = find_asset(Path(wanted.argument))
        if asset.format not in UPLOADED_FORMATS:
            raise TokbenchError(
                f"files of the format {asset.format} cannot be opened here", "give the path to `tokbench view`"
            )
        return load_asset(replace(asset, name=wanted.name))
    except EngineError as error:
        raise TokbenchError(hide(f"cannot load it: {error.reason}", wanted), hide(error.hint, wanted)) from error
    except TokbenchError as error:
        raise TokbenchError(hide(error.message, wanted), hide(error.hint, wanted)) from error


def hide(text: str | None, wanted: Wanted) -> str:
    """Write the name of a file that was opened on the page instead of its temporary path, which says nothing."""
    path = Path(wanted.argument)
    text = text or ""
    for one in (str(path), str(path.resolve()), shorten(str(path))):
        text = text.replace(one, wanted.name.removeprefix("file: "))
    return text


@cache
def _take_sample() -> Sample:
    from tokbench.adapters.selection import take_sample
    from tokbench.corpora import load_corpus

    return take_sample(load_corpus())
