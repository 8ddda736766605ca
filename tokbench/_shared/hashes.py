"""Hashes of files: computed once, compared with known ones, else recorded."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tokbench._shared.files import refuse_repeated_keys, replace_file
from tokbench._shared.notes import note_unwritable
from tokbench._shared.pipes import find_kind
from tokbench.errors import TokbenchError


@cache
def _hash(path: str, size: int, changed: int) -> str:
    with Path(path).open("rb") as stream:
        try:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:  # without the name of the file
            raise TokbenchError(f"{path} cannot be read: {error.strerror}", "give another path") from error


def sha256_of(path: Path) -> str:
    """Compute the SHA-256 of a file in hex.

    It is recomputed only if its size or modification time changes. Raises TokbenchError if it opens but cannot be read.
    """
    status = path.stat()
    return _hash(str(path.resolve()), status.st_size, status.st_mtime_ns)


def sha256_of_all(paths: Sequence[Path]) -> str:
    """Compute the SHA-256 of one or more files.

    Of several, it is that of their sorted lines `name sha256`.
    """
    if len(paths) == 1:
        return sha256_of(paths[0])
    lines = sorted(f"{path.name} {sha256_of(path)}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def verify(path: Path, expected: str, remedy: str, name: str | None = None) -> None:
    """Check a file against its known SHA-256.

    Raises TokbenchError with both hashes and `remedy` if they differ.
    name: what the error calls the file if `path` is a temporary name.
    """
    got = sha256_of(path)
    if got != expected:
        raise TokbenchError(f"{name or path} is not the known file: its sha256 is {got}, expected {expected}", remedy)


_RECORDING = threading.Lock()


class Record:
    """Hashes of files that have none in the catalogue, from their first download.

    A JSON file of `{key: {"sha256": ..., "commit": ..., "check": ...}}`, where `check` is a digest of the key and the
    rest of the entry. It is written atomically, so a crash or a second process cannot corrupt it. Because it is a
    record of trust, damage raises TokbenchError; it is never recreated automatically.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            if kind := find_kind(self.path):
                raise self._explain_damage(f"it is {kind}")
            pairs = json.loads(self.path.read_text(encoding="utf-8"), object_pairs_hook=refuse_repeated_keys)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            if not os.access(self.path.parent, os.X_OK):
                note_unwritable(self.path.parent, error)
                return {}
            raise TokbenchError(
                f"{self.path}, the record of downloaded files, cannot be read: {error.strerror}",
                "change its permissions, or set TOKBENCH_CACHE to another",
            ) from error
        except (ValueError, RecursionError) as error:
            raise self._explain_damage(str(error)) from error
        if not isinstance(pairs, dict):
            raise self._explain_damage("it holds no JSON object")
        for key, entry in pairs.items():
            if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
                raise self._explain_damage("an entry without a sha256")
            check = _check_entry(key, entry)
            if entry.get("check", check) != check or not entry.keys() <= {"sha256", "commit", "check"}:
                raise self._explain_damage(f"the entry {key!r} is not as it was written")
        return pairs

    def _explain_damage(self, reason: str) -> TokbenchError:
        return TokbenchError(
            f"{self.path}, the record of downloaded files, is damaged: {reason}",
            "restore it, or delete it to trust the files as they are now",
        )

    def commit(self, key: str) -> str | None:
        """Return the commit from which a file was first downloaded, or None."""
        return self._read().get(key, {}).get("commit")

    def knows(self, key: str, path: Path) -> bool:
        """Return whether the hash of a file is recorded; TokbenchError if it differs."""
        known = self._read().get(key)
        if known is None:
            return False
        verify(path, known["sha256"], f"to accept the new file, delete the entry {key!r} from {self.path}")
        return True

    def hold(self, key: str, path: Path, commit: str | None = None) -> None:
        """Record a file's hash the first time.

        Afterwards raise TokbenchError if the file has changed.
        """
        with _RECORDING:
            self._hold(key, path, commit)

    def _hold(self, key: str, path: Path, commit: str | None) -> None:
        if self.knows(key, path):
            return
        entries = self._read()
        entry = {"sha256": sha256_of(path)} | ({"commit": commit} if commit else {})
        entries[key] = entry | {"check": _check_entry(key, entry)}
        content = json.dumps(entries, indent=1, sort_keys=True) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.path, content.encode())
        except OSError as error:
            note_unwritable(self.path.parent, error)


def _check_entry(key: str, entry: Mapping[str, object]) -> str:
    """Return the digest of a key and its entry (entries of older versions have none)."""
    facts = [key, *sorted((name, value) for name, value in entry.items() if name != "check")]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
