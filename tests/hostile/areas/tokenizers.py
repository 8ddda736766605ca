"""Damaged tokenizer files of every kind."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from hostile.bases import Bases, encode_base64
from hostile.case import Case, Check
from hostile.mutators import (
    DEEP,
    TEXTS,
    Damage,
    damage_bytes,
    damage_json,
    damage_lines,
    draw_name,
    draw_path,
    draw_text,
    make_odd_file,
    write_number,
)
from hostile.outcomes import is_filled, is_json
from hostile.references import REFERENCES, has_counts_of_reference, has_ids_of

TEXT = "the fox 42, déjà vu 你好  \n '\u0301x<|endoftext|>"
PATTERNS = (
    "",
    "(",
    "[",
    "(a+)+$",
    "(.*)*x",
    "(?:a|a)*b",
    "\\p{L}+|\\p{N}+",
    "(?<!x)y",
    "x{1000000}",
    ".",
    "(?=.)",
    "\\b",
    "$^",
)
PATTERNS += (
    "(?i)(?:\\s+)+\\S",
    "[^\\x00-\\U0010ffff]",
    "((((((((a?){30}){30}){30}){30})))",
    "\\1",
    "(?P<n>a)(?P<n>b)",
    "\\",
    "\0",
)
REGEX_TEXT = "a" * 3000 + "!"


def write_token(pick: random.Random) -> bytes:
    """Draw a token as RWKV's files write it."""
    odd = (
        b"''",
        b"b''",
        b"'\\ud800'",
        b"'x",
        b"x",
        b"'\\x00'",
        b"b'\\xff'",
        b"'a' 'b'",
        b"f'{1}'",
        b"__import__('os')",
        b"None",
    )
    return pick.choice(
        (*odd, repr(draw_text(pick)).encode("utf-8", "replace"), b"'" + b"a" * 70_000 + b"'", b"(" * 300, b"-1")
    )


def write_base64(pick: random.Random) -> bytes:
    """Draw a token as rank files write it."""
    odd = (b"", b"=", b"====", b"YQ", b"YQ=", b"!!!!", b"YQ==YQ==", b"\xff", b"QUFB\x00", b"YQ==", b"dGhl")
    return pick.choice(
        (*odd, encode_base64(draw_text(pick).encode("utf-8", "surrogatepass")), encode_base64(b"\xff\xfe"))
    )


def write_plain(pick: random.Random) -> bytes:
    """Draw a token as it is."""
    return draw_text(pick).encode("utf-8", pick.choice(("surrogatepass", "replace")))


LINES: dict[str, tuple[Any, ...]] = {
    "rwkv_vocab.txt": (write_number, write_token, write_number),
    "small.tiktoken": (write_base64, write_number),
    "vocab.txt": (write_plain,),
    "merges.txt": (write_plain, write_plain),
}


