"""`tokbench report`: saved comparisons as a page, a document, tables for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.comparison import Comparison


def run(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT.json|DIR...",
            help="What compare wrote: JSON, or a folder of --save, which also holds the counts behind the figures.",
            show_default=False,
        ),
    ],
    output: Annotated[
        list[Path],
        typer.Option(
            "-o",
            "--output",
            help="Write to FILE, in the format of its ending: .html, .md, .tex; of one result also .json, .csv, .txt. "
            "Repeatable.",
        ),
    ],
    charts: Annotated[
        bool, typer.Option("--charts", help="With .md: draw the charts as SVG files into FILE_files beside it.")
    ] = False,
) -> None:
    """Write reports on saved comparisons: verdict, tables, charts, cut texts, costs on Pythia, method.

    The HTML report is one file that works offline and without scripts. Several results stand side by side; where their
    signatures do not match, a warning says in what, here and in the report.
    """
    from tokbench._shared.files import check_writable, write_whole
    from tokbench.report import check_format, format_of, render_all
    from tokbench.report._side_by_side import find_mismatches

    files = [(path, format_of(path)) for path in output]
    for path, name in files:
        check_writable(path)
        check_format(name)
    if charts and all(name != "markdown" for _, name in files):
        raise TokbenchError(
            "--charts is for markdown, other reports hold their charts", "add -o FILE.md, or leave it out"
        )
    loaded = load_results(results)
    for sentence in find_mismatches(loaded):
        typer.echo(f"tokbench: warning: {sentence}", err=True)
    for path, name in files:
        if charts and name == "markdown":
            write_with_charts(loaded, path)
        else:
            write_whole(path, render_all(loaded, name).encode())


def load_results(paths: list[Path]) -> dict[str, Comparison]:
    """The comparisons by the names of their files or folders; TokbenchError for two of one name."""
    from tokbench.comparison import load

    loaded: dict[str, Comparison] = {}
    for path in paths:
        name = path.resolve().name.removesuffix(".json")
        if name in loaded:
            raise TokbenchError(f"two results are called {name!r}", "rename one: reports call them by their file names")
        loaded[name] = load(path)
    return loaded


def write_with_charts(loaded: dict[str, Comparison], path: Path) -> None:
    """Write markdown, and its charts into a folder beside it."""
    from tokbench._shared.files import write_whole
    from tokbench.report.markdown import render_with_charts

    folder = path.with_name(f"{path.stem}_files")
    text, drawings = render_with_charts(loaded, folder.name)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise TokbenchError(f"cannot create {folder}: {error.strerror}", "name another file") from error
    for name, drawing in drawings.items():
        write_whole(folder / name, drawing.encode())
    write_whole(path, text.encode())
