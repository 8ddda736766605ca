"""The trial process: `python -m tokbench.adapters._trial_process`.

It reads requests from standard input (eight bytes of length, then a pickle, as only its own parent writes them), and
answers each with one line: empty if the tokenizer passed, otherwise the reason as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import signal
import sys
from itertools import islice

from tokbench._shared.child import limit_memory, limit_seconds
from tokbench.adapters import Tokenizer, load_on
from tokbench.adapters._failures import is_panic
from tokbench.adapters._hard_texts import common_texts, surround_tokens
from tokbench.adapters._trial import MEMORY, Limits, mark_trial
from tokbench.catalog.sources import Asset
from tokbench.errors import EngineError, TokbenchError

IDLE_SECONDS = 60
"""Seconds without a request after which the process ends."""
_PLAIN = ("a", " ", "0", "the dog")
_REPEATED = tuple(f"{character * 40}!" for character in "a 0")
"""Texts on which a pattern that repeats a repetition takes for ever, or more steps than its library allows."""
_RUN = 1000
_RESERVED = 2000


def run(asset: Asset, module: str) -> str | None:
    """Load and use a tokenizer; return why it fails, None if it passes or the parent is to report it."""
    try:
        tokenizer = load_on(asset, importlib.import_module(module))
        runs = [piece * (_RUN // len(piece)) for piece in ("a", " ", "\n", "0", "(", "中", "ab", "'s")]
        tokenizer.encode_batch(_PLAIN)
        if fault := find_panic(tokenizer):
            return fault
        texts = [*common_texts(), *runs, *islice(surround_tokens(tokenizer.reserved_texts()), _RESERVED)]
        tokenizer.token_table()
        tokenizer.special_tokens()
        tokenizer.decode_batch(tokenizer.encode_batch(texts))
    except EngineError as error:
        if error.text in _PLAIN and is_panic(error.__cause__):  # in this process it would print lines of its own
            return describe_panic(error)
        # A text like it may never occur; what a library prints about a file would be printed twice.
        return None if error.text is not None or error.task.startswith("decode") else error.reason
    except (TokbenchError, ImportError):  # or only the parent finds the module
        return None
    except MemoryError:
        return f"it ran out of memory within {MEMORY >> 30} GiB"
    return None


def find_panic(tokenizer: Tokenizer) -> str | None:
    """Return at which repeated character an engine panics; any other error is that of the text alone."""
    for text in _REPEATED:
        try:
            tokenizer.encode_batch([text])
        except EngineError as error:
            if is_panic(error.__cause__):
                return describe_panic(error)
    return None


def describe_panic(error: EngineError) -> str:
    """Say at which text an engine panics, and why."""
    return f"its engine panics at {error.text!a}: {error.reason}"


def main() -> None:
    """Answer requests until standard input ends."""
    mark_trial()
    limit_memory(MEMORY)
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    alarm = getattr(signal, "alarm", lambda _: None)
    alarm(IDLE_SECONDS)
    while head := source.read(8):
        asset, module, limits = pickle.loads(source.read(int.from_bytes(head, "little")))  # noqa: S301
        assert isinstance(limits, Limits)
        alarm(0)
        limit_seconds(limits.seconds)
        fault = run(asset, module)
        limit_seconds(1 << 20)
        answers.write(b"\n" if fault is None else json.dumps(fault).encode() + b"\n")
        answers.flush()
        alarm(IDLE_SECONDS)


if __name__ == "__main__":
    main()
