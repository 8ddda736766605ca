"""Counts of a counting API on disk: hash of the text, tokens, date. Never the text, never a key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from tokbench._shared.cache_folder import find_cache_folder
from tokbench._shared.notes import note_damage, note_unwritable
from tokbench._shared.pipes import find_kind
from tokbench.catalog.counting_apis import MOST_TOKENS, CountingModel

FOLDER = "api-counts"


class Count(NamedTuple):
    """Tokens of a text as the API counted them, and the day (ISO 8601, UTC)."""

    tokens: int
    date: str


class _Line(msgspec.Struct):
    text: str
    tokens: int
    date: str
    check: str


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


class CountRecord:
    """The counts of one model, by hash of the text; every new one is written at once.

    A line that is damaged or torn is left out, so that its text is counted again. If the cache is not writable, counts
    last as long as the process, with a warning.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: dict[str, Count] = dict(_read(path))

    @classmethod
    def open(cls, model: CountingModel) -> CountRecord:
        """Read the record of a model; each host has its own."""
        folder = find_cache_folder() / FOLDER / model.host.replace(":", "_")
        return cls(folder / f"{model.model}.jsonl")

    @contextmanager
    def adding(self) -> Iterator[_Writer]:
        """Open the record for new counts."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            stream: IO[bytes] | None = self.path.open("ab", buffering=0)
        except OSError as error:
            note_unwritable(find_cache_folder(), error)
            stream = None
        try:
            yield _Writer(self.counts, stream)
        finally:
            if stream is not None:
                stream.close()


class _Writer:
    def __init__(self, counts: dict[str, Count], stream: IO[bytes] | None) -> None:
        self._counts = counts
        self._stream = stream
        self._torn = stream is not None and stream.tell() > 0  # a line before may have been cut off

    def add(self, text: str, count: Count) -> None:
        """Record the count of a text."""
        key = hash_text(text)
        self._counts[key] = count
        if self._stream is None:
            return
        line = msgspec.json.encode(_Line(key, *count, _sum_up(key, *count)))
        try:
            self._stream.write(b"\n" * self._torn + line + b"\n")
        except OSError as error:
            note_unwritable(find_cache_folder(), error)
        self._torn = False


def _sum_up(text: str, tokens: int, date: str) -> str:
    return hashlib.sha256(f"{text} {tokens} {date}".encode()).hexdigest()[:16]


def _read(path: Path) -> Mapping[str, Count]:
    counts: dict[str, Count] = {}
    try:
        if kind := find_kind(path):
            note_damage(path, f"it is {kind}")
            return counts
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return counts
    except OSError as error:
        note_damage(path, error.strerror or error)
        return counts
    for line in content.splitlines():
        try:
            found = msgspec.json.decode(line, type=_Line)
        except (msgspec.MsgspecError, RecursionError):
            continue
        if found.check == _sum_up(found.text, found.tokens, found.date) and 0 <= found.tokens <= MOST_TOKENS:
            counts[found.text] = Count(found.tokens, found.date)
    return counts
