"""Characters by the Unicode properties Script and Block, as `fontTools.unicodedata` has them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

from tokbench._shared.registry import closest
from tokbench.errors import MissingExtraError, TokbenchError

COMMON = "Common"
"""The script of text whose characters belong to no one script: digits, punctuation, spaces, emoji."""
MIXED = "mixed"
_NONE = frozenset({"Zyyy", "Zinh", "Zzzz"})


def load_properties() -> Any:
    """The module of Unicode properties; MissingExtraError where it is not installed."""
    try:
        from fontTools import unicodedata as properties
    except ModuleNotFoundError as error:
        raise MissingExtraError("fonttools", "unicode", "telling the scripts of characters") from error
    return properties


@cache
def script_of_character(character: str) -> str | None:
    """The name of the script of a character, None where it is Common, Inherited or Unknown.

    >>> script_of_character("ж")
    'Cyrillic'
    """
    properties = load_properties()
    code = properties.script(character)
    return None if code in _NONE else str(properties.script_name(code)).replace("_", " ")


def find_script(name: str) -> str:
    """The Unicode name of a script that is given by its name or its four-letter code; case does not count.

    TokbenchError for an unknown one, with the nearest name.
    """
    known = {code: str(long).replace("_", " ") for code, long in load_properties().Scripts.NAMES.items()}
    spellings = {spelling.casefold(): long for code, long in known.items() for spelling in (code, long)}
    wanted = name.strip().replace("_", " ").casefold()
    if wanted not in spellings:
        near = closest(wanted, sorted(spellings))
        hint = f"did you mean {spellings[near]!r}?" if near else "give a name or code of Unicode: Han, Latin, Cyrl"
        raise TokbenchError(f"no script is called {name!r}", hint)
    return spellings[wanted]


def script_of(text: str) -> str:
    """The one script of a text, `Common` where it has none, `mixed` where it has several."""
    scripts = {script for script in map(script_of_character, text) if script is not None}
    if len(scripts) > 1:
        return MIXED
    return scripts.pop() if scripts else COMMON


@cache
def character_blocks() -> Mapping[str, tuple[str, ...]]:
    """The letters of each Unicode block that has any, by the names of the blocks."""
    properties = load_properties()
    starts = [*properties.Blocks.RANGES, 0x110000]
    blocks = {}
    for name, first, end in zip(properties.Blocks.VALUES, starts, starts[1:], strict=False):
        letters = tuple(chr(c) for c in range(first, end) if unicodedata.category(chr(c)).startswith("L"))
        if letters and name != "No_Block":
            blocks[name] = letters
    return blocks
