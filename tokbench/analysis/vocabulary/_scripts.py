"""Unicode properties Script and Block of characters, from `fontTools.unicodedata`."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

from tokbench._shared.registry import closest
from tokbench.errors import MissingExtraError, TokbenchError

COMMON = "Common"
"""The script of characters shared by scripts: digits, punctuation, spaces, emoji."""
MIXED = "mixed"
_NONE = frozenset({"Zyyy", "Zinh", "Zzzz"})


def load_properties() -> Any:
    """Import the module of Unicode properties.

    Raises MissingExtraError if it is not installed.
    """
    try:
        from fontTools import unicodedata as properties
    except ModuleNotFoundError as error:
        raise MissingExtraError("fonttools", "unicode", "telling the scripts of characters") from error
    return properties


@cache
def script_of_character(character: str) -> str | None:
    """Return the script name of a character; None for Common, Inherited and Unknown.

    >>> script_of_character("ж")
    'Cyrillic'
    """
    properties = load_properties()
    code = properties.script(character)
    return None if code in _NONE else str(properties.script_name(code)).replace("_", " ")


def find_script(name: str) -> str:
    """Return the Unicode name of a script.

    name: its name or four-letter code, in any case.

    Raises TokbenchError, naming the nearest match, for an unknown script.
    """
    known = {code: str(long).replace("_", " ") for code, long in load_properties().Scripts.NAMES.items()}
    spellings = {spelling.casefold(): long for code, long in known.items() for spelling in (code, long)}
    wanted = name.strip().replace("_", " ").casefold()
    if wanted not in spellings:
        near = closest(wanted, sorted(spellings))
        hint = f"did you mean {spellings[near]!r}?" if near else "use a Unicode script name or code: Han, Latin, Cyrl"
        raise TokbenchError(f"no script is called {name!r}", hint)
    return spellings[wanted]


def script_of(text: str) -> str:
    """Return the script of a text: `Common` if it has none, `mixed` if it has several."""
    scripts = {script for script in map(script_of_character, text) if script is not None}
    if len(scripts) > 1:
        return MIXED
    return scripts.pop() if scripts else COMMON


@cache
def character_blocks() -> Mapping[str, tuple[str, ...]]:
    """Return the letters of each Unicode block that has any, by block name."""
    properties = load_properties()
    starts = [*properties.Blocks.RANGES, 0x110000]
    blocks = {}
    for name, first, end in zip(properties.Blocks.VALUES, starts, starts[1:], strict=False):
        letters = tuple(chr(c) for c in range(first, end) if unicodedata.category(chr(c)).startswith("L"))
        if letters and name != "No_Block":
            blocks[name] = letters
    return blocks
