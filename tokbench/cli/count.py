"""`tokbench count`: the tokens, bytes and characters of files, as wc counts words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._options import Offline, OutputFormat, Outputs, expand_tokenizers
from tokbench.cli._output import deliver
from tokbench.cli._own_sets import expand_own
from tokbench.errors import TokbenchError, UnavailableError

if TYPE_CHECKING:
    from tokbench.analysis.file_counts import FileCount

_STANDARD_INPUT = "-"


def run(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOKENIZER... [FILE|-]...",
            help="One or more tokenizers, then files. The first argument that is a file, after the first, starts the "
            "files. Without any, text comes from standard input.",
            show_default=False,
        ),
    ] = None,
    tokenizers: Annotated[
        list[str] | None,
        typer.Option(
            "-t", "--tokenizer", help="Tokenizer; all arguments are then files. Repeatable.", show_default=False
        ),
    ] = None,
    output_format: OutputFormat = "table",
    output: Outputs = None,
    offline: Offline = False,
) -> None:
    """Count the tokens, bytes and characters of files: one line per file, and the total.

    Each file is encoded as one text, with its line ends and without special tokens. Several tokenizers are columns.
    """
    from tokbench.analysis.file_counts import add_up, count_files, load_for, read_whole

    listed, files = split_arguments(arguments or [], tokenizers or [])
    names = expand_tokenizers(expand_own(listed), offline=offline)
    if files.count(_STANDARD_INPUT) > 1:
        raise TokbenchError("standard input is given twice", "give - once")
    plain = output_format == "table" and not output
    targets = [] if plain else check_output(output, output_format)
    first = read_whole(files[0])
    try:
        loaded = load_for(names, files, first, offline=offline)
    except UnavailableError:
        raise
    except TokbenchError as error:
        raise explain_argument(names, error) from error
    texts = ((file, first if place == 0 else read_whole(file)) for place, file in enumerate(files))
    counts = count_files(loaded, texts)
    if len(counts) > 1:
        counts.append(add_up(counts))
    if plain:
        deliver("".join(f"{line}\n" for line in write_lines(counts)))
        return
    from tokbench.cli._results import bring_out
    from tokbench.report._file_counts import show

    bring_out(show(counts), output_format, targets)


def split_arguments(arguments: Sequence[str], tokenizers: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the tokenizers and the files; standard input if there is no file.

    The first argument is a tokenizer, unless tokenizers are given by an option. Of the others, the first that exists
    here, or is `-`, and all after it are files.
    """
    if tokenizers:
        return list(tokenizers), list(arguments) or [_STANDARD_INPUT]
    if not arguments or arguments[0] == _STANDARD_INPUT:
        raise TokbenchError("no tokenizer is named", "for example: tokbench count o200k_base README.md")
    places = (place for place, argument in enumerate(arguments) if place and is_file(argument))
    start = next(places, len(arguments))
    return list(arguments[:start]), list(arguments[start:]) or [_STANDARD_INPUT]


def is_file(argument: str) -> bool:
    """Return whether an argument is standard input or a path that exists."""
    try:
        return argument == _STANDARD_INPUT or Path(argument).exists()
    except (OSError, ValueError):
        return False


def explain_argument(names: Sequence[str], error: TokbenchError) -> TokbenchError:
    """Return the error of a tokenizer that was not found; it may be a file that does not exist."""
    others = [name for name in names[1:] if repr(name) in error.message]
    if not others:
        return error
    return TokbenchError(f"{others[0]!r} is neither a file nor a tokenizer", "check the path, or name tokenizers by -t")


def check_output(output: Sequence[Path] | None, output_format: str) -> list[tuple[Path, str]]:
    """Check the formats before anything is read; return the files with their formats."""
    from tokbench.cli._results import check_files
    from tokbench.report import check_results_format

    check_results_format(output_format)
    return check_files(output)


def write_lines(counts: Sequence[FileCount]) -> list[str]:
    """Format a head and one line per file, numbers aligned to the right."""
    tokenizers = list(counts[0].tokens)
    head = ["tokens"] if len(tokenizers) == 1 else tokenizers
    rows = [[*head, "bytes", "characters"]]
    rows += [[f"{n:,}" for n in (*c.tokens.values(), c.bytes, c.characters)] for c in counts]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    names = ["file", *(c.file or "total" for c in counts)]
    return [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=True)), name])
        for row, name in zip(rows, names, strict=True)
    ]