def draw(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw a case."""
    kind = pick.choice(list(bases.tokenizers))
    path = bases.copy(bases.tokenizers[kind], folder / kind / bases.tokenizers[kind].name)
    file = path if path.is_file() else pick.choice(sorted(path.iterdir()))
    argument = f"{path}#cl100k_base" if kind == "tiktoken" else str(path)
    how = pick.choice(("structure",) * 8 + ("bytes",) * 4 + ("pattern", "odd file", "name", "path"))
    text = TEXT
    if how == "bytes":
        data, note = damage_bytes(pick, file.read_bytes())
        file.write_bytes(data)
    elif how == "pattern":
        text, note = pick.choice((REGEX_TEXT, TEXT)), damage_pattern(pick, file)
    elif how == "odd file":
        note = make_odd_file(pick, file)
    elif how == "name":
        note, argument = f"called {(name := draw_name(pick))[:20]!a}", str(file.rename(file.with_name(name)))
    elif how == "path":
        argument = draw_path(pick).replace("\0", "") + pick.choice(("", "", "#cl100k_base", "#nope", "#"))
        note, kind = f"the path {argument[:24]!a}", "path"
    else:
        data, note = damage_structure(pick, file)
        file.write_bytes(data)
    reference = (
        has_ids_of(kind, path, text) if kind in REFERENCES and how in ("structure", "bytes", "pattern") else None
    )
    return draw_command(pick, bases, f"{kind}: {file.name}, {note}", argument, text, reference)


def draw_command(
    pick: random.Random, bases: Bases, note: str, argument: str, text: str, reference: Check | None
) -> Case:
    """Draw what reads the tokenizer; most often `encode`, whose ids are held against the reference's."""
    command = pick.choice(
        ("encode",) * 7
        + ("engine", "encode table", "special", "compare", "vocab", "roundtrip", "overlap", "explain-diff")
    )
    small = ("-c", bases.small)
    if command == "encode":
        return Case(
            note,
            ("encode", argument, "-", "--json"),
            text.encode(),
            checks=(is_json,),
            reference=reference,
            escapes=False,
        )
    if command == "engine" and not argument.endswith((".json", "merges", "companions")):
        command = "vocab"
    if command == "engine":
        arguments = ("compare", argument, *small, "--no-throughput", "--resamples", "0", "-f", "json")
        engine = pick.choice(("auto", "fastokens", "splintr", "tiktoken"))
        counts = has_counts_of_reference(arguments)
        return Case(note, (*arguments, "--engine", engine), checks=(is_json,), reference=counts, escapes=False)
    arguments = {
        "encode table": ("encode", argument, "-"),
        "special": ("encode", argument, "-", "--special"),
        "compare": ("compare", argument, "utf8", *small, "--no-throughput", "--resamples", "0"),
        "vocab": ("vocab", argument, *small),
        "roundtrip": ("roundtrip", argument, *small),
        "overlap": ("overlap", argument, str(bases.tokenizers["tokenizer.json"]), *small),
        "explain-diff": ("explain-diff", argument, "utf8", *small),
    }[command]
    return Case(note, arguments, text.encode(), checks=(is_filled,))


def damage_structure(pick: random.Random, file: Path) -> Damage:
    """Damage what the format is made of."""
    data = file.read_bytes()
    if file.suffix == ".json":
        return damage_ids(pick, data) if pick.random() < 0.3 else damage_json(pick, data, pick.choice((1, 1, 1, 2, 5)))
    if file.name in LINES:
        return damage_lines(pick, data, LINES[file.name])
    if file.suffix == ".model":
        return damage_protobuf(pick, data)
    if file.suffix == ".gguf":
        return damage_gguf(pick, data)
    return damage_bytes(pick, data)


def damage_ids(pick: random.Random, data: bytes) -> Damage:
    """Give a token of a JSON vocabulary, or an added token, another id or another text."""
    import json

    document = json.loads(data)
    model = document.get("model", document)
    vocab = model.get("vocab", model) if isinstance(model, dict) else {}
    added = document.get("added_tokens")
    number = pick.choice((-1, 0, 1, 2**24, 2**24 + 1, 10**9, 2**31, 2**32, 2**64, 1.5, "7", None, True))
    if isinstance(added, list) and pick.random() < 0.5:
        token = {"id": number, "content": draw_text(pick), "special": pick.random() < 0.5}
        flags = {name: pick.random() < 0.3 for name in ("single_word", "lstrip", "rstrip", "normalized")}
        added.extend([token | flags] * pick.choice((1, 1, 2)))
        note = f"added token {number}"
    elif isinstance(vocab, dict) and vocab:
        token = pick.choice((pick.choice(list(vocab)), draw_text(pick)))
        vocab[token] = number
        note = f"{token[:10]!a} has id {number}"
    else:
        return damage_json(pick, data)
    return json.dumps(document).encode(), note


def damage_pattern(pick: random.Random, file: Path) -> str:
    """Put a pattern where the file has one, or could have one."""
    import json

    if file.suffix != ".json" or (file.name != "tokenizer.json" and file.name not in ("claude.json", "tekken.json")):
        data, note = damage_structure(pick, file)
        file.write_bytes(data)
        return note
    document, pattern = json.loads(file.read_bytes()), pick.choice(PATTERNS)
    if "pat_str" in document:
        document["pat_str"] = pattern
    elif "config" in document:
        document["config"]["pattern"] = pattern
    elif pick.random() < 0.3:
        document["normalizer"] = {"type": "Replace", "pattern": {"Regex": pattern}, "content": draw_text(pick)}
    else:
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": pick.random() < 0.3}
        document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, document["pre_tokenizer"]]}
    file.write_text(json.dumps(document))
    return f"the pattern {pattern[:24]!a}"


