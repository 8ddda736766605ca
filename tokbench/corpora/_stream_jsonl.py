"""Shards of JSON Lines: one text per record, or its segments."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from tokbench.corpora._records import look_up, parse_json, text_of, text_or_messages
from tokbench.corpora._stream_bytes import explain_place, find_start, iterate_lines, open_lines, read_blocks
from tokbench.corpora._stream_cutting import NOT_BLANK
from tokbench.corpora._stream_polars import read_remote_lines
from tokbench.corpora._stream_typed import parse_records
from tokbench.errors import TokbenchError

_MOST_BLANK = 100
"""Lines at an address of which one must hold a record."""


_MOST_FAILURES = 3


class Keys(NamedTuple):
    """Where the texts of records are: keys, which dots lead into objects; no text for records that are strings."""

    text: str | None
    lang: str | None = None
    document: str | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> Keys:
        """Return the keys that a shard's settings name."""
        text = None if "strings" in settings else settings["text"]
        return cls(text, settings.get("lang"), settings.get("document"))

    @property
    def columns(self) -> dict[str, str]:
        """The keys that are read, by column."""
        named = {"text": self.text, "lang": self.lang, "document": self.document}
        return {column: key for column, key in named.items() if key is not None}


def read_jsonl_region(path: Path, start: int, end: int | None, keys: Keys) -> Iterator[pl.DataFrame]:
    """Yield the records whose lines start in the bytes [start, end) of a file: text, and lang and document if given.

    end: None for all of a file that is compressed. A blank line is no record.
    """
    with open_lines(path) as lines:
        whole = lines.size is None or end is None
        begin = lines.bom if whole else find_start(lines, start, None)
        stop = lines.size if whole or end is None else find_start(lines, end, None)
        parser = Parser(path, keys)
        for at, data, _ in read_blocks(lines, begin, stop):
            block = data.replace(b"\r\n", b" \n").replace(b"\r", b"\n") if lines.end == b"\r" else data
            yield parser.parse(block, at)


def read_first_record(path: Path) -> Any:
    """Return the value of the first line that is not blank; TokbenchError if there is none."""
    with open_lines(path) as lines:
        for at, line in iterate_lines(lines, lines.bom):
            try:
                text = line.decode()
            except UnicodeDecodeError:
                raise explain_place(path, line, at) from None
            if text.strip():
                return parse_json(f"{path}, byte {at:,}", text)
    raise TokbenchError(f"{path} is empty", "give one JSON object per line")


def read_first_remote(address: str) -> Any:
    """Return the value of the first line at an address that is not blank; TokbenchError if there is none."""
    for lines in [*read_remote_lines(address, _MOST_BLANK)]:
        for text in lines:
            if text.strip():
                return parse_json(f"{address}, its first record", text)
    raise TokbenchError(f"{address} is empty, or begins with blank lines", "give one JSON object per line")


def read_remote_records(address: str, keys: Keys) -> Iterator[pl.DataFrame]:
    """Yield the records at an address; see `read_jsonl_region`."""
    at, parser = 0, Parser(address, keys)
    for lines in read_remote_lines(address):
        data = "\n".join(lines).encode()
        yield parser.parse(data, at)
        at += len(data) + 1


class Parser:
    """Parses blocks of lines, each by the fastest parser that is sure of its result.

    They are polars, msgspec, and that of the indexed reader. One that fails at `_MOST_FAILURES` blocks in a row is not
    tried again. path: of the file, or its address.
    """

    def __init__(self, path: Path | str, keys: Keys) -> None:
        self._path, self._keys = path, keys
        self._failures = {} if keys.text is None else {parse_fast: 0, parse_typed: 0}

    def parse(self, data: bytes, at: int) -> pl.DataFrame:
        """Parse whole lines, which begin at a byte; TokbenchError with the byte where a record is wrong."""
        for parser, failures in self._failures.items():
            frame = parser(data, self._keys) if failures < _MOST_FAILURES else None
            self._failures[parser] = 0 if frame is not None else failures + 1
            if frame is not None:
                return frame
        return parse_block(self._path, data, at, self._keys)


def parse_fast(data: bytes, keys: Keys) -> pl.DataFrame | None:
    """Parse lines by polars; None unless its result is beyond doubt.

    Polars writes numbers and arrays as text, takes one of repeated keys, and reads half of a surrogate pair as NUL. So
    each text must be there, the key must occur once per record and be followed by a string, and no text may hold NUL.
    """
    columns = keys.columns
    if keys.text is None or any("." in key or '"' in key or "\\" in key for key in columns.values()):
        return None
    schema = dict.fromkeys(columns.values(), pl.String)
    try:
        read = pl.read_ndjson(io.BytesIO(data), schema=schema)
    except (pl.exceptions.PolarsError, OSError):
        return None
    frame = read.select(pl.col(key).alias(column) for column, key in columns.items())
    for column, key in columns.items():
        name = f'"{key}"'.encode()
        strings = sum(data.count(name + between + b'"') for between in (b": ", b":"))
        values = frame[column]
        if column != "document" and not data.count(name) == strings == len(values):
            return None
        if values.has_nulls() or values.str.contains("\0", literal=True).any():
            return None
    return frame


def parse_typed(data: bytes, keys: Keys) -> pl.DataFrame | None:
    """Parse lines by msgspec; None unless each is an object with the keys, and of each key the right type."""
    frame = parse_records(data, keys.columns)
    if frame is None or keys.lang is None:
        return frame
    blank = frame["lang"].str.contains(NOT_BLANK).not_() | frame["text"].is_null()
    return None if blank.any() else frame


def parse_block(path: Path | str, data: bytes, at: int, keys: Keys) -> pl.DataFrame:
    """Parse lines one by one, as the indexed reader does; TokbenchError with the byte where a record is wrong."""
    rows: list[tuple[str | None, ...]] = []
    for line in data.split(b"\n"):
        where = f"{path}, byte {at:,}"
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise explain_place(path, line, at) from None
        if text.strip():
            rows.append(tuple(_read_record(where, parse_json(where, text), keys)))
        at += len(line) + 1
    columns = ["text", *(column for column in keys.columns if column != "text")]
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.String), orient="row")


def _read_record(where: str, record: Any, keys: Keys) -> Iterator[str | None]:
    if keys.text is None:
        if not isinstance(record, str):
            raise TokbenchError(f"{where}: a JSON {type(record).__name__} among JSON strings", "fix the line")
        yield text_of(where, "string", record)
        return
    if not isinstance(record, dict):
        raise TokbenchError(f"{where}: the line is a JSON {type(record).__name__}, not an object", "fix the line")
    for column, key in keys.columns.items():
        value = look_up(where, record, key)
        if column == "text":
            text = text_or_messages(where, key, value)
            if text is None and keys.lang is not None:
                raise TokbenchError(f"{where}: there is no text", "fix the line")
            yield text
        elif column == "lang":
            if not isinstance(value, str) or not value.strip():
                raise TokbenchError(f"{where}: the language is {value!r}, not text", "fix the line")
            yield value
        else:
            yield None if value is None else str(value)
