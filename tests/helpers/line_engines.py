"""Engines that the tests run as programs and functions: sound ones, and each way to fail."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def encode(texts: Sequence[str]) -> list[list[int]]:
    """UTF-8 bytes."""
    return [list(text.encode()) for text in texts]


def encode_arrays(texts: Sequence[str]) -> list[np.ndarray]:
    import numpy as np  # here, since the programs start faster without it

    return [np.frombuffer(text.encode(), np.uint8) for text in texts]


def fold(texts: Sequence[str]) -> list[list[int]]:
    """Another id for one letter."""
    return encode([text.replace("\u00e9", "e") for text in texts])


def drop_last(texts: Sequence[str]) -> list[list[int]]:
    return encode(texts)[:-1]


def leave_range(texts: Sequence[str]) -> list[list[int]]:
    return [[*ids, 256] for ids in encode(texts)]


def give_floats(texts: Sequence[str]) -> list[list[float]]:
    return [[float(number) for number in ids] for ids in encode(texts)]


def give_none(texts: Sequence[str]) -> None:
    return None


def give_sets(texts: Sequence[str]) -> list[set[int]]:
    return [set(ids) for ids in encode(texts)]


def look_up(texts: Sequence[str]) -> list[list[int]]:
    return [{"known": [1]}[text] for text in texts]


def chat(texts: Sequence[str]) -> list[list[int]]:
    """What it prints is no answer."""
    print("[1, 2, 3]")  # noqa: T201
    return encode(texts)


def abort(texts: Sequence[str]) -> list[list[int]]:
    os.abort()


def answer(line: str) -> str:
    return json.dumps(encode([json.loads(line)])[0])


WAYS: dict[str, Callable[[str], str]] = {
    "sound": answer,
    "garbage": lambda line: "not JSON",
    "object": lambda line: '{"ids": [1]}',
    "strings": lambda line: '["1"]',
    "nested": lambda line: "[[1]]",
    "floats": lambda line: "[1.0]",
    "huge": lambda line: f"[{10**30}]",
    "outside": lambda line: "[999999]",
    "twice": lambda line: f"{answer(line)}\n{answer(line)}",
    "empty": lambda line: "",
    "deep": lambda line: "[" * 100_000,
    "control": lambda line: "\x1b[31m red",
}


def serve(way: str) -> None:
    """Answer lines in a way; the others die, wait or answer too little."""
    if way == "mute":
        for _ in sys.stdin:
            pass
        return
    if way == "stuck":
        time.sleep(600)
    for number, line in enumerate(sys.stdin):
        if way == "dies" and number == 3:
            print("out of cheese", file=sys.stderr)  # noqa: T201
            sys.exit(3)
        sys.stdout.write(f"{WAYS.get(way, answer)(line)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
