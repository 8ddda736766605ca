"""The process of a function: `python -m tokbench._shared.function_process module:name`.

It reads lines with a JSON array of texts, calls the function once for each line, and answers with the rows that it
returned, or with an object that names its fault. A function that raises ends the process. Nothing heavy is imported.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any


def main(name: str) -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the function prints is no answer
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as for `python -m`
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    function: Callable[[list[str]], Any] = reduce(getattr, path.split("."), found)
    for line in sys.stdin.buffer:
        answers.write(describe(function(json.loads(line))) + b"\n")
        answers.flush()


def describe(result: object) -> bytes:
    r"""Return rows of ids as JSON, or the fault of something else.

    >>> describe([[1, 2], []]), describe(None)
    (b'[[1, 2], []]', b'{"fault": "it returns NoneType, not a sequence with the ids of each text"}')
    """
    rows = list_rows(result)
    if rows is None:
        fault = f"it returns {type(result).__name__}, not a sequence with the ids of each text"
        return json.dumps({"fault": fault}).encode()
    try:
        return json.dumps(rows, default=lambda item: item.item()).encode()
    except (TypeError, ValueError, AttributeError):
        kinds = sorted({type(row).__name__ for row in rows})
        return json.dumps({"fault": f"its rows are {', '.join(kinds)}, not integers"}).encode()


def list_rows(result: object) -> list[Any] | None:
    """Return the rows of a sequence, an array or an `EncodedBatch`; None for anything else."""
    is_rows = isinstance(result, Sequence) and not isinstance(result, str | bytes)
    if not is_rows and not hasattr(result, "tolist") and not hasattr(result, "offsets"):
        return None
    assert isinstance(result, Iterable)
    return [row.tolist() if hasattr(row, "tolist") else row for row in result]


if __name__ == "__main__":
    main(sys.argv[1])
