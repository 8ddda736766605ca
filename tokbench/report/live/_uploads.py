"""Tokenizer files opened on the page: kept in a temporary folder while they are used."""

from __future__ import annotations

import shutil
import tempfile
import threading
from itertools import count
from pathlib import Path, PurePosixPath, PureWindowsPath

from tokbench._shared.quantities import write_count
from tokbench._shared.visible_text import reveal
from tokbench.errors import TokbenchError
from tokbench.report.live._listing import Listed, Wanted

MOST_BYTES = 64 << 20
"""Maximum size of one file: the largest tokenizer.json in use has 35 MB."""

MOST_TOTAL = 256 << 20
"""Maximum size of all files kept at a time."""

_LONGEST = 80


class Uploads:
    """Files opened on the page, each in a folder of its own inside one that `close` removes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._number = 0
        self._kept: dict[str, tuple[Path, int]] = {}

    def keep(self, name: str, content: bytes) -> Wanted:
        """Store a file; return it as a tokenizer to load, under a name of its own.

        Raises TokbenchError if it is empty, too large, or if too much is kept.
        """
        if not content:
            raise TokbenchError("the file is empty", "choose a tokenizer.json or another tokenizer file")
        with self._lock:
            if len(content) > MOST_BYTES:
                raise TokbenchError(f"the file is larger than {MOST_BYTES >> 20} MiB", "give its path to tokbench view")
            if sum(size for _, size in self._kept.values()) + len(content) > MOST_TOTAL:
                kept = write_count(len(self._kept), "file")
                raise TokbenchError(f"{kept} opened here have {MOST_TOTAL >> 20} MiB together", "remove some")
            label = first = label_file(name)
            for number in count(2):
                if label not in self._kept:
                    break
                label = f"{first} ({number})"
            try:
                path = self._write(content)
            except OSError as error:
                raise TokbenchError(
                    f"the file cannot be kept: {error.strerror}", "make room, or give its path to tokbench view"
                ) from error
            self._kept[label] = path.parent, len(content)
        return Wanted(label, str(path), upload=True)

    def _write(self, content: bytes) -> Path:
        """Write a file into a new folder; OSError, leaving nothing, if that fails."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="tokbench-view-"))
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir(mode=0o700, parents=True)  # the outer one, too, if the system has removed it meanwhile
        try:
            path = folder / "tokenizer.json"  # formats are recognised by content
            path.write_bytes(content)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return path

    def note(self, listed: Listed) -> None:
        """Remove the file of a tokenizer that could not be loaded."""
        if listed.upload and listed.state == "failed":
            self.discard(listed.name)

    def discard(self, name: str) -> None:
        """Remove a file, if there is one of this name."""
        with self._lock:
            folder, _ = self._kept.pop(name, (None, 0))
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)  # `close` tries again

    def close(self) -> None:
        """Remove all files."""
        with self._lock:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
            self._kept.clear()


def label_file(name: str) -> str:
    r"""Return the label of a file: its name without folders, marked as opened here.

    >>> label_file("C:\\models\\mine.json"), label_file("../tokenizer.json"), label_file("\x1b")
    ('file: mine.json', 'file: tokenizer.json', 'file: \\x1b')
    """
    base = PurePosixPath(PureWindowsPath(name).name).name
    visible = reveal(base.encode(errors="replace").decode()).strip() or "unnamed"
    return f"file: {visible if len(visible) <= _LONGEST else visible[: _LONGEST - 1] + '…'}"
