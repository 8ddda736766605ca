"""Recognise a tokenizer file by its content, as names mislead.

A `.model` may be SentencePiece or tiktoken text.
Nothing here runs code or loads a pickle; a damaged file is rejected with the position of the damage.
"""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import Any

from tokbench._shared.files import refuse_repeated_keys
from tokbench._shared.pipes import refuse_special
from tokbench.catalog.companions import NAMES
from tokbench.catalog.ids import check_id, check_size, check_vocabulary, show
from tokbench.catalog.sentencepiece_file import check_fields, is_sentencepiece
from tokbench.catalog.tokenizer_classes import find_unknown, select_companions
from tokbench.errors import TokbenchError

FORMATS = (
    "tokenizer.json",
    "sentencepiece",
    "tekken",
    "tiktoken",
    "tiktoken.json",
    "vocab+merges",
    "wordpiece",
    "rwkv",
    "gguf",
)
"""Formats that `detect` distinguishes, in the order in which a folder that contains several is read."""

_CANONICAL = ("tokenizer.json", "tokenizer.model", "tekken.json")
_HEAD = 1 << 16
_LARGEST_TEXT = 1 << 28  # larger than any vocabulary; a folder may contain weights
_RANK_LINE = re.compile(rb"[A-Za-z0-9+/]*={0,2} [0-9]+[ \t]*\r?(?:\n|\Z)")
_RWKV_LINE = re.compile(rb"[0-9]+ b?(?P<quote>['\"])[^\n]*(?P=quote) [0-9]+[ \t]*\r?(?:\n|\Z)")
_FIRST_NUMBER = re.compile(rb'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*[0-9]')
_FIRST_CONFIG = re.compile(rb'\s*\{\s*"config"\s*:')
_MERGE_LINE = re.compile(r"\S+ \S+")
_KNOWN = "supported formats: " + ", ".join(FORMATS)


class _UnknownFormatError(TokbenchError):
    """The file contains no tokenizer at all, as opposed to a damaged one."""


def detect(path: Path) -> str:
    """Detect the format, one of `FORMATS`, of a file or folder.

    Raises TokbenchError if unknown, damaged or ambiguous.
    """
    return inspect(path)[0]


