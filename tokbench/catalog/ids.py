"""Ids and ranks in vocabulary files: their bounds, and checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokbench.errors import TokbenchError

MOST_IDS = 1 << 24
"""Size of the largest id space: histograms of ids hold no more, and tables have one row per id."""

LARGEST_FILE = 1 << 30
"""Bytes of the largest vocabulary file that is read into memory; the largest known is 40 MB."""

_SHOWN = 40
_AGAIN = "download the file again"


def show(value: object) -> str:
    """Quote the beginning of a value from a file for an error."""
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


def check_id(value: Any, where: str, *, what: str = "id", least: int = 0) -> int:
    """Return an id or rank; TokbenchError unless it is a whole number below `MOST_IDS`.

    where: the file and the place in it.
    """
    if type(value) is not int:
        raise TokbenchError(f"{where}: the {what} is {show(value)}, not a whole number", _AGAIN)
    if not least <= value < MOST_IDS:
        number = f"{value:,}" if abs(value) < 10**30 else "a number of more than 30 digits"
        raise TokbenchError(
            f"{where}: the {what} is {number}, but ids must be from {least} to {MOST_IDS - 1:,}",
            "number the tokens from 0",
        )
    return value


def parse_id(digits: bytes, where: str, *, what: str = "id") -> int:
    """Parse an id or rank written in ASCII digits; TokbenchError if it is anything else."""
    if not digits.isdigit():
        raise TokbenchError(f"{where}: the {what} is {show(digits.decode(errors='replace'))}, not digits", _AGAIN)
    if len(digits) > 8 and len(digits.lstrip(b"0")) > 8:
        what = f"{what} has {len(digits)} digits" if len(digits) > 30 else f"{what} is {int(digits):,}"
        raise TokbenchError(
            f"{where}: the {what}, but ids must be from 0 to {MOST_IDS - 1:,}", "number the tokens from 0"
        )
    return check_id(int(digits), where, what=what)


def check_text(value: Any, where: str, *, what: str = "token") -> str:
    """Return a text from a file; TokbenchError unless it is a string without lone surrogates."""
    if type(value) is not str:
        raise TokbenchError(f"{where}: the {what} is {show(value)}, not a string", _AGAIN)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TokbenchError(
            f"{where}: the {what} {show(value)} contains a lone surrogate, which is not text", _AGAIN
        ) from None
    return value


def find_double(values: Iterable[Any]) -> Any:
    """Return the first value that occurs a second time; None if all differ."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def check_vocabulary(path: Path, vocab: Mapping[Any, Any]) -> None:
    """Check the tokens and ids of a JSON vocabulary.

    Raises TokbenchError for a token that is not text, an id that is not a whole number or is too high, and two tokens
    with the same id.
    """
    ids = vocab.values()
    if not all(type(number) is int and 0 <= number < MOST_IDS for number in ids):
        for token, number in vocab.items():
            check_id(number, f"{path}, the token {show(token)}")
    if len(set(ids)) < len(vocab):
        double = find_double(ids)
        first, second, *_ = (show(token) for token, number in vocab.items() if number == double)
        raise TokbenchError(f"{path}: the tokens {first} and {second} both have the id {double}", _AGAIN)
    try:
        "".join(vocab).encode()
    except UnicodeEncodeError:
        for token in vocab:
            check_text(token, str(path))


def check_size(path: Path) -> None:
    """Raise TokbenchError for a file that is larger than any vocabulary."""
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise TokbenchError(
            f"{path} is {size / 2**30:.1f} GiB, but vocabularies are at most {LARGEST_FILE >> 30} GiB",
            "give the tokenizer's own file",
        )
