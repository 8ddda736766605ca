"""Hashes of files: computed once, held against the known ones, remembered where none is known."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tokbench.errors import TokbenchError


@cache
def _hash(path: str, size: int, changed: int) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hex; computed again only when its size or time of change differ."""
    status = path.stat()
    return _hash(str(path.resolve()), status.st_size, status.st_mtime_ns)


def sha256_of_all(paths: Sequence[Path]) -> str:
    """The SHA-256 of one file; of several, that of the sorted lines `name sha256` of all of them."""
    if len(paths) == 1:
        return sha256_of(paths[0])
    lines = sorted(f"{path.name} {sha256_of(path)}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def verify(path: Path, expected: str, remedy: str, name: str | None = None) -> None:
    """Hold a file against its known SHA-256; TokbenchError with both hashes and the remedy where they differ.

    `name` is what the error calls the file, where it lies under a temporary name.
    """
    got = sha256_of(path)
    if got != expected:
        raise TokbenchError(f"{name or path} is not the known file: its sha256 is {got}, expected {expected}", remedy)


def make_temporary(target: Path) -> Path:
    """An empty file beside `target`, to be written and then renamed to it; TokbenchError where that cannot be."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    except OSError as error:
        raise TokbenchError(
            f"the cache folder {target.parent} cannot be written: {error.strerror}", "set TOKBENCH_CACHE to another"
        ) from error
    os.close(handle)
    return Path(name)


_RECORDING = threading.Lock()


class Record:
    """The hashes of files that the catalogue knows none for, as they were when first downloaded.

    A JSON file of `{key: {"sha256": ..., "commit": ...}}`; it is written atomically, so that a crash or a second
    process leaves it whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise TokbenchError(
                f"{self.path}, the record of downloaded files, is damaged: {error}", "delete it to begin a new one"
            ) from error
        well_formed = isinstance(content, dict) and all(
            isinstance(value, dict) and isinstance(value.get("sha256"), str) for value in content.values()
        )
        if not well_formed:
            raise TokbenchError(
                f"{self.path}, the record of downloaded files, is damaged: an entry without a sha256",
                "delete it to begin a new one",
            )
        return dict(content)

    def commit(self, key: str) -> str | None:
        """The commit from which a file was first downloaded, or None."""
        return self._read().get(key, {}).get("commit")

    def hold(self, key: str, path: Path, commit: str | None = None) -> None:
        """Record a file's hash the first time; from then on TokbenchError where the file is another one."""
        with _RECORDING:
            self._hold(key, path, commit)

    def _hold(self, key: str, path: Path, commit: str | None) -> None:
        known = self._read().get(key)
        if known is not None:
            remedy = f"to accept the new file, delete the entry {key!r} from {self.path}"
            verify(path, known["sha256"], remedy)
            return
        facts = {"sha256": sha256_of(path)} | ({"commit": commit} if commit else {})
        part = make_temporary(self.path)
        part.write_text(json.dumps({**self._read(), key: facts}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        part.replace(self.path)
