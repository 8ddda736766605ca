"""Which extras a command needs, given its options: all are checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BACKENDS = ("ctranslate2", "llamacpp", "transformers")
"""Backends that an extra of the same name provides."""

ALWAYS: Mapping[str, str] = {"view": "the local page", "code": "the syntax of code"}
"""Commands that need the extra of the same name, and for what."""

DRAWN = frozenset({"card", "compare", "model load-test", "report", "sweep"})
"""Commands whose pages have charts."""


def check_needs(command: str, given: Mapping[str, Any]) -> None:
    """Check that the extras which a command needs are installed.

    given: its options by parameter.

    Raises TokbenchError that names all that are missing, and how to install them.
    """
    needs = dict(list_needs(command, given))
    if needs:
        from tokbench._shared.extras import check_extras

        check_extras(needs)


def list_needs(command: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the extras that a command needs, each with what needs it."""
    if command in ALWAYS:
        yield command, ALWAYS[command]
    if command == "card" or (command == "vocab" and not given.get("moved")):
        yield "unicode", "the list of scripts"
    if command == "overlap" and (given.get("by") or given.get("script")):
        yield "unicode", "the scripts of tokens"
    if command == "requests" and given.get("chat_template"):
        yield "chat", "a chat template"
    if command == "cost" and given.get("listed_prices"):
        yield "prices", "a price list"
    if str(given.get("segmenter")) == "icu":
        yield "icu", "the word segmenter icu"
    if is_ray(given.get("executor")):
        yield "ray", "the executor ray"
    for backend in BACKENDS:
        if backend in list_names(given.get("backend")):
            yield backend, f"the backend {backend}"
    yield from list_format_needs(command, given)


def list_format_needs(command: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the extras that the formats of results need, each with what needs it."""
    formats = {str(given.get("output_format")), *(Path(path).suffix[1:].lower() for path in given.get("output") or ())}
    drawn = command in DRAWN or (command == "model results" and given.get("against"))
    if drawn and (formats & {"html", "htm"} or given.get("charts")):
        yield "html", "a report with charts"
    if "xlsx" in formats:
        yield "xlsx", "a spreadsheet"


def is_ray(executor: Any) -> bool:
    """Return whether an executor is a cluster of Ray: named, or by HOST:PORT."""
    from tokbench.executors import is_address

    return executor is not None and (str(executor).partition("://")[0] == "ray" or is_address(str(executor)))


def list_names(value: Any) -> list[str]:
    """Return the names in a value of an option: one, comma-separated or a list."""
    listed = value if isinstance(value, list) else [value or ""]
    return [name.strip() for one in listed for name in str(one).split(",")]