def inspect(path: Path, *, intact: bool = False, listed: bool = False) -> tuple[str, tuple[Path, ...]]:
    """Detect the format of a file or folder, and its files, the main one first.

    A vocabulary with merges is both files. Companion files beside them (`added_tokens.json`, `special_tokens_map.json`,
    `tokenizer_config.json`) belong to it if they change ids, sizes or special tokens.
    intact: the file is known by its hash to be a complete tokenizer, so only its beginning is read.
    listed: the catalogue lists its files, so companions of a tokenizer.json or a SentencePiece model are not looked at.
    """
    if path.is_dir():
        return _inspect_folder(path)
    if not path.exists():
        raise TokbenchError(f"no such file: {path}", "check the path")
    refuse_special(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise TokbenchError(f"{path} cannot be read: {error.strerror}", "check its permissions") from error
    if not head:
        raise TokbenchError(f"{path} is empty", "download it again")
    if head.startswith(b"GGUF"):
        return _inspect_gguf(path, head)
    check_size(path)
    _refuse_binaries(path, head)
    if is_sentencepiece(head):
        if not intact:
            check_fields(path, path.read_bytes())
        return "sentencepiece", (path, *(() if listed else select_companions(path, "sentencepiece")))
    _refuse_wide_characters(path, head)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return _tell_json(path, head, listed=listed) if intact else _inspect_json(path)
    return _inspect_text(path, head, intact=intact)


def _refuse_binaries(path: Path, head: bytes) -> None:
    if (head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05") or (
        head.startswith(b"PK\x03\x04") and b"data.pkl" in head
    ):
        raise _UnknownFormatError(
            f"{path} is a pickle, which is never loaded because it can run any code",
            "give the tokenizer's own file (tokenizer.json, tokenizer.model, ...)",
        )


def _refuse_wide_characters(path: Path, head: bytes) -> None:
    """Raise TokbenchError for text in UTF-16, with or without a byte order mark."""
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    zeros = max(head[0::2].count(0), head[1::2].count(0))
    if marked or (len(head) >= 8 and 0.45 * len(head) < zeros <= len(head) // 2 + 1 and head.count(0) < len(head)):
        raise _UnknownFormatError(
            f"{path} looks like UTF-16", f"convert it to UTF-8: iconv -f UTF-16 -t UTF-8 {path} > NEW"
        )


def _inspect_gguf(path: Path, head: bytes) -> tuple[str, tuple[Path, ...]]:
    # magic, version (u32), number of tensors (u64), number of metadata keys (u64)
    if len(head) < 24:
        raise TokbenchError(f"{path} is a truncated GGUF: {len(head)} bytes of its 24-byte header", "download it again")
    return "gguf", (path,)


# ---- JSON


def _parse_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=refuse_repeated_keys)
    except UnicodeDecodeError as error:
        raise TokbenchError(
            f"{path} is damaged: byte {error.start} is not UTF-8 ({error.reason})", "download it again"
        ) from error
    except json.JSONDecodeError as error:
        if path.suffix != ".json":  # a chat template, or anything else that starts with a brace
            raise _UnknownFormatError(f"{path} contains no known tokenizer", _KNOWN) from error
        raise TokbenchError(
            f"{path} is damaged: line {error.lineno} column {error.colno}: {error.msg}", "download it again"
        ) from error
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number with thousands of digits
        raise _UnknownFormatError(f"{path} is JSON, but not a known tokenizer: {error}", _KNOWN) from error


def _inspect_json(path: Path) -> tuple[str, tuple[Path, ...]]:
    content = _parse_json(path)
    if not isinstance(content, dict):
        raise _UnknownFormatError(f"{path} is JSON, but not a tokenizer: it is not an object", _KNOWN)
    model, config = content.get("model"), content.get("config")
    if isinstance(model, dict) and "vocab" in model:
        _check_json(path, model["vocab"], content.get("added_tokens"))
        return "tokenizer.json", (path, *select_companions(path, "tokenizer.json", content))
    if isinstance(config, dict) and "pattern" in config and isinstance(content.get("vocab"), list):
        return "tekken", (path,)
    if "pat_str" in content and "bpe_ranks" in content:
        return "tiktoken.json", (path,)
    # Added tokens have the same form, but their ids do not start at 0.
    if _is_vocabulary(content):
        check_vocabulary(path, content)
        return "vocab+merges", _find_vocabulary(path)
    hint = _KNOWN
    if "tokenizer_class" in content:
        hint = "it only describes how to read the tokenizer: give the folder that contains it"
    elif isinstance(model, dict):
        hint = "it has a 'model' without a 'vocab': the file is incomplete, download it again"
    raise _UnknownFormatError(f"{path} is JSON, but not a known tokenizer", hint)


def _is_vocabulary(content: dict[str, Any]) -> bool:
    """Return whether an object maps tokens to ids; of a large one, some ids may be damaged."""
    ids = sum(type(value) is int for value in content.values())
    return 0 in content.values() and (1 < ids == len(content) or (ids >= 256 and ids > 0.9 * len(content)))


def _check_json(path: Path, vocab: Any, added: Any) -> None:
    """Check the ids of a tokenizer.json; what has another type is left to the library."""
    if isinstance(vocab, dict):
        check_vocabulary(path, vocab)
    for token in added if isinstance(added, list) else ():
        if isinstance(token, dict) and "id" in token:
            check_id(token["id"], f"{path}, the added token {show(token.get('content'))}")


def _tell_json(path: Path, head: bytes, *, listed: bool) -> tuple[str, tuple[Path, ...]]:
    """Detect the format of a JSON file that is known to contain a tokenizer."""
    if b'"pat_str"' in head:
        return "tiktoken.json", (path,)
    if _FIRST_NUMBER.match(head):
        return "vocab+merges", _find_vocabulary(path)
    if _FIRST_CONFIG.match(head):
        return "tekken", (path,)
    return "tokenizer.json", (path, *(() if listed else select_companions(path, "tokenizer.json")))


def _find_vocabulary(path: Path) -> tuple[Path, ...]:
    return path, _find_half(path, "vocab", ".txt"), *select_companions(path, "vocab+merges")


def _find_half(path: Path, half: str, suffix: str) -> Path:
    other = "merges" if half == "vocab" else "vocab"
    names = [path.stem.replace(half, other) + suffix, other + suffix]
    names += [f"{path.stem.split('.')[0].replace(half, other)}{suffix}", f"{other}.reconstructed{suffix}"]
    for name in names:
        if name != path.name and (path.parent / name).is_file():
            return path.parent / name
    raise TokbenchError(
        f"{path} is the {half} half of a byte-level BPE, but there is no {other}{suffix} beside it",
        f"put {other}{suffix} into the same folder",
    )


# ---- text


def _inspect_text(path: Path, head: bytes, *, intact: bool) -> tuple[str, tuple[Path, ...]]:
    for name, line in (("tiktoken", _RANK_LINE), ("rwkv", _RWKV_LINE)):
        if line.match(head):
            if not intact:
                _check_lines(path, name, line)
            return name, (path, *select_companions(path, name))
    if b"\0" not in head and path.stat().st_size <= _LARGEST_TEXT:
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if b"\n[UNK]" in head:
                raise TokbenchError(
                    f"{path} is a damaged WordPiece vocabulary: byte {error.start} is not UTF-8", "download it again"
                ) from error
        else:
            lines = text.replace("\r\n", "\n").split("\n")
            if "[UNK]" in lines or (path.name == "vocab.txt" and find_unknown(path) in lines):
                return "wordpiece", (path, *select_companions(path, "wordpiece"))
            if _is_merges(lines):
                return _inspect_json(_find_half(path, "merges", ".json"))
    raise _UnknownFormatError(f"{path} contains no known tokenizer", _KNOWN)


def _is_merges(lines: list[str]) -> bool:
    body = lines[1:] if lines[0].startswith("#version") else lines
    sample = [line for line in body[:1000] if line]
    return len(sample) >= 2 and all(_MERGE_LINE.fullmatch(line) for line in sample)


def _check_lines(path: Path, name: str, line: re.Pattern[bytes]) -> None:
    data = path.read_bytes()
    at = number = 0
    while at < len(data):
        number += 1
        match = line.match(data, at)
        if match is None and data[at : at + 2].strip():
            raise TokbenchError(
                f"{path} is a damaged {name} vocabulary: line {number} is {data[at : at + 40].splitlines()[0]!r}",
                "download it again",
            )
        at = match.end() if match else data.find(b"\n", at) + 1 or len(data)


# ---- folders


def _inspect_folder(folder: Path) -> tuple[str, tuple[Path, ...]]:
    for name in _CANONICAL:
        if (folder / name).is_file():
            return inspect(folder / name)
    by_format: dict[str, set[tuple[Path, ...]]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in NAMES or not path.is_file() or path.stat().st_size == 0:
            continue
        try:
            name, files = inspect(path)
        except _UnknownFormatError:
            continue
        by_format.setdefault(name, set()).add(files)
    for name in FORMATS:
        if len(by_format.get(name, ())) == 1:
            return name, by_format[name].pop()
        if name in by_format:
            several = ", ".join(sorted(files[0].name for files in by_format[name]))
            raise TokbenchError(f"{folder} contains several tokenizers: {several}", "give the path of one of them")
    raise TokbenchError(f"{folder} contains no tokenizer file", _KNOWN)
