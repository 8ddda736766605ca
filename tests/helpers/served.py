"""Tokenizers for a worker process: one whose engine may hang or end the process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokbench as tb
from tokbench.report.live import Wanted


def load_treacherous(wanted: Wanted) -> Any:
    """Load `utf8`, which never ends on the text "hang" and ends its process on "crash"; refuse "nobody"."""
    if wanted.argument == "nobody":
        raise tb.TokbenchError("nobody is not available here", "name another")
    return betray(tb.load_tokenizer("utf8", name=wanted.name))


def betray(tokenizer: Any) -> Any:
    """Make a tokenizer never end on the text "hang", and end its process on "crash"."""
    encode_batch = tokenizer.encode_batch

    def encode(texts: Sequence[str]) -> Any:
        if "hang" in texts:
            threading.Event().wait()
        if "crash" in texts:
            os._exit(3)
        return encode_batch(texts)

    tokenizer.encode_batch = encode
    return tokenizer


def load_or_end(wanted: Wanted) -> Any:
    """Load `utf8`, or end the process if another is wanted."""
    if wanted.argument != "utf8":
        os._exit(3)
    return tb.load_tokenizer("utf8")


def load_in_time(wanted: Wanted) -> Any:
    """Load the tokenizer that the argument names, after `FILE:` once that file exists; refuse "nobody"."""
    file, _, name = wanted.argument.rpartition(":")
    while file and not Path(file).exists():
        time.sleep(0.005)
    if name == "nobody":
        raise tb.TokbenchError("nobody is not available here", "name another")
    return betray(tb.load_tokenizer(name, name=wanted.name))
