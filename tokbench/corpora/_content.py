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
_ROOT = re.compile(r"<(?P<name>[a-z][\w:.-]*)", re.IGNORECASE)
_PLAIN = "extract its texts: one per line, one file per language (en.txt, zh.txt)"
_ARRAY = "convert it to JSON Lines, from an array of objects: jq -c '.[]' FILE > NEW.jsonl"


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
        return Content("a gettext catalogue (PO)", None, "convert it to TMX (Translate Toolkit: po2tmx), or " + _PLAIN)
    return _recognize_table(filled)


def _recognize_markup(text: str) -> Content:
    root = _ROOT.search(re.sub(r"<!--.*?-->", "", text))
    name = root["name"].lower() if root else ""
    if name == "tmx":
        return Content("TMX", "tmx", "")
    known = {"xliff": "XLIFF", "dataset": "WMT XML", "srcset": "SGML", "refset": "SGML", "tstset": "SGML"}
    return Content(known.get(name, "XML or SGML"), None, _PLAIN)


def _recognize_json(filled: Sequence[str]) -> Content | None:
    if filled[0].rstrip() in ("{", "["):
        return Content("JSON", None, _ARRAY)
    try:
        first = json.loads(filled[0])
    except (ValueError, RecursionError):
        # An array or object over several lines, if what follows the bracket can start one.
        begins = re.match(r'\s*(?:\[\s*[\[{"]|\{\s*")', filled[0])
        return Content("JSON", None, _ARRAY) if begins else None
    if isinstance(first, dict):
        return Content("JSON Lines", "jsonl", "")
    # A number in brackets may be the start of a text.
    if not isinstance(first, list) or not first or not isinstance(first[0], str | dict | list):
        return None
    is_texts = isinstance(first[0], str)
    return Content("a JSON array", None, "convert it to lines: jq -r '.[]' FILE > NEW.en" if is_texts else _ARRAY)


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


def explain_unread(path: Path, head: bytes, options: Mapping[str, str], formats: Sequence[str]) -> TokbenchError:
    """Build the error for a file that no reader claims: its content, and what works."""
    refuse_compressed(path, head)
    refuse_wide_characters(path, head)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return TokbenchError(
            f"{path} starts like UTF-16", f"convert it to UTF-8: iconv -f UTF-16 -t UTF-8 {path} > NEW"
        )
    text = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    content = recognize_content(text.split("\n")[:HEAD_LINES])
    if content and content.reader:
        return TokbenchError(
            f"{path} cannot be read by its name alone; it contains {content.name}",
            f"give {spell_corpus(path, {'format': content.reader, **({} if content.reader == 'tmx' else options)})}",
        )
    if content:
        return TokbenchError(
            f"{path} is in no supported format: it contains {content.name}", content.remedy.replace("FILE", str(path))
        )
    if not text.strip():
        return TokbenchError(f"{path} is empty", "give a file that contains texts")
    if "\x00" in text or "\ufffd" in text[:-4]:
        return TokbenchError(f"{path} is in no supported format", f"supported formats: {', '.join(formats)}")
    has_manifest = (path.parent / "manifest.toml").is_file()
    named = spell_corpus(path.parent, {"en": path.name, **({"format": "lines"} if has_manifest else {})})
    return TokbenchError(
        f"{path}: its name does not tell the language of the text",
        f"give the language, for English: {named}" if named else f"rename it to NAME.LANGUAGE, such as {path.stem}.en",
    )
