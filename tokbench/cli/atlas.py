"""`tokbench atlas`: the stored figures of all tokenizers and languages as pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokbench.cli._echo import echo


def run(
    folder: Annotated[Path, typer.Argument(help="Folder to write: new, empty, or an earlier atlas.", metavar="FOLDER")],
) -> None:
    """Write the stored figures of `rank` as pages: one per language, one per tokenizer, and an index.

    No files, no network, no measuring. The pages need no server: open index.html.
    """
    from tokbench._shared.files import check_writable_folder, write_whole_folder
    from tokbench.analysis.atlas import read_atlas
    from tokbench.report.atlas import compose_atlas, list_replaceable

    check_writable_folder(folder, list_replaceable(folder))
    files = compose_atlas(read_atlas())
    write_whole_folder(folder, files, list_replaceable(folder))
    size = sum(map(len, files.values())) / 1e6
    echo(f"{folder / 'index.html'}: {len(files)} files, {size:.1f} MB")
