"""The ids that a text must have, by the library for each format or by a few lines of our own."""

from __future__ import annotations

import ast
import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

from hostile.case import Check, Run
from hostile.processes import make_streams, run_command

Encode = Callable[[str], list[int]]


def read_ids(run: Run) -> list[list[int]]:
    """Read the ids from the output of `encode --json`."""
    return [encoding["ids"] for encoding in json.loads(run.stdout)]


def has_ids_of(kind: str, path: Path, text: str) -> Check:
    """A check: the ids are those of the reference on the same file, which can read it too."""

    def check(run: Run) -> str | None:
        try:
            expected = REFERENCES[kind](path)(text)
        except BaseException as error:  # noqa: BLE001 - of any library, panics among them
            return f"{kind}: the reference refuses the file: {type(error).__name__}"
        (ids,) = read_ids(run)
        return None if ids == expected else f"{kind}: other ids than the reference's"

    return check


def has_counts_of_reference(arguments: tuple[str, ...]) -> Check:
    """A check of `compare -f json --engine ...`: the figures are those of the reference engine."""

    def check(run: Run) -> str | None:
        make_streams()
        status = run_command((*arguments, "--engine", "reference"))
        if status:
            return f"the reference engine refuses it, with status {status}"
        expected = os.pread(1, 1 << 26, 0)
        return (
            None if list_figures(run.stdout) == list_figures(expected) else "other figures than the reference engine's"
        )

    return check


def list_figures(printed: bytes) -> list[tuple[object, ...]]:
    """Return the figures of a comparison, without the engines."""
    return [tuple(v for k, v in row.items() if k != "engine") for row in json.loads(printed)["results"]]


def open_json(path: Path) -> Encode:
    from tokenizers import Tokenizer

    file = path / "tokenizer.json" if path.is_dir() else path
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def open_sentencepiece(path: Path) -> Encode:
    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor(model_file=str(path))
    return processor.encode  # type: ignore[no-any-return]


def open_rwkv(path: Path) -> Encode:
    vocabulary: dict[bytes, int] = {}
    for line in path.read_text("utf-8").splitlines():
        number, _, rest = line.partition(" ")
        token, _, size = rest.rpartition(" ")
        value = ast.literal_eval(token)
        raw = value.encode() if isinstance(value, str) else value
        if len(raw) != int(size) or not raw or raw in vocabulary or not 0 <= int(number) < 1 << 24:
            raise ValueError(line)
        vocabulary[raw] = int(number)
    if len(set(vocabulary.values())) < len(vocabulary):
        raise ValueError("an id twice")
    return lambda text: find_longest(text.encode(), vocabulary)


def find_longest(data: bytes, vocabulary: dict[bytes, int]) -> list[int]:
    """Take the longest token, again and again."""
    longest, ids, at = max(map(len, vocabulary)), [], 0
    while at < len(data):
        size = next(n for n in range(min(longest, len(data) - at), 0, -1) if data[at : at + n] in vocabulary)
        ids.append(vocabulary[data[at : at + size]])
        at += size
    return ids


def open_ranks(path: Path) -> Encode:
    import tiktoken

    from tokbench.catalog.entries import CATALOG

    ranks: dict[bytes, int] = {}
    for line in path.read_bytes().split(b"\n"):
        if line.strip():
            token, rank = line.split()
            raw = base64.b64decode(token, validate=True) if token != b"=" else b""
            if raw in ranks or not 0 <= int(rank.decode("ascii")) < 1 << 24:
                raise ValueError(line)
            ranks[raw] = int(rank)
    if len(set(ranks.values())) < len(ranks):
        raise ValueError("a rank twice")
    pattern = CATALOG["cl100k_base"].pattern
    encoding = tiktoken.Encoding("x", pat_str=str(pattern), mergeable_ranks=ranks, special_tokens={})
    return encoding.encode_ordinary


REFERENCES: dict[str, Callable[[Path], Encode]] = {
    "tokenizer.json": open_json,
    "json-wordpiece": open_json,
    "json-wordlevel": open_json,
    "json-unigram": open_json,
    "sentencepiece": open_sentencepiece,
    "unigram": open_sentencepiece,
    "rwkv": open_rwkv,
    "tiktoken": open_ranks,
    "utf8": lambda path: lambda text: list(text.encode()),
}
