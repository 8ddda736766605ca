"""Tokenizers for a worker process: one whose engine may hang or end the process."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

import tokbench as tb


def load_treacherous() -> tuple[list[Any], list[str]]:
    """Load `utf8`, which never ends on the text "hang" and ends its process on "crash"."""
    tokenizer = tb.load_tokenizer("utf8")
    encode_batch = tokenizer.encode_batch

    def encode(texts: Sequence[str]) -> Any:
        if "hang" in texts:
            threading.Event().wait()
        if "crash" in texts:
            os._exit(3)
        return encode_batch(texts)

    tokenizer.encode_batch = encode  # type: ignore[method-assign]
    return [tokenizer], ["nobody"]


def end_at_once() -> tuple[list[Any], list[str]]:
    """End the process."""
    os._exit(3)
