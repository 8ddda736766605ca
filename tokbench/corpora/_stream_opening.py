"""Open streams: find their files, choose how these are read, and cut them into shards."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from tokbench.corpora._column_choice import split_options
from tokbench.corpora._corpus_spec import asks_for_stream, is_address, split_location
from tokbench.corpora._groups import choose_split
from tokbench.corpora._loading import find_reader
from tokbench.corpora._records import find_text_key
from tokbench.corpora._storage import is_plain
from tokbench.corpora._stream import Shard, Stream
from tokbench.corpora._stream_footer import read_row_groups
from tokbench.corpora._stream_groups import keep_groups, name_groups
from tokbench.corpora._stream_jsonl import read_first_record, read_first_remote
from tokbench.corpora._stream_polars import choose_text_column
from tokbench.corpora._stream_sources import Source, SourceFile, find_files, name_format
from tokbench.corpora._text_columns import read_layout
from tokbench.errors import TokbenchError

_T = TypeVar("_T")

STREAM_BYTES = 256_000_000
"""A single file that is larger is read as a stream, unless its texts are parallel."""

SHARD_BYTES = 64_000_000
"""Bytes of a shard, about."""

STREAMED = ("text", "jsonl", "parquet")
"""Readers whose files can be read as streams."""

_TRIED = 8
"""Files whose beginning is looked at until one can be read."""


def is_streamed(spec: object) -> bool:
    """Return whether a corpus argument is read as a stream.

    Globs and addresses are, what has the option `stream=yes`, and a file of text, JSON Lines or Parquet of more than
    `STREAM_BYTES` that is not parallel. False for anything that `open_corpus` accepts and that is no path.
    """
    if not isinstance(spec, str | Path):
        return False
    try:
        if asks_for_stream(spec):
            return True
        path, options = split_location(spec)
        file = Path(path)
        if options.pop("stream", None) == "no" or not file.is_file() or file.stat().st_size <= STREAM_BYTES:
            return False
        reader = options.pop("format", None) or find_reader(file, options)
        if reader not in STREAMED:
            return False
        _choose_columns(SourceFile(path, file.name, 0), reader, options)
    except (TokbenchError, OSError):
        return False  # as it will be raised where it is read
    return True


def open_stream(
    spec: str | Path,
    *,
    split: str | None = None,
    shard_bytes: int = SHARD_BYTES,
    languages: Sequence[str] | None = None,
    offline: bool = False,
) -> Stream:
    """Open a source of any size without reading it: a glob, a file or an address, with options as for `load_corpus`.

    `label=NAME` names all texts, `group=suffix|folder|file` says what names those of a file, `lang=COLUMN` those of a
    record. split: the same as the option `split`. languages: groups to read. offline: refuse addresses.
    Where the shards begin follows from the files and `shard_bytes` alone. Raises TokbenchError if nothing matches, for
    formats that are mixed or cannot be read as a stream, and for options that do not fit.
    """
    if shard_bytes < 1:
        raise TokbenchError(f"a shard of {shard_bytes} bytes is requested", "request at least 1")
    path, options = split_location(spec)
    if (said := options.pop("stream", "yes")) != "yes":
        raise TokbenchError(f"stream={said} is given for what is read as a stream", "write stream=yes")
    if split is not None:
        options["split"] = split
    source = find_files(path, offline=offline)
    reader = _choose_reader(source, options.pop("format", None), path)
    grouping = {"group": options.pop("group")} if not source.single and "group" in options else {}
    settings = _try_files(source, lambda file: _choose_columns(file, reader, options))
    if "lang" in settings:
        labels = [""] * len(source.files)
        if languages is not None:
            settings["groups"] = json.dumps(list(languages), ensure_ascii=False)
    else:
        labels = name_groups(source, reader, {**grouping, **settings})
    kept = keep_groups(labels, languages, path) if "lang" not in settings else set(labels)
    shards: list[Shard] = []
    for file, label in zip(source.files, labels, strict=True):
        if label not in kept:
            continue
        own = {**settings, **({"label": label} if label else {})}
        for start, end, size in _cut(file, reader, own["split"], shard_bytes):
            shards.append(
                Shard(len(shards), file.path, file.name, reader, start, end, size, tuple(sorted(own.items())))
            )
    return Stream(source.name, str(spec), reader, tuple(shards))


def _choose_reader(source: Source, said: str | None, path: str) -> str:
    """Return the reader of all files; TokbenchError if they need several, or one that reads no streams."""
    if said is None:
        first = source.files[0]
        kinds = {name_format(file.name): file.path for file in reversed(source.files)}
        if len(kinds) > 1:
            one, other = sorted(kinds.values())[:2]
            raise TokbenchError(f"{path!r} matches files of several formats: {one}, {other}", "match one format")
        said = next(iter(kinds))
        if said == "text" and not is_address(first.path):
            said = _try_files(source, lambda file: find_reader(Path(file.path), {}))
    if said not in STREAMED:
        raise TokbenchError(
            f"{source.files[0].path} is read as {said}, which cannot be read as a stream",
            f"text, JSON Lines and Parquet can; to read lines as they are, give {path}:format=text",
        )
    return said


def _try_files(source: Source, task: Callable[[SourceFile], _T]) -> _T:
    """Return what a task finds in the first file that can be read; a damaged one fails when its shards are read."""
    fault: TokbenchError | None = None
    for file in source.files[:_TRIED]:
        try:
            return task(file)
        except OSError as error:
            raise TokbenchError(f"{file.path} cannot be read: {error.strerror}", "check its permissions") from error
        except TokbenchError as error:
            fault = fault or error
    raise fault or TokbenchError("the stream has no file")


def _choose_columns(file: SourceFile, reader: str, options: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with which the texts of a file are read; TokbenchError if it is parallel."""
    path = Path(file.path)
    if reader == "text":
        settings, given = split_options(options, ("label", "split"))
        if given:
            raise TokbenchError(
                f"{path} is a plain text and has no columns, but {', '.join(given)} is given", "omit it"
            )
        return {**settings, "split": choose_split(settings, "lines")}
    layout = read_layout(path, options)
    if "id" in layout.settings:
        raise TokbenchError(f"{path}: rows with ids are parallel, and cannot be read as a stream", "omit id=")
    settings = {**layout.settings, "split": choose_split(layout.settings, "none")}
    if reader == "parquet":
        text = choose_text_column(file.path, layout)
    else:
        record = _read_record(file.path)
        if isinstance(record, str):
            return {**settings, "strings": "yes"}
        text = find_text_key(layout, record)
    if text is None:
        raise TokbenchError(
            f"{path} has a column per language, and cannot be read as a stream", f"give {path}:text=COLUMN"
        )
    return {**settings, "text": text}


