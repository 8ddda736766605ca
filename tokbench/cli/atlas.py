"""`tokbench atlas`: the stored figures of all tokenizers and languages as pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokbench.cli._echo import echo


def run(
    save: Annotated[
        Path,
        typer.Option(
            "--save", metavar="DIR", help="Folder to write: new, empty, or an earlier atlas.", show_default=False
        ),
    ],
) -> None:
    """Write the stored figures of `rank` as pages: one per language, one per tokenizer, and an index.

    No files, no network, no measuring. The pages need no server: open index.html.
    """
    from tokbench._shared.files import check_writable_folder, write_whole_folder
    from tokbench.analysis.atlas import read_atlas
    from tokbench.report.atlas import compose_atlas, list_replaceable

    check_writable_folder(save, list_replaceable(save))
    files = compose_atlas(read_atlas())
    write_whole_folder(save, files, list_replaceable(save))
    size = sum(map(len, files.values())) / 1e6
    echo(f"{save / 'index.html'}: {len(files)} files, {size:.1f} MB")
