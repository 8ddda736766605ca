"""Damage, drawn: to bytes, to texts, to JSON, to lines of fields, to files as such."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

Damage = tuple[bytes, str]
"""The damaged content, and a note on what was done."""

NUMBERS: tuple[Any, ...] = (
    *(-1, 0, 1, 255, 256, 2**16, 2**24 - 1, 2**24, 2**24 + 1, 10**9, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63),
    *(2**64, 10**30, -(2**31) - 1, -(2**63) - 1, 0.5, 1e-320, 1e308, -0.0, float("nan"), float("inf"), float("-inf")),
)
TEXTS = (
    *(
        "",
        " ",
        "\0",
        "\ud800",
        "\udfff\ud800",
        "\ufeff",
        "\ufffe",
        "\u2028",
        "\u2029",
        "\x85",
        "\r",
        "\r\n",
        "\n\n",
        "\t",
    ),
    *("\x1b]0;owned\x07", "\x1b[2J\x1b[31m", "\x9b31m", "\u202eabc", "\u2066x", "\u200f", "\u180e", "\u200b", "\u00ad"),
    *("e\u0301", "I\u0344", "\u212b", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0010ffff", "\ue000", "\ufdd0"),
    *("../../../../etc/passwd", "/dev/zero", "~nosuchuser", "hf:..", "%s%n{0}{x}", "<script>alert(1)</script>", "]]>"),
    *("a|b", "`x`", "$(id)", "\\input{x}", "=cmd()", '"', "'", "\\", "null", "NaN", "1e309", "\u0661\u0662", "\uff11"),
    *("<|endoftext|>", "<unk>", "[UNK]", "\u2581", "\u0120", "##a", "a" * 300, "z\u0300" * 200, "\u4f60" * 100),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [[]], [None], {"": ""}, "", "7", b"".decode(), [1, 2], {"a": 1}, ["x"], 7, 0.5),
)
DEEP = 100_000


def damage_bytes(pick: random.Random, data: bytes) -> Damage:
    """Damage bytes of any kind."""
    return pick.choice(_BYTES)(pick, data)


def flip(pick: random.Random, data: bytes) -> Damage:
    out = bytearray(data or b"\0")
    for _ in range(pick.choice((1, 1, 1, 4, 32))):
        out[pick.randrange(len(out))] ^= 1 << pick.randrange(8)
    return bytes(out), "bits flipped"


def cut(pick: random.Random, data: bytes) -> Damage:
    at = pick.choice((pick.randrange(len(data) + 1), len(data) - 1, min(len(data), 30), len(data) // 2))
    return data[: max(at, 0)], "cut off"


def drop(pick: random.Random, data: bytes) -> Damage:
    at = pick.randrange(len(data) + 1)
    return data[:at] + data[at + pick.choice((1, 2, 16, 500)) :], "bytes left out"


def insert(pick: random.Random, data: bytes) -> Damage:
    pieces = (
        b"\0",
        b"\0" * 64,
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\r",
        b"\n",
        b"\xed\xa0\x80",
        b"\xc0\x80",
        b"\xf5",
    )
    piece = pick.choice((*pieces, b"A" * 70_000, "\u2028".encode(), b"\x1b]0;x\x07", "\u202e".encode()))
    at = pick.choice((0, len(data), pick.randrange(len(data) + 1)))
    return data[:at] + piece + data[at:], f"{piece[:8]!r} inserted"


def repeat(pick: random.Random, data: bytes) -> Damage:
    at = pick.randrange(len(data) + 1)
    piece = data[at : at + pick.choice((1, 10, 200, 10**6))]
    return data[:at] + piece * pick.choice((2, 3, 50 if len(piece) < 1000 else 2)) + data[at:], "a part repeated"


def swap(pick: random.Random, data: bytes) -> Damage:
    a, b = sorted((pick.randrange(len(data) + 1), pick.randrange(len(data) + 1)))
    return data[b:] + data[a:b] + data[:a], "parts swapped"


def change_lines(pick: random.Random, data: bytes) -> Damage:
    end = pick.choice((b"\r\n", b"\r", "\u2028".encode(), b"\n\n", b"\0", b""))
    return data.replace(b"\n", end), f"line ends {end!r}"


def encode(pick: random.Random, data: bytes) -> Damage:
    name = pick.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7"))
    return data.decode("utf-8", "replace").encode(name, "surrogatepass"), name


def replace_all(pick: random.Random, data: bytes) -> Damage:
    whole = (b"", b"\n", b"\0" * 100, b"{}", b"[]", b"null", b"\xef\xbb\xbf", b"[" * DEEP, b'{"a":' * DEEP, b"0" * 5000)
    other = pick.choice(
        (*whole, pick.randbytes(300), b"<html><body>login</body></html>", b"PK\x03\x04", b"\x80\x04K\x01.")
    )
    return other, f"all of it {other[:8]!r}"


_BYTES: tuple[Callable[[random.Random, bytes], Damage], ...] = (
    *(flip, flip, flip, cut, cut, drop, insert, insert, repeat, swap, change_lines, encode, replace_all),
)


def draw_number(pick: random.Random) -> Any:
    """Draw an extreme number."""
    return pick.choice(NUMBERS)


def draw_text(pick: random.Random, most: int = 40) -> str:
    """Draw a text of hostile pieces and of characters from anywhere."""
    if pick.random() < 0.4:
        return pick.choice(TEXTS)
    parts = [pick.choice(TEXTS) if pick.random() < 0.3 else draw_characters(pick) for _ in range(pick.randint(1, 4))]
    return "".join(parts)[:most]


def draw_characters(pick: random.Random) -> str:
    """Draw a few characters of one region."""
    start, end = pick.choice(
        ((32, 127), (160, 0x250), (0x590, 0x700), (0x4E00, 0x5000), (0x1F300, 0x1F700), (1, 0xD800))
    )
    return "".join(chr(pick.randrange(start, end)) for _ in range(pick.randint(1, 12)))


def damage_json(pick: random.Random, data: bytes, times: int = 1) -> Damage:
    """Damage one value of a JSON document, or its keys, and write it again."""
    document = json.loads(data)
    notes, doubled = [], False
    for _ in range(times):
        holder, key = descend(pick, document)
        if holder is None:
            return damage_bytes(pick, data)
        note, twice = change_value(pick, holder, key)
        notes.append(f"{str(key)[:20]!a}: {note}")
        doubled |= twice
    text = json.dumps(document)
    if doubled:
        text = text.replace("\\ue123", "")
    return text.replace('"deep-placeholder"', "[" * DEEP + "]" * DEEP).encode(), "; ".join(notes)


def descend(pick: random.Random, document: Any) -> tuple[Any, Any]:
    """Choose a value by a walk from the root: the container that holds it, and its key."""
    holder, key, value = None, None, document
    while isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        holder, key = value, pick.choice(keys)
        value = holder[key]
        if pick.random() < 0.25:
            break
    return holder, key


def change_value(pick: random.Random, holder: Any, key: Any) -> tuple[str, bool]:
    """Change what a container holds; return a note, and whether a key was doubled."""
    kind = pick.choice(
        ("number", "number", "text", "text", "value", "value", "remove", "double", "rename", "deep", "wrap")
    )
    value = holder[key]
    if kind == "remove":
        del holder[key]
    elif kind == "double" and isinstance(holder, dict):
        holder[f"{key}\ue123"] = pick.choice((value, None, draw_number(pick), draw_text(pick)))
        return "key doubled", True
    elif kind == "double":
        holder.insert(key, value)
    elif kind == "rename" and isinstance(holder, dict):
        holder[draw_text(pick)] = holder.pop(key)
    elif kind == "deep":
        holder[key] = "deep-placeholder"
    elif kind == "wrap":
        holder[key] = pick.choice(([value], {"x": value}, [value] * 1000, str(value)[:1000]))
    elif kind == "text":
        holder[key] = draw_text(pick)
        return f"text {holder[key][:12]!a}", False
    elif kind == "value":
        holder[key] = deepcopy(pick.choice(VALUES))  # it may be damaged in turn
        return f"value {holder[key]!a}", False
    else:
        holder[key] = draw_number(pick)
        return f"number {holder[key]!a}", False
    return kind, False


def damage_lines(pick: random.Random, data: bytes, fields: Sequence[Callable[[random.Random], bytes]]) -> Damage:
    """Damage one line of a file of fields: a field, the line itself, or its neighbours."""
    lines = data.split(b"\n")
    at = pick.randrange(len(lines))
    kind = pick.choice(("field", "field", "field", "field", "double", "remove", "append", "swap", "blank"))
    if kind == "field":
        parts = lines[at].split(b" ")
        column = pick.randrange(len(fields))
        if column < len(parts):
            parts[column] = fields[column](pick)
        lines[at] = b" ".join(parts)
        return b"\n".join(lines), f"line {at}: {lines[at][:40]!a}"
    if kind == "double":
        lines.insert(pick.randrange(len(lines)), lines[at])
    elif kind == "remove":
        del lines[at]
    elif kind == "append":
        lines.insert(len(lines) - 1, b" ".join(field(pick) for field in fields))
    elif kind == "swap":
        other = pick.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = pick.choice((b"", b" ", b"#", b"\t"))
    return b"\n".join(lines), f"line {at}: {kind}"


def write_number(pick: random.Random) -> bytes:
    """Draw a number as text, well or badly written."""
    odd = ("+1", "1_0", "\u0661", "\uff11", "0x10", "1e3", "01", "1.0", "", "nan", "-0", "9" * 5000)
    return str(pick.choice((*NUMBERS, *odd))).encode()


def make_odd_file(pick: random.Random, path: Path) -> str:
    """Put something at a path that is no regular file."""
    kind = pick.choice(
        ("fifo", "folder", "link to itself", "dangling link", "/dev/zero", "/dev/null", "/dev/full", "empty")
    )
    if path.exists():
        path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    else:
        path.symlink_to({"link to itself": path, "dangling link": path.parent / "gone"}.get(kind, Path(kind)))
    return kind


def draw_name(pick: random.Random) -> str:
    """Draw a file name that a file system takes, with any suffix of ours: at most 255 bytes together."""
    odd = (
        "a b",
        "a:b=c",
        "a#b",
        "-n",
        "--help",
        "\x1b]0;x\x07",
        "\u202egnp",
        "x\ny",
        "\udcff\udc80",
        "e\u0301",
        "%41",
        "{}",
    )
    return pick.choice((*odd, "\u4f60" * 80, "a" * 247, "con", "x\r", "'", '"', "$HOME", "*", "~", "NUL"))


def draw_path(pick: random.Random) -> str:
    """Draw a path that is not there, or cannot be."""
    paths = (
        "",
        " ",
        "a" * 256,
        "a" * 5000,
        "/" * 300,
        "a/" * 3000,
        "~nosuchuser",
        "~nosuchuser/x",
        "~",
        "/",
        ".",
        "..",
    )
    paths += (
        "/dev/null",
        "/dev/full/x",
        "/proc/self/mem",
        "/nonexistent/x",
        "hf:..",
        "hf:a/b.git",
        "hf:",
        "hf:a/b/c",
        "hf:-/-",
    )
    paths += (
        "hf:a@",
        "hf:a/b@../..",
        "\u202e",
        "\x1b[31m",
        "x\ny",
        "\udcff",
        "#",
        "x#",
        "#cl100k_base",
        "file:///etc/passwd",
    )
    paths += ("http://127.0.0.1:1/", "-", "--", "nul", "C:\\x", "/dev/fd/0", "/dev/stdin", "*", "hf:a/" + "b" * 300)
    return pick.choice(paths)
