"""The options of all commands, for configuration files and the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["flag", "number", "text", "list"]


@dataclass(frozen=True)
class Option:
    """An option that configuration files and the environment can set.

    name: of the parameter. key: as it is written, without dashes before it. kind: what values are.
    """

    name: str
    key: str
    kind: Kind
    default: Any


OPTIONS: dict[str, dict[str, Option]] = {}
"""The options of each command by their keys; the commands are named as in `model measure`."""
