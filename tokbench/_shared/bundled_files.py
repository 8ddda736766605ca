"""Where the corpora of this installation are."""

from __future__ import annotations

from pathlib import Path

MANIFEST = "manifest.toml"

PACKAGE = Path(__file__).parents[1] / "corpora"


def list_bundled(package: Path = PACKAGE) -> dict[str, Path]:
    """Map names of bundled corpora to folders, of the installation or checkout.

    package: the folder of `tokbench.corpora`.
    """
    installed, checkout = package / "bundled", package.parents[1] / "corpora"
    # Beside an installed package, `corpora` belongs to someone else: only a checkout has a pyproject.toml there.
    if installed.is_dir():
        home = installed
    elif (checkout.parent / "pyproject.toml").is_file() and checkout.is_dir():
        home = checkout
    else:
        return {}
    return {folder.name: folder for folder in sorted(home.iterdir()) if (folder / MANIFEST).is_file()}
