"""Token counts of whole files, as `tokbench count` prints them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tokbench._shared.pipes import keep_pipe
from tokbench.adapters import Tokenizer, find_asset, load_asset
from tokbench.errors import EngineError, TokbenchError

STANDARD_INPUT = "-"

LARGEST = 1 << 28
"""Most bytes of a file: it is encoded as one text in memory, since cutting it anywhere can change its tokens."""

SMALL = 1 << 18
"""Bytes of text below which no engine pays off that has to be verified first."""


@dataclass(frozen=True)
class FileCount:
    """The size of a text.

    file: its path; `-` for standard input, None for the total.
    tokens: by tokenizer, in their order.
    """

    file: str | None
    tokens: Mapping[str, int]
    bytes: int
    characters: int


def read_whole(file: str) -> str:
    """Read a file, or standard input, as one text with its line ends and byte order mark.

    Raises TokbenchError if it cannot be read, is not UTF-8 (with the first wrong byte) or is larger than `LARGEST`.
    """
    content = _read_input() if file == STANDARD_INPUT else _read_file(Path(file))
    where = "standard input" if file == STANDARD_INPUT else file
    if len(content) > LARGEST:
        raise TokbenchError(
            f"{where} holds more than {LARGEST >> 20} MiB, and a file is counted as one text",
            f"count parts of it, or its lines: tokbench compare -c {file} --split lines",
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        wrong = f"byte 0x{content[error.start]:02X} at offset {error.start:,}"
        raise TokbenchError(f"{where} is not UTF-8: {wrong}", "convert it to UTF-8") from None


def _read_input() -> bytes:
    if sys.stdin is None:
        raise TokbenchError("standard input is closed", "name a file")
    if sys.stdin.isatty():
        raise TokbenchError(
            "there is no text to count", "name a file, for example: tokbench count o200k_base README.md"
        )
    return sys.stdin.buffer.read(LARGEST + 1)


def _read_file(path: Path) -> bytes:
    if path.is_dir():
        raise TokbenchError(f"{path} is a folder", f"name its files, or measure all of it: tokbench compare -c {path}")
    try:
        with keep_pipe(path).open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise TokbenchError(f"{path} cannot be read: {error.strerror}", "check the path") from error


def load_for(names: Sequence[str], files: Sequence[str], first: str, *, offline: bool) -> list[Tokenizer]:
    """Load tokenizers for files of this size, each on the fastest engine that gives exact ids.

    first: the text of the first file. Raises TokbenchError if a tokenizer is given twice.
    """
    size = len(first) + sum(_find_size(file) for file in files[1:])
    tokenizers: list[Tokenizer] = []
    for name in names:
        asset = find_asset(name, offline=offline)
        if size < SMALL:
            tokenizer = load_asset(asset)
        else:
            from tokbench.adapters.selection import AUTO, SAMPLE_BYTES, Sample, load_engine

            sample = first[:SAMPLE_BYTES].splitlines(keepends=True)
            tokenizer = load_engine(asset, AUTO, Sample(tuple(sample), size))
        if any(tokenizer.name == other.name for other in tokenizers):
            raise TokbenchError(f"the tokenizer {tokenizer.name} is given twice", "give it once")
        tokenizers.append(tokenizer)
    return tokenizers


def _find_size(file: str) -> int:
    with suppress(OSError):
        return Path(file).stat().st_size
    return 0


def count_files(tokenizers: Sequence[Tokenizer], files: Iterable[tuple[str, str]]) -> list[FileCount]:
    """Count the tokens, bytes and characters of each file, given with its text.

    Each is encoded as one text, without special tokens. Raises EngineError with the file at which an engine fails.
    """
    found = []
    for file, text in files:
        try:
            tokens = {tokenizer.name: tokenizer.count(text) for tokenizer in tokenizers}
        except EngineError as error:
            raise error.locate("standard input" if file == STANDARD_INPUT else file) from error
        found.append(FileCount(file, tokens, len(text.encode()), len(text)))
    return found


def add_up(counts: Sequence[FileCount]) -> FileCount:
    """Return the sums over files."""
    tokens = {name: sum(count.tokens[name] for count in counts) for name in counts[0].tokens}
    return FileCount(None, tokens, sum(c.bytes for c in counts), sum(c.characters for c in counts))