# ---- SentencePiece: fields of a protocol buffer


def write_varint(number: int) -> bytes:
    out = b""
    while True:
        number, low = number >> 7, number & 0x7F
        out += bytes([low | (0x80 if number else 0)])
        if not number:
            return out


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def split_fields(data: bytes) -> list[tuple[int, bytes]]:
    """Split a message of length-delimited fields: numbers and contents."""
    fields, at = [], 0
    while at < len(data):
        key, at = read_varint(data, at)
        size, at = read_varint(data, at)
        fields.append((key >> 3, data[at : at + size]))
        at += size
    return fields


def join_fields(fields: list[tuple[int, bytes]]) -> bytes:
    return b"".join(write_varint(number << 3 | 2) + write_varint(len(body)) + body for number, body in fields)


def write_piece(pick: random.Random) -> bytes:
    """Draw a piece: a text, a score, a type."""
    import struct

    text = pick.choice(
        (draw_text(pick).encode("utf-8", "surrogatepass"), b"\xff\xfe", b"", b"<0xZZ>", b"<0x100>", b"a" * 70_000)
    )
    score = struct.pack("<f", pick.choice((0.0, -1.0, float("nan"), float("inf"), -3e38, 1e-45)))
    kind = pick.choice((0, 1, 2, 3, 4, 5, 6, 7, 99, 2**31, 2**63))
    return b"\n" + write_varint(len(text)) + text + b"\x15" + score + b"\x18" + write_varint(kind)


def damage_protobuf(pick: random.Random, data: bytes) -> Damage:
    """Change, double, drop or reorder pieces; damage the settings."""
    fields = split_fields(data)
    pieces = [at for at, (number, _) in enumerate(fields) if number == 1]
    settings = [at for at, (number, _) in enumerate(fields) if number != 1]
    kind = pick.choice(
        ("piece", "piece", "piece", "double", "drop", "settings", "settings", "no settings", "sizes", "swap", "many")
    )
    at = pick.choice(pieces)
    if kind == "piece":
        fields[at] = (1, write_piece(pick))
    elif kind == "double":
        fields.insert(at, fields[pick.choice(pieces)])
    elif kind == "drop":
        del fields[at]
    elif kind == "swap":
        other = pick.choice(pieces)
        fields[at], fields[other] = fields[other], fields[at]
    elif kind == "many":
        fields += [(1, write_piece(pick))] * 3000
    elif kind == "settings" and settings:
        at = pick.choice(settings)
        fields[at] = (fields[at][0], damage_bytes(pick, fields[at][1])[0])
    elif kind == "no settings":
        fields = [field for field in fields if field[0] == 1 or pick.random() < 0.3]
    else:
        joined = join_fields(fields)
        at = pick.randrange(len(joined))
        return joined[:at] + b"\n" + write_varint(pick.choice((2**31, 2**32 - 1, 2**63))) + joined[at:], "a huge size"
    return join_fields(fields), f"{kind} {at}"


# ---- GGUF


def damage_gguf(pick: random.Random, data: bytes) -> Damage:
    """Change a count, a size, a type or a text of the header."""
    kind = pick.choice(("version", "tensors", "keys", "number", "number", "text", "bytes"))
    places = {"version": (4, 4), "tensors": (8, 8), "keys": (16, 8)}
    if kind in places:
        at, size = places[kind]
    elif kind == "number":
        at, size = pick.randrange(24, min(len(data) - 8, pick.choice((200, 1000, len(data) - 8)))), pick.choice((4, 8))
    elif kind == "text":
        old = pick.choice((b"gpt2", b"mpt", b"llama", b"tokens", b"merges", b"token_type", b"scores", b"tokenizer"))
        new = pick.choice(TEXTS).encode("utf-8", "replace")[: len(old)].ljust(len(old), b"x")
        return data.replace(old, new, 1), f"{old!a} becomes {new!a}"
    else:
        return damage_bytes(pick, data)
    number = pick.choice((0, 1, 2, 255, 2**24, 2**31, 2**32 - 1, 2**63, 2**64 - 1, DEEP)) % (1 << 8 * size)
    return data[:at] + number.to_bytes(size, "little") + data[at + size :], f"{kind} at {at}: {number}"
