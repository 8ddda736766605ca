"""Numbers on the command line: one parser for all, with bounds."""

from __future__ import annotations

import re
from typing import Any

import typer

from tokbench.errors import TokbenchError

LARGEST = 2**31 - 1
"""Bound of whole numbers that have no bound of their own."""

MOST_THREADS = 1024
MOST_WORKERS = 65_536
MOST_TEXTS = 65_536
MOST_TOKENS = 2**20
MOST_MONEY = 1_000_000_000
MOST_REQUESTS = 1_000_000_000

_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_DIGITS = 400  # Python refuses to read more than 4,300


def whole_option(*names: str, low: int = 0, high: int = LARGEST, help: str, **settings: Any) -> Any:  # noqa: A002
    """Declare an option for a whole number between two bounds, both included.

    names, settings: as for `typer.Option`; the last name is the one in errors.
    """

    def parse(value: str | int) -> int:
        return parse_whole(names[-1], str(value), low=low, high=high)

    return typer.Option(*names, parser=parse, min=low, help=help, **settings)


def decimal_option(*names: str, low: float = 0.0, high: float, help: str, **settings: Any) -> Any:  # noqa: A002
    """Declare an option for a finite number between two bounds, both included.

    names, settings: as for `typer.Option`; the last name is the one in errors.
    """

    def parse(value: str | float) -> float:
        return parse_decimal(names[-1], str(value), low=low, high=high)

    return typer.Option(*names, parser=parse, min=low, help=help, **settings)


def parse_whole(name: str, text: str, *, low: int = 1, high: int = LARGEST, other: str = "") -> int:
    """Parse a whole number in ASCII digits.

    name: the option, for the error.
    other: what else the option accepts, for the error.
    Raises TokbenchError with the bounds for anything but a number between them.

    >>> parse_whole("--segments", "20")
    20
    """
    stripped = text.strip()
    if len(stripped) <= _DIGITS and _WHOLE.fullmatch(stripped) and low <= int(stripped) <= high:
        return int(stripped)
    raise _refuse(name, text, f"a whole number from {low:,} to {high:,}{other}")


def parse_decimal(name: str, text: str, *, low: float = 0.0, high: float) -> float:
    """Parse a finite number in ASCII digits, such as 0.5 or 2e-3.

    Raises TokbenchError with the bounds for anything but a number between them.
    """
    stripped = text.strip()
    if len(stripped) <= _DIGITS and _DECIMAL.fullmatch(stripped) and low <= float(stripped) <= high:
        return float(stripped)
    raise _refuse(name, text, f"a number from {low:,g} to {high:,.0f}")


def share_option(*names: str, low: float, high: float, help: str, **settings: Any) -> Any:  # noqa: A002
    """Declare an option for a share between two bounds, both included: 1% or 0.01.

    names, settings: as for `typer.Option`; the last name is the one in errors.
    """

    def parse(value: str | float) -> float:
        return parse_share(names[-1], str(value), low=low, high=high)

    return typer.Option(*names, parser=parse, min=low, help=help, **settings)


def parse_share(name: str, text: str, *, low: float, high: float) -> float:
    """Parse a share in per cent or as a number.

    Raises TokbenchError with the bounds for anything but a share between them.

    >>> parse_share("--precision", "0.5%", low=0.0001, high=0.5)
    0.005
    """
    stripped = text.strip()
    digits, percent = stripped.removesuffix("%").rstrip(), stripped.endswith("%")
    if len(digits) <= _DIGITS and _DECIMAL.fullmatch(digits):
        share = float(digits) / 100 if percent else float(digits)
        if low <= share <= high:
            return share
    raise _refuse(name, text, f"a share such as 1% or 0.01, from {100 * low:g}% to {100 * high:g}%")


def split_numbers(name: str, text: str, *, low: int = 1, high: int = LARGEST) -> tuple[int, ...]:
    """Parse comma-separated whole numbers, in their order and without duplicates."""
    return tuple(dict.fromkeys(parse_whole(name, part, low=low, high=high) for part in text.split(",")))


def _refuse(name: str, text: str, accepted: str) -> TokbenchError:
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    return TokbenchError(f"{name} is {shown!r}", f"use {accepted}")