def _read_record(file: str) -> Mapping[str, Any] | str:
    """Return the first record of a file of JSON Lines."""
    record = read_first_remote(file) if is_address(file) else read_first_record(Path(file))
    if not isinstance(record, dict | str):
        raise TokbenchError(f"{file}: a line is a JSON {type(record).__name__}, not an object", "fix the line")
    return record


def _cut(file: SourceFile, reader: str, split: str, shard_bytes: int) -> list[tuple[int, int, int]]:
    """Return start, end and bytes of each shard of a file."""
    path = Path(file.path)
    if is_address(file.path):
        return [(0, 1, 0)]
    if reader == "parquet":
        return _cut_groups(file, shard_bytes)
    if not is_plain(path):
        return [(0, 1, file.size)]
    if split == "none" and reader == "text":
        return [(0, file.size, file.size)]
    count = -(-file.size // shard_bytes)
    bounds = [number * file.size // count for number in range(count + 1)]
    return [(start, end, end - start) for start, end in pairwise(bounds)]


def _cut_groups(file: SourceFile, shard_bytes: int) -> list[tuple[int, int, int]]:
    """Cut Parquet at row groups; a file whose footer cannot be read becomes one shard, which will say so."""
    try:
        sizes = [group.size for group in read_row_groups(Path(file.path))]
    except TokbenchError:
        return [(0, 1, file.size)]
    whole = sum(sizes) or 1
    shards: list[tuple[int, int, int]] = []
    start = begin = done = 0
    for number, size in enumerate(sizes, start=1):
        done += size
        stop = file.size * done // whole
        if stop - begin >= shard_bytes or number == len(sizes):
            shards.append((start, number, stop - begin))
            start, begin = number, stop
    return shards
