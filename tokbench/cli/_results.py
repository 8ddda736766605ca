"""How commands print and write results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tokbench.cli._output import STANDARD_OUTPUT, deliver

if TYPE_CHECKING:
    from tokbench.report._document_model import Results


def print_results(results: Results, output_format: str = "table") -> None:
    """Print results; tables for the width and colours of standard output."""
    deliver(format_printed(results, output_format))


def bring_out(results: Results, output_format: str, files: Sequence[tuple[Path, str]]) -> None:
    """Print results, then write them to files in their formats; see `deliver`."""
    deliver(format_printed(results, output_format), [partial(write_file, results, *file) for file in files])


def format_printed(results: Results, output_format: str) -> str:
    """Format results for standard output."""
    from tokbench.report import format_results

    if output_format != "table":
        return format_results(results, output_format)
    from tokbench.report import table

    color, width = table.terminal_settings()
    return table.format_results(results, color=color, width=width, brief=True)


def format_next(commands: Sequence[str]) -> str:
    """Format commands to try next, for the width of standard output."""
    from tokbench.report import table

    return table.format_commands(commands, table.terminal_settings()[1])


def check_files(paths: Sequence[Path] | None, check: Callable[[str], object] | None = None) -> list[tuple[Path, str]]:
    """Return output files with their formats, checked before anything is measured; `-` is left out.

    check: raises TokbenchError for a format that cannot be written; by default for one without `format_results`.
    """
    from tokbench._shared.files import check_writable
    from tokbench.report import format_of, pick_writer

    files = [(path, format_of(path)) for path in paths or () if path != STANDARD_OUTPUT]
    for path, name in files:
        (check or pick_writer)(name)
        check_writable(path)
    return files


def write_file(results: Results, path: Path, name: str) -> None:
    """Write results to a file in the named format."""
    from tokbench._shared.files import write_whole
    from tokbench.report import format_results

    write_whole(path, format_results(results, name).encode())
