"""The process in which polars reads for streams: `python -m tokbench.corpora._stream_polars_process`.

It reads Parquet, and lines at addresses. Polars panics at some damaged files and aborts the process at others, and its
transfers cannot be stopped, so that they are left to a process that may end.
It answers requests from standard input, a line of JSON each, on standard output. An answer is a sequence of messages:
a letter, the length of the content (8 bytes, little endian), and the content: `F`, rows in Arrow's stream format; `J`,
a value in JSON; `E`, an error as [message, hint]; `.`, the end.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from tokbench._shared.child import limit_seconds
from tokbench.corpora._corpus_spec import is_address
from tokbench.corpora._frames import find_text_column, pick_columns
from tokbench.corpora._text_columns import Layout
from tokbench.errors import TokbenchError

BATCH_ROWS = 8192

SECONDS = 60
"""CPU seconds that an answer may take, beside those for the size of the file."""
SECONDS_PER_MB = 1.0

COMPLETE = "check that the file is complete"

MOST_MESSAGE = 1 << 33
"""Most bytes of a message."""


def main() -> None:
    """Answer requests until standard input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        if "folder" in request:
            os.chdir(request["folder"])
        path = Path(request["file"])
        limit_seconds(SECONDS + SECONDS_PER_MB * (path.stat().st_size / 1e6 if path.is_file() else 1e6))
        try:
            for kind, content in _answer(request):
                _send(kind, content)
        except TokbenchError as error:
            _send(b"E", json.dumps([error.message, error.hint]).encode())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            reason = str(error).partition("\n")[0] or "polars panics"
            message = f"{request['file']} cannot be read: {reason}"
            hint = "check the address and its credentials" if is_address(request["file"]) else COMPLETE
            _send(b"E", json.dumps([message, hint]).encode())
        _send(b".", b"")


def _answer(request: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    match request["task"]:
        case "list":
            yield b"J", json.dumps(_list_files(request["file"])).encode()
        case "choose":
            layout = Layout(request["settings"], request["given"])
            column = find_text_column(layout, _scan(request["file"]).collect_schema())
            yield b"J", json.dumps(column).encode()
        case "count":
            yield b"J", json.dumps(_scan(request["file"]).select(pl.len()).collect().item()).encode()
        case "rows":
            frame = _scan(request["file"])
            columns = pick_columns(Path(request["file"]), frame.collect_schema(), request["columns"])
            yield from _pack(frame.select(columns).slice(request["first"], request["rows"]))
        case "lines":
            if not hasattr(pl, "scan_lines"):
                raise TokbenchError(
                    f"polars {pl.__version__} reads only Parquet at addresses", "install polars 1.38 or newer"
                )
            yield from _pack(pl.scan_lines(request["file"], name="text", glob=False, n_rows=request["most"]))


def _scan(file: str) -> pl.LazyFrame:
    return pl.scan_parquet(file, glob=False)


def _list_files(pattern: str) -> list[str]:
    """Return the files of Parquet that match a pattern of addresses; their footers are read, too."""
    frame = pl.scan_parquet(pattern, include_file_paths="file path")
    return sorted(frame.group_by("file path").len().collect()["file path"].to_list())


def _pack(frame: pl.LazyFrame) -> Iterator[tuple[bytes, bytes]]:
    for batch in frame.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        buffer = io.BytesIO()
        batch.write_ipc_stream(buffer, compression="uncompressed")
        yield b"F", buffer.getvalue()


def _send(kind: bytes, content: bytes) -> None:
    sys.stdout.buffer.write(kind + len(content).to_bytes(8, "little"))
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
