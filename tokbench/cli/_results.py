"""How commands print and write results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tokbench.cli._invocation import running
from tokbench.cli._output import STANDARD_OUTPUT, deliver
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.report._document_model import Results


def print_results(results: Results, output_format: str = "table") -> None:
    """Print results and write them to files, as the shared options ask; `output_format` if these are silent."""
    asked = running()
    chosen = output_format if asked.output_format == "table" else asked.output_format
    bring_out(results, chosen, check_files(asked.output))


def bring_out(results: Results, output_format: str, files: Sequence[tuple[Path, str]]) -> None:
    """Print results, then write them to files in their formats; see `deliver`."""
    deliver(format_printed(results, output_format), [partial(write_file, results, *file) for file in files])


def format_printed(results: Results, output_format: str) -> str | bytes:
    """Format results for standard output; tables for its width and colours."""
    from tokbench.report import encode_results, format_results, is_binary

    if is_binary(output_format):
        return encode_results(results, output_format)
    return format_screen(results) if output_format == "table" else format_results(results, output_format)


def format_screen(results: Results) -> str:
    """Format results as tables for the width and colours of standard output."""
    from tokbench.report import table

    color, width = table.terminal_settings()
    return table.format_results(results, color=color, width=width, brief=True)


def format_next(commands: Sequence[str]) -> str:
    """Format commands to try next, for the width of standard output."""
    from tokbench.report import table

    return table.format_commands(commands, table.terminal_settings()[1])


def check_printed(name: str, *, anything: bool = True) -> None:
    """Check, before anything is measured, that standard output can take a format.

    anything: whether it must hold the results of any command, not comparisons alone.

    Raises TokbenchError for an unknown format, and for a binary one on a terminal.
    """
    from tokbench.report import REPORTS, is_binary, pick_writer

    REPORTS[name]
    if anything and not is_binary(name):
        pick_writer(name)
    if is_binary(name) and sys.stdout is not None and sys.stdout.isatty():
        raise TokbenchError(f"{name} is binary, and standard output is a terminal", f"add -o FILE.{name} instead")


def check_files(paths: Sequence[Path] | None, check: Callable[[str], object] | None = None) -> list[tuple[Path, str]]:
    """Return output files with their formats, checked before anything is measured; `-` is left out.

    check: raises TokbenchError for a format that cannot be written; by default for one that holds only comparisons.
    """
    from tokbench._shared.files import check_writable
    from tokbench.report import check_results_format, format_of

    files = [(path, format_of(path)) for path in paths or () if path != STANDARD_OUTPUT]
    for path, name in files:
        (check or check_results_format)(name)
        check_writable(path)
    return files


def write_file(results: Results, path: Path, name: str) -> None:
    """Write results to a file in the named format."""
    from tokbench._shared.files import write_whole
    from tokbench.report import encode_results

    write_whole(path, encode_results(results, name))
