"""Recognise a file's content by its first bytes or lines.

Compression, encoding, mark-up, tables.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tokbench.errors import TokbenchError

HEAD_BYTES = 65536
"""Number of bytes at the start of a file used to recognise it."""

HEAD_LINES = 64
"""Number of lines at the start of a file used to recognise plain text."""

# The first bytes, the name of the format, the command that decompresses it.
_COMPRESSED = (
    (b"\x1f\x8b", "gzip", "gunzip -k"),
    (b"BZh", "bzip2", "bunzip2 -k"),
    (b"\xfd7zXZ\x00", "xz", "unxz -k"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
    (b"\x04\x22\x4d\x18", "lz4", "unlz4 -k"),
    (b"PK\x03\x04", "zip", "unzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "7z x"),
)
_MARKUP = re.compile(
    r"<(?:\?xml|!doctype|!--|(?:tmx|xliff|srcset|refset|tstset|mteval|dataset|document|doc|html|tei|text|body|root)\b)",
    re.IGNORECASE,
)
_SETS = ("srcset", "refset", "tstset", "mteval")
_ROOT = re.compile(r"<(?P<name>[a-z][\w:.-]*)", re.IGNORECASE)
_AS_TEXT = "to read its lines as they are, give FILE:format=text"


class Content(NamedTuple):
    """Content that is not plain text: its name, and its reader or what to do."""

    name: str
    reader: str | None
    remedy: str


def unpacking_command(head: bytes) -> tuple[str, str] | None:
    """Return a file's compression and the command that undoes it, or None."""
    for magic, name, command in _COMPRESSED:
        if head.startswith(magic):
            return name, command
    return None


def refuse_compressed(path: Path, head: bytes) -> None:
    """Raise TokbenchError, with a command to decompress it, for compressed data."""
    compression = unpacking_command(head)
    if compression:
        name, command = compression
        raise TokbenchError(f"{path} is compressed ({name})", f"unpack it: {command} {path}")


def refuse_wide_characters(path: Path, head: bytes) -> None:
    """Raise TokbenchError for UTF-16 or UTF-32 without a byte order mark.

    It is valid UTF-8 if it is all ASCII.
    """
    for stride in (4, 2):
        head = head[: len(head) // stride * stride]
        for offset in (0, stride - 1):
            zeros = sum(head[start::stride].count(0) for start in range(stride) if start != offset)
            if len(head) >= 4 * stride and zeros > 0.9 * len(head) * (stride - 1) / stride and head.count(0) == zeros:
                order = "LE" if offset == 0 else "BE"
                encoding = f"UTF-{8 * stride}{order}"
                raise TokbenchError(
                    f"{path} looks like {encoding}: NUL bytes between the characters",
                    f"convert it to UTF-8: iconv -f {encoding} -t UTF-8 {path} > NEW",
                )


def recognize_content(lines: Sequence[str]) -> Content | None:
    """Recognise mark-up, records or a table from the first lines of a file.

    Return None for plain text.
    """
    filled = [line for line in lines if line.strip()]
    if not filled:
        return None
    first = filled[0].lstrip()
    if _MARKUP.match(first):
        return _recognize_markup(" ".join(filled))
    if first.startswith(("{", "[")):
        return _recognize_json(filled)
    if any(line.startswith("msgid ") for line in filled) and any(line.startswith("msgstr") for line in filled):
        return Content("a gettext catalogue (PO)", "po", "")
    return _recognize_table(filled)


def _recognize_markup(text: str) -> Content:
    root = _ROOT.search(re.sub(r"<!--.*?-->", "", text))
    name = root["name"].lower() if root else ""
    names = {"tmx": "TMX", "xliff": "XLIFF", "dataset": "WMT XML", **dict.fromkeys(_SETS, "SGML")}
    readers = {"tmx": "tmx", "xliff": "xliff", "dataset": "wmt", **dict.fromkeys(_SETS, "sgm")}
    return Content(names.get(name, "XML or SGML"), readers.get(name), _AS_TEXT)


def _recognize_json(filled: Sequence[str]) -> Content | None:
    if filled[0].rstrip() in ("{", "["):
        return Content("JSON", "json", "")
    try:
        first = json.loads(filled[0])
    except (ValueError, RecursionError):
        # An array or object over several lines, if what follows the bracket can start one.
        begins = re.match(r'\s*(?:\[\s*[\[{"]|\{\s*")', filled[0])
        return Content("JSON", "json", "") if begins else None
    if isinstance(first, dict):
        return Content("JSON Lines", "jsonl", "")
    # A number in brackets may be the start of a text.
    if not isinstance(first, list) or not first or not isinstance(first[0], str | dict | list):
        return None
    return Content("a JSON array", "json", "")


def _recognize_table(filled: Sequence[str]) -> Content | None:
    counts = {len(line.split("\t")) for line in filled}
    inner = all("\t" in line.strip() for line in filled)
    if len(filled) > 1 and len(counts) == 1 and inner:
        return Content(f"a table of {counts.pop()} tab-separated columns", "tsv", "")
    return None


def spell_corpus(place: object, options: Mapping[str, object]) -> str | None:
    """Spell the corpus argument with these options.

    Return None if a value cannot be written in one.
    """
    values = [str(value) for value in options.values()]
    if any(not value.strip() or value != value.strip() or re.search("[,:\n]", value) for value in values):
        return None
    return f"{place}:" + ",".join(f"{key}={value}" for key, value in options.items()) if options else str(place)


def is_text(head: bytes) -> bool:
    """Return whether the first bytes of a file can be those of a text in UTF-8: no NUL, nothing invalid."""
    if b"\x00" in head:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def recognize_head(head: bytes) -> Content | None:
    """Recognise mark-up, records or a table from the first bytes of a file."""
    text = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    return recognize_content(text.split("\n")[:HEAD_LINES])


def explain_unread(path: Path, head: bytes) -> TokbenchError:
    """Build the error for a file that no reader claims: its content, and what works."""
    refuse_compressed(path, head)
    refuse_wide_characters(path, head)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return TokbenchError(
            f"{path} starts like UTF-16", f"convert it to UTF-8: iconv -f UTF-16 -t UTF-8 {path} > NEW"
        )
    if head[257:262] == b"ustar":
        return TokbenchError(f"{path} is a tar archive", f"unpack it: tar -xf {path}")
    content = recognize_head(head) if is_text(head) else None
    if content:
        return TokbenchError(f"{path} contains {content.name}", content.remedy.replace("FILE", str(path)))
    return TokbenchError(
        f"{path} is not a text in UTF-8",
        "supported: text, tables, JSON, TMX, XLIFF, PO, WMT sets, Parquet, Arrow; compressed or in a zip archive",
    )
