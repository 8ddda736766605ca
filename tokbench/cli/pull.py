"""`tokbench pull`: download tokenizers into the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._echo import echo
from tokbench.cli._output import FAILED

if TYPE_CHECKING:
    from tokbench.catalog.sources import Asset


def run(
    names: Annotated[list[str], typer.Argument(help="Catalogue names, aliases or hf:org/name[@revision].")],
) -> None:
    """Download and verify tokenizer files, so that later runs need no network."""
    from tokbench.catalog.entries import resolve
    from tokbench.errors import TokbenchError

    for name in names:  # a name that nothing has is refused before anything is downloaded
        if not name.startswith("hf:"):
            resolve(name)
    failures = []
    for name in names:
        try:
            before = "here already: " if is_here(name) else ""
            asset = pull_readable(name)
        except TokbenchError as error:
            failures.append(error)
        else:
            echo(f"{asset.name}: {before}{asset.format} from {asset.origin}, sha256 {asset.sha256}")
    for failure in failures[:-1]:
        echo(f"tokbench: {failure}", err=True)
    if len(failures) == len(names):
        raise failures[-1]
    if failures:
        echo(f"tokbench: {failures[-1]}", err=True)
        raise typer.Exit(FAILED)


def is_here(name: str) -> bool:
    """Return whether a tokenizer is on this machine: in a folder, a package or a cache."""
    from tokbench.catalog.sources import find
    from tokbench.errors import UnavailableError

    try:
        find(name, offline=True)
    except UnavailableError:
        return False
    return True


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
