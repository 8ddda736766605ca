"""`tokbench pull`: download tokenizers into the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._echo import echo


def run(
    names: Annotated[list[str], typer.Argument(help="Catalogue names, aliases or hf:org/name[@revision].")],
) -> None:
    """Download and verify tokenizer files, so that later runs need no network."""
    from tokbench._shared.cache import is_temporary
    from tokbench.adapters import load_asset
    from tokbench.catalog.entries import resolve
    from tokbench.catalog.sources import pull
    from tokbench.errors import TokbenchError

    for name in names:  # a name that nothing has is refused before anything is downloaded
        if not name.startswith("hf:"):
            resolve(name)
    for name in names:
        asset = pull(name)
        if any(map(is_temporary, asset.files)):
            raise TokbenchError(
                f"{asset.name} was downloaded, but cannot be cached", "set TOKBENCH_CACHE to a writable folder"
            )
        if asset.unrecorded:  # their hashes are recorded if this is a tokenizer, and not a page of the network
            load_asset(asset)
        echo(f"{asset.name}: {asset.format} from {asset.origin}, sha256 {asset.sha256}")
