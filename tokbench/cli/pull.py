"""`tokbench pull`: download tokenizers and corpora into the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._corpus_download import find_corpus, pull_corpus
from tokbench.cli._echo import echo
from tokbench.cli._output import FAILED

if TYPE_CHECKING:
    from tokbench.catalog.sources import Asset


def run(
    names: Annotated[
        list[str],
        typer.Argument(help="Catalogue names, aliases, hub repositories org/name[@revision], sets, or corpora."),
    ],
) -> None:
    """Download and verify tokenizer files and corpora, so that later runs need no network.

    The licence of a corpus is shown first (see also: tokbench list corpora).
    """
    from tokbench.catalog.entries import find_name, resolve
    from tokbench.catalog.locations import is_hub_argument
    from tokbench.catalog.sets import expand_sets
    from tokbench.errors import TokbenchError

    listed = list(expand_sets(names))
    for name in listed:  # a name that nothing has is refused before anything is downloaded
        from_hub = name.startswith("hf:") or (find_name(name) is None and is_hub_argument(name))
        if not from_hub and not find_corpus(name):
            resolve(name)
    failures = []
    for name in listed:
        try:
            pull_one(name)
        except TokbenchError as error:
            failures.append(error)
    for failure in failures[:-1]:
        echo(f"tokbench: {failure}", err=True)
    if len(failures) == len(listed):
        raise failures[-1]
    if failures:
        echo(f"tokbench: {failures[-1]}", err=True)
        raise typer.Exit(FAILED)


def pull_one(name: str) -> None:
    """Download a corpus or a tokenizer, and print what it is; TokbenchError if it cannot be had."""
    if corpus := find_corpus(name):
        pull_corpus(*corpus)
        return
    before = "here already: " if is_here(name) else ""
    asset = pull_readable(name)
    origin = asset.origin if asset.origin.startswith("rebuilt") else f"from {asset.origin}"
    echo(f"{asset.name}: {before}{asset.format} {origin}, sha256 {asset.sha256}")


def is_here(name: str) -> bool:
    """Return whether a tokenizer is on this machine: in a folder, a package or a cache.

    A vocabulary that a package has in another file does not count: the file itself is downloaded.
    """
    from tokbench.catalog.rebuilding import AS_IN
    from tokbench.catalog.sources import find
    from tokbench.errors import UnavailableError

    try:
        return not find(name, offline=True).origin.startswith(AS_IN)
    except UnavailableError:
        return False


def pull_readable(name: str) -> Asset:
    """Return a tokenizer that is here, or download it and check that it can be cached and read.

    Raises TokbenchError if it cannot.
    """
    from tokbench._shared.cache import is_temporary
    from tokbench.adapters import load_asset
    from tokbench.catalog.sources import find, pull
    from tokbench.errors import TokbenchError

    asset = find(name, offline=True) if is_here(name) else pull(name)
    if any(map(is_temporary, asset.files)):
        raise TokbenchError(
            f"{asset.name} was downloaded, but cannot be cached", "set TOKBENCH_CACHE to a writable folder"
        )
    if asset.unrecorded:  # their hashes are recorded if this is a tokenizer, and not a page of the network
        load_asset(asset)
    return asset
