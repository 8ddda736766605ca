"""How commands print and write results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokbench.cli._echo import echo

if TYPE_CHECKING:
    from tokbench.report._document_model import Results


def print_results(results: Results, output_format: str = "table") -> None:
    """Print results; tables for the width and colours of standard output."""
    from tokbench.report import format_results

    if output_format == "table":
        from tokbench.report import table

        color, width = table.terminal_settings()
        echo(table.format_results(results, color=color, width=width), nl=False)
    else:
        echo(format_results(results, output_format), nl=False)


def check_files(paths: Sequence[Path] | None) -> list[tuple[Path, str]]:
    """Return output files with their formats, checked before anything is measured."""
    from tokbench._shared.files import check_writable
    from tokbench.report import format_of, pick_writer

    files = [(path, format_of(path)) for path in paths or ()]
    for path, name in files:
        pick_writer(name)
        check_writable(path)
    return files


def write_files(results: Results, files: Sequence[tuple[Path, str]]) -> None:
    """Write results to files in their formats."""
    from tokbench._shared.files import write_whole
    from tokbench.report import format_results

    for path, name in files:
        write_whole(path, format_results(results, name).encode())
