"""Paths as users write them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokbench.errors import TokbenchError


def expand_home(argument: str | Path) -> Path:
    """Return a path with `~` and `~user` replaced; TokbenchError for an unknown user."""
    try:
        return Path(argument).expanduser()
    except RuntimeError as error:
        raise TokbenchError(
            f"{shorten(str(argument))!r} begins with ~, and there is no such home folder",
            "write the full path, or ./~NAME for a file of this name",
        ) from error


@contextmanager
def explain_access() -> Iterator[None]:
    """Turn denied access, or a name that is too long, into a TokbenchError that names the file."""
    try:
        yield
    except PermissionError as error:
        raise TokbenchError(
            f"{error.filename} cannot be read: {error.strerror}", "change its permissions, or give another path"
        ) from error
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise explain_path(error.filename, error) from error


def explain_path(path: str | Path, error: OSError) -> TokbenchError:
    """Build the error for a path that the system refuses, such as one with too long a name."""
    return TokbenchError(f"cannot access {shorten(str(path))!r}: {error.strerror}", "check the path")


def shorten(text: str) -> str:
    """Shorten a long text for an error.

    >>> shorten("a" * 300) == "a" * 60 + "..." + "a" * 17
    True
    """
    return text if len(text) <= 80 else f"{text[:60]}...{text[-17:]}"
