"""What polars reads for streams, in a process of its own: row groups of Parquet, and lines at addresses."""

from __future__ import annotations

import atexit
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

import polars as pl

from tokbench._shared.child import describe_end, environment_of_child
from tokbench.corpora._corpus_spec import is_address
from tokbench.corpora._storage import is_plain
from tokbench.corpora._stream_footer import read_row_groups
from tokbench.corpora._stream_polars_process import COMPLETE, MOST_MESSAGE
from tokbench.corpora._text_columns import Layout
from tokbench.errors import TokbenchError

_MOST_IDLE = 2


def count_rows(file: str, start: int, end: int) -> tuple[int, int]:
    """Return the first row of the row groups [start, end), and the number of their rows.

    A file at an address is one shard of all rows.
    """
    if is_address(file):
        [rows] = _ask(file, {"task": "count"})
        return 0, int(rows)
    path = Path(file)
    _check_plain(path)
    groups = read_row_groups(path)
    if end > len(groups):
        raise TokbenchError(f"{path} was changed: it had {end} row groups, and has {len(groups)}", "run it again")
    return sum(group.rows for group in groups[:start]), sum(group.rows for group in groups[start:end])


def choose_text_column(file: str, layout: Layout) -> str | None:
    """Return the column of the texts, given or found; None if there is one per language."""
    if not is_address(file):
        _check_plain(Path(file))
    request = {"task": "choose", "settings": layout.settings, "given": layout.given}
    [column] = _ask(file, request)
    return cast("str | None", column)


def read_rows(file: str, first: int, rows: int, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Yield rows: text, and lang and document if `columns` names theirs. file: a path or an address."""
    yield from _ask(file, {"task": "rows", "first": first, "rows": rows, "columns": dict(columns)})


def read_remote_lines(address: str, most: int | None = None) -> Iterator[pl.Series]:
    """Yield the lines at an address without their ends, unpacked; at most so many if that is given."""
    for number, frame in enumerate(_ask(address, {"task": "lines", "most": most})):
        lines = frame["text"]
        bom = number == 0 and len(lines) > 0 and str(lines[0]).startswith("\ufeff")
        yield lines.str.strip_prefix("\ufeff").head(1).extend(lines.slice(1)) if bom else lines


def list_remote(pattern: str) -> list[str]:
    """Return the addresses of the Parquet files that match a pattern."""
    [files] = _ask(pattern, {"task": "list"})
    return cast("list[str]", files)


def _check_plain(path: Path) -> None:
    if not path.exists():
        raise TokbenchError(f"there is no file {path}", "check the path")
    if not is_plain(path):
        raise TokbenchError(f"{path} is compressed or in an archive, where Parquet cannot be read", "unpack it first")


def _ask(file: str, request: dict[str, Any]) -> Iterator[Any]:
    """Yield the frames or values that the reading process answers; TokbenchError if it refuses or ends."""
    process = _take()
    finished = False
    # The process may have been started in another working folder.
    folder = {} if is_address(file) or Path(file).is_absolute() else {"folder": str(Path.cwd())}
    try:
        for answer in process.answer({"file": file, **folder, **request}):
            if isinstance(answer, TokbenchError):
                process.finish()
                finished = True
                raise answer
            yield answer
        finished = True
    finally:
        if finished and len(_idle) < _MOST_IDLE:
            _idle.append(process)
        else:
            process.end()


_idle: list[_Process] = []


def _take() -> _Process:
    """Return a reading process that waits, or a new one."""
    while _idle:
        process = _idle.pop()
        if process.is_ready():
            return process
        process.end()
    return _Process()


@atexit.register
def _end_all() -> None:
    while _idle:
        _idle.pop().end()


class _Process:
    """A process that reads by polars; see `_stream_polars_process`."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tokbench.corpora._stream_polars_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment_of_child(RUST_BACKTRACE="0"),
        )

    def is_ready(self) -> bool:
        """Return whether it runs, and was started by this process, not by one that forked it."""
        return self._owner == os.getpid() and self._process.poll() is None

    def answer(self, request: dict[str, Any]) -> Iterator[Any]:
        """Send a request; yield its answers, of which an error is the last."""
        try:
            stream = cast(IO[bytes], self._process.stdin)
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
        except OSError:
            raise self._explain_end(request["file"]) from None
        for kind, content in self._messages(request["file"]):
            if kind == b"F":
                yield pl.read_ipc_stream(io.BytesIO(content))
            elif kind == b"J":
                yield json.loads(content)
            else:
                message, hint = json.loads(content)
                yield TokbenchError(message, hint)

    def finish(self) -> None:
        """Read what is left of an answer."""
        for _ in self._messages(""):
            continue

    def _messages(self, file: str) -> Iterator[tuple[bytes, bytes]]:
        stream = cast(IO[bytes], self._process.stdout)
        while True:
            head = stream.read(9)
            length = int.from_bytes(head[1:], "little")
            if len(head) < 9 or length > MOST_MESSAGE:
                raise self._explain_end(file)
            content = stream.read(length)
            if len(content) < length:
                raise self._explain_end(file)
            if head[:1] == b".":
                return
            yield head[:1], content

    def _explain_end(self, file: str) -> TokbenchError:
        status = self._process.wait()
        self._errors.seek(0)
        reason = describe_end(status, self._errors.read().decode(errors="replace"))
        return TokbenchError(f"{file} cannot be read: {reason}", COMPLETE)

    def end(self) -> None:
        """End the process, if it is one of this process."""
        if self._owner == os.getpid():
            self._process.kill()
            for stream in (self._process.stdin, self._process.stdout):
                try:
                    cast(IO[bytes], stream).close()
                except OSError:
                    continue  # what was not sent yet
            self._process.wait()
        self._errors.close()
