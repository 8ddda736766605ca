"""Read files as text: strict UTF-8, with lines that end at LF only."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from tokbench.corpora._content import HEAD_BYTES, refuse_compressed, refuse_wide_characters
from tokbench.corpora._storage import open_binary
from tokbench.errors import TokbenchError


@dataclass(frozen=True)
class DecodedText:
    """The text of a file without its byte order mark.

    `bom` tells whether there was one.
    """

    text: str
    bom: bool


@dataclass(frozen=True)
class TextLines:
    """The lines of a file without line ends; `crlf` counts those that ended in CR LF."""

    lines: list[str]
    bom: bool
    crlf: int


def read_bytes(path: Path) -> bytes:
    """Read the bytes of a file; TokbenchError if it cannot be read."""
    with open_binary(path) as file:
        return file.read()


def read_text(path: Path) -> DecodedText:
    """Read a whole file as text.

    Raises TokbenchError with file, line and byte if it is not UTF-8.
    """
    data = read_bytes(path)
    refuse_compressed(path, data[:8])
    refuse_wide_characters(path, data[:HEAD_BYTES])
    bom = data.startswith(codecs.BOM_UTF8)
    try:
        return DecodedText(data[len(codecs.BOM_UTF8) if bom else 0 :].decode("utf-8"), bom)
    except UnicodeDecodeError as error:
        raise explain_not_utf8(path, data, error.start + (len(codecs.BOM_UTF8) if bom else 0)) from None


def explain_not_utf8(path: Path, data: bytes, at: int, lines_before: int = 0) -> TokbenchError:
    """Build the error that names the line and byte at which `data` is not UTF-8.

    at: its position in `data`.
    """
    line = lines_before + data.count(b"\n", 0, at) + 1
    offset = at - (data.rfind(b"\n", 0, at) + 1)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        hint = f"the file starts like UTF-16: convert it: iconv -f UTF-16 -t UTF-8 {path} > NEW"
    else:
        hint = "convert the file to UTF-8"
    return TokbenchError(f"{path}:{line}: not UTF-8: byte 0x{data[at]:02X} at offset {offset} of the line", hint)


def ends_in_cr(text: str) -> bool:
    """Return whether lines end in CR alone: more lone CRs than LFs, as in classic Mac OS.

    A CR at the very end is not counted.
    """
    return "\r" in text and text.count("\r") - text.count("\r\n") - text.endswith("\r") > text.count("\n")


def read_lines(path: Path) -> TextLines:
    """Read the lines of a file, split at LF only.

    One CR before it is dropped, a final LF starts no line.
    If most lines end in CR alone, they end there; other lone CRs are text. So are U+2028, U+0085, form feed and the
    like: `str.splitlines` and universal newlines would split at them and misalign every later segment with its
    translation.
    """
    decoded = read_text(path)
    text, crlf = decoded.text, 0
    in_cr = ends_in_cr(text)
    if in_cr:
        crlf = text.count("\r\n")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    elif "\r" in text:
        crlf = text.count("\r\n") + text.endswith("\r")
        text = text.removesuffix("\r").replace("\r\n", "\n")
    lines = text.split("\n")
    # Nothing follows the last LF; a lone CR at the end is an empty line.
    if lines[-1] == "" and (in_cr or not decoded.text.endswith("\r")):
        lines.pop()
    return TextLines(lines, decoded.bom, crlf)


def first_line(path: Path, most: int = 65536) -> bytes:
    """Read the first line of a file, or its first `most` bytes."""
    with open_binary(path) as file:
        return file.readline(most)


def read_head(path: Path, most: int) -> bytes:
    """Read the first `most` bytes of a file; TokbenchError if it cannot be read."""
    with open_binary(path) as file:
        return file.read(most)
