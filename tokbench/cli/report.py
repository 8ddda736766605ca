"""`tokbench report`: saved comparisons as page, document or LaTeX tables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._addenda import check_addenda, check_tokenizers, sort_files
from tokbench.cli._echo import echo
from tokbench.cli._output import STANDARD_OUTPUT, deliver
from tokbench.cli._results import check_files
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.comparison import Comparison
    from tokbench.report._addenda import Addenda


def run(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT.json|DIR...",
            help="Output of compare: JSON, or a --save folder, which also holds the counts behind the values. With it, "
            "for .html, .md and .tex: JSON of cost, model measure, robust and check on the same tokenizers.",
            show_default=False,
        ),
    ],
    output: Annotated[
        list[Path],
        typer.Option(
            "-o",
            "--output",
            help="Write to FILE, in the format given by its extension: .html, .md, .tex, .bib; for a single "
            "result also .json, .csv, .txt, .parquet, .xlsx; `-` prints Markdown. Repeatable.",
        ),
    ],
    charts: Annotated[
        bool, typer.Option("--charts", help="With .md: also write the charts as SVG files into the folder FILE_files.")
    ] = False,
    caption: Annotated[
        str | None, typer.Option(help="With .tex: put TEXT before the title of each table.", metavar="TEXT")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="With .tex: the labels start with tab:NAME. [default: tokbench]", metavar="NAME"),
    ] = None,
) -> None:
    """Write reports on saved comparisons.

    A report has a verdict, tables, charts, worst segments and the method; costs, measured models, robustness and checks
    only where files of them are given.

    The HTML report is a single file that works offline and without scripts. Several results are shown side by side; if
    their signatures do not match, a warning here and in the report names the differing fields.
    """
    from tokbench.report import check_format, check_several, render_all
    from tokbench.report._side_by_side import find_mismatches

    files = check_files(output, check_format)
    if charts and all(name != "markdown" for _, name in files):
        raise TokbenchError(
            "--charts is for Markdown; other reports contain their charts", "add -o FILE.md, or leave it out"
        )
    style = {key: text for key, text in (("caption", caption), ("label", label)) if text is not None}
    check_style(style, [name for _, name in files])
    compared, addenda = sort_files(results)
    check_addenda(addenda, [name for _, name in files])
    for _, name in files:
        check_several(name, len(compared))
    loaded = load_results(compared)
    check_tokenizers(addenda, list(loaded.values()))
    for sentence in find_mismatches(loaded):
        echo(f"tokbench: warning: {sentence}", err=True)
    deliver(
        render_all(loaded, "markdown", addenda) if STANDARD_OUTPUT in output else "",
        [
            partial(write_with_charts, loaded, path, addenda)
            if charts and name == "markdown"
            else partial(write, loaded, path, name, addenda, style if name == "latex" else {})
            for path, name in files
        ],
    )


def check_style(style: Mapping[str, str], formats: Sequence[str]) -> None:
    """Raise TokbenchError for a caption or label without a file that has it, and for a label that TeX cannot read."""
    for key in style:
        if "latex" not in formats:
            raise TokbenchError(f"--{key} is for LaTeX", "add -o FILE.tex, or leave it out")
    if "label" in style and not re.fullmatch(r"[A-Za-z0-9:.-]{1,60}", style["label"]):
        raise TokbenchError(f"--label {style['label'][:60]!r} is not a label", "use letters, digits, and - . :")


def write(
    loaded: dict[str, Comparison], path: Path, name: str, addenda: Addenda | None, style: Mapping[str, str]
) -> None:
    """Write a report to a file in the named format."""
    from tokbench._shared.files import write_whole
    from tokbench.report import encode_all

    write_whole(path, encode_all(loaded, name, addenda, **style))


def load_results(paths: list[Path]) -> dict[str, Comparison]:
    """Load comparisons, keyed by file or folder name.

    Raises TokbenchError for duplicate names.
    """
    from tokbench.comparison import load

    loaded: dict[str, Comparison] = {}
    for path in paths:
        name = Path(os.path.realpath(path)).name.removesuffix(".json")  # Path.resolve fails for a link to itself
        if name in loaded:
            raise TokbenchError(f"two results are called {name!r}", "rename one: reports use the file names")
        loaded[name] = load(path)
    return loaded


def write_with_charts(loaded: dict[str, Comparison], path: Path, addenda: Addenda | None) -> None:
    """Write Markdown, and its charts into a folder next to it."""
    from tokbench._shared.files import write_whole
    from tokbench.report.markdown import render_with_charts

    folder = path.with_name(f"{path.stem}_files")
    text, drawings = render_with_charts(loaded, folder.name, addenda=addenda)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise TokbenchError(f"cannot create {folder}: {error.strerror}", "choose another file") from error
    for name, drawing in drawings.items():
        write_whole(folder / name, drawing.encode())
    write_whole(path, text.encode())
