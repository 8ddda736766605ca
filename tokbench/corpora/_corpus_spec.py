"""Corpus arguments: a path or address and its options, and which of them mean a stream."""

from __future__ import annotations

import re
from glob import has_magic
from pathlib import Path

from tokbench.corpora._storage import exists
from tokbench.errors import TokbenchError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_address(path: str) -> bool:
    """Return whether a corpus argument is an address such as `s3://bucket/file`."""
    return _ADDRESS.match(path) is not None


def is_glob(path: str) -> bool:
    """Return whether a path is a pattern of file names, and not a file of that name."""
    return has_magic(path) and not names_file(path)


def names_file(path: str) -> bool:
    """Return whether there is a file or folder of this name; False for a name that no file can have."""
    try:
        return exists(Path(path))
    except OSError:
        return False


def split_location(spec: str | Path) -> tuple[str, dict[str, str]]:
    """Split a corpus argument into (path, options); the name of a file, and a `Path`, has no options."""
    return (str(spec), {}) if isinstance(spec, Path) or names_file(spec) else split_spec(spec)


def asks_for_stream(spec: object) -> bool:
    """Return whether a corpus argument can only be read as a stream: an address, a glob, or `stream=yes`."""
    if not isinstance(spec, str):
        return False
    path, options = split_location(spec)
    return options.get("stream") == "yes" or is_address(path) or is_glob(path)


def refuse_stream(spec: object) -> None:
    """Raise TokbenchError for a corpus argument that can only be read as a stream, with the commands that read one."""
    if asks_for_stream(spec):
        raise TokbenchError(
            f"{str(spec)[:80]!r} is read as a stream, which only compare, plan and corpus can use",
            "give a file or a folder",
        )


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Split a corpus argument into (path, options).

    Options follow the last colon if there is an = after it.
    """
    path, colon, tail = spec.rpartition(":")
    drive = len(path) == 1 and tail.startswith(("\\", "/"))
    in_address = is_address(spec) and "/" in tail.partition("=")[0]
    if not colon or "=" not in tail or drive or in_address:
        return spec, {}
    options: dict[str, str] = {}
    for pair in tail.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value):
            raise TokbenchError(f"{pair!r} in the corpus {spec!r} is not key=value", "write PATH:key=value,key=value")
        if key in options:
            raise TokbenchError(f"the corpus {spec!r} gives {key} twice", "give each option once")
        options[key] = value
    return path, options
