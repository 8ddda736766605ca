"""The process of a function: `python -m tokbench.adapters.selection._function_process module:name`.

It reads lines with a JSON array of texts, calls the function once for each line, and answers with the rows that it
returned, or with an object that names its fault. A function that raises ends the process.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from tokbench.adapters import EncodedBatch


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
    """Return rows of ids as JSON, or the fault of something else."""
    if not isinstance(result, EncodedBatch | Sequence | np.ndarray) or isinstance(result, str | bytes):
        fault = f"it returns {type(result).__name__}, not a sequence with the ids of each text"
        return json.dumps({"fault": fault}).encode()
    rows = [row.tolist() if isinstance(row, np.ndarray | np.generic) else row for row in result]
    try:
        return json.dumps(rows, default=lambda item: item.item()).encode()
    except (TypeError, ValueError, AttributeError):
        kinds = sorted({type(row).__name__ for row in rows})
        return json.dumps({"fault": f"its rows are {', '.join(kinds)}, not integers"}).encode()


if __name__ == "__main__":
    main(sys.argv[1])
