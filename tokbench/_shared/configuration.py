"""Configuration files: `tokbench.toml`, or `[tool.tokbench]` in pyproject.toml, and one of the user.

```toml
corpus = "flores200/dev"          # general: for all commands that have the option
languages = ["en", "th"]
cache = "../cache"                # folders are relative to the file
tokenizers = ["models"]

[sets]                            # used as @mine
mine = ["llama3", "o200k_base"]

[compare]                         # one command
resamples = 200

[model.measure]
threads = 4
```
"""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokbench._shared.paths import expand_home, shorten
from tokbench.errors import TokbenchError

FILE = "tokbench.toml"
PYPROJECT = "pyproject.toml"
VARIABLE = "TOKBENCH_CONFIG"
"""Names the only file to read; `none` for no file."""

SETS = "sets"
LARGEST = 1_000_000
"""Bytes of a file that are read."""

MOST_PARTS = 100
"""Parts of a dotted key, each a table; one with more is refused before it is parsed."""

DEEPEST = 8
"""Tables within tables that are looked into; no known key has so many."""


@dataclass(frozen=True)
class Setting:
    """A value of a file, and where it is: `FILE: KEY`."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Configuration:
    """What the configuration files say.

    settings: by key, as in `corpus` and `compare.corpus`; values are as TOML has them.
    sets: names of tokenizers by the name of their set, without the @. set_origins: where each set is.
    folders: the folder of the file that each setting is from, by key.
    files: the files read, the strongest first.
    """

    settings: Mapping[str, Setting] = field(default_factory=dict)
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    set_origins: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


def load_configuration() -> Configuration:
    """Read the file of the project, nearest upwards from the working directory, then that of the user.

    The first that has a key decides. Raises TokbenchError for a damaged file and a wrong set.
    """
    settings: dict[str, Setting] = {}
    sets: dict[str, tuple[str, ...]] = {}
    origins: dict[str, str] = {}
    folders: dict[str, Path] = {}
    files = []
    for path, table, prefix in _read_files():
        files.append(path)
        for name, members in _read_sets(table.get(SETS, {}), f"{path}: {prefix}{SETS}").items():
            if name not in sets:
                sets[name], origins[name] = members, f"{path}: {prefix}{SETS}.{name}"
        rest = {key: value for key, value in table.items() if key != SETS}
        for key, value in _flatten(rest):
            if key not in settings:
                settings[key], folders[key] = Setting(value, f"{path}: {prefix}{key}"), path.parent
    return Configuration(settings, sets, origins, folders, tuple(files))


def find_user_file() -> Path:
    """Return where the user's own file is, if there is one."""
    from platformdirs import user_config_path

    return user_config_path("tokbench", appauthor=False) / FILE


def _read_files() -> Iterator[tuple[Path, dict[str, Any], str]]:
    """Yield each file with its table and the prefix of its keys."""
    named = os.environ.get(VARIABLE)
    if named == "none":
        return
    if named:
        path = expand_home(named)
        if not path.exists():
            raise TokbenchError(f"{VARIABLE} is {shorten(named)!r}, and there is no such file", "name a file, or none")
        yield from _read(path)
        return
    user = find_user_file()
    for path in _list_candidates():
        project = list(_read(path)) if path != user and is_readable_file(path) else []
        yield from project
        if project:
            break
    if is_readable_file(user):
        yield from _read(user)


def is_readable_file(path: Path) -> bool:
    """Return whether there is a file here; not if a folder above may not be searched."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def _list_candidates() -> Iterator[Path]:
    """Yield where the file of the project may be, nearest first."""
    try:
        folder = Path.cwd()
    except FileNotFoundError:  # it was deleted
        return
    for parent in (folder, *folder.parents):
        yield parent / FILE
        yield parent / PYPROJECT


def _read(path: Path) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """Yield the table of a file and the prefix of its keys; nothing for a pyproject.toml that has none of tokbench."""
    import tomllib

    from tokbench._shared.pipes import refuse_special

    refuse_special(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
        if path.name == PYPROJECT and b"tokbench" not in content:
            return
        if len(content) > LARGEST:
            raise TokbenchError(f"{path} is larger than {LARGEST:,} bytes", "remove what is no configuration")
        if has_deep_key(content):  # the library takes a time that grows with the square of the parts
            raise TokbenchError(f"{path}: a key has more than {MOST_PARTS} parts", "remove it")
        document = tomllib.loads(content.decode())
    except OSError as error:
        raise TokbenchError(f"cannot read {path}: {error.strerror}", "change its permissions") from error
    except UnicodeDecodeError as error:
        raise TokbenchError(f"{path} is damaged: byte {error.start} is not UTF-8", "save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise TokbenchError(f"{path} is damaged: {error!s:.200}", "correct the TOML") from error
    if path.name != PYPROJECT:
        yield path, document, ""
        return
    tool = document.get("tool")
    table = tool.get("tokbench") if isinstance(tool, dict) else None
    if isinstance(table, dict):
        yield path, table, "tool.tokbench."
    elif table is not None:
        raise TokbenchError(f"{path}: tool.tokbench is {shorten_value(table)}", "use a table: [tool.tokbench]")


def has_deep_key(content: bytes) -> bool:
    """Return whether a TOML document may have a key of more than `MOST_PARTS` parts."""
    lines = (line for line in content.translate(None, b" \t\r").split(b"\n") if not line.startswith(b"#"))
    parts = (part for line in lines for part in re.split(rb"[=,\[\]{}]", line))
    return any(part.count(b".") >= MOST_PARTS for part in parts)


def _flatten(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield all values with the keys that lead to them; an empty table, and one too deep to be known, are values."""
    waiting: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), table)]
    while waiting:
        before, inner = waiting.pop()
        for key, value in inner.items():
            if isinstance(value, dict) and value and len(before) < DEEPEST:
                waiting.append(((*before, key), value))
            else:
                yield ".".join((*before, key)), value


def shorten_value(value: Any) -> str:
    """Write a value of a file for an error, however large or deep it is."""
    return reprlib.repr(value)


def _read_sets(table: Any, where: str) -> dict[str, tuple[str, ...]]:
    """Check the sets of tokenizers; TokbenchError for anything but lists of names."""
    if not isinstance(table, dict):
        raise TokbenchError(
            f"{where} is {shorten_value(table)}", 'use a table of lists, as in mine = ["llama3", "o200k_base"]'
        )
    for name, members in table.items():
        if not isinstance(members, list) or not members or not all(isinstance(one, str) and one for one in members):
            raise TokbenchError(f"{where}.{name} is {shorten_value(members)}", 'use a list of names, as in ["llama3"]')
    return {name.removeprefix("@"): tuple(members) for name, members in table.items()}
