"""Tokenizer files opened on the page: kept in a temporary folder while they are used."""

from __future__ import annotations

import shutil
import tempfile
import threading
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
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="tokbench-view-"))
            self._number += 1
            label = label_file(name)
            label = label if label not in self._kept else f"{label} ({self._number})"
            folder = self._folder / str(self._number)
            folder.mkdir(mode=0o700)
            self._kept[label] = folder, len(content)
            path = folder / "tokenizer.json"  # formats are recognised by content
            path.write_bytes(content)
        return Wanted(label, str(path), upload=True)

    def note(self, listed: Listed) -> None:
        """Remove the file of a tokenizer that could not be loaded."""
        if listed.upload and listed.state == "failed":
            self.discard(listed.name)

    def discard(self, name: str) -> None:
        """Remove a file, if there is one of this name."""
        with self._lock:
            folder, _ = self._kept.pop(name, (None, 0))
            if folder is not None:
                shutil.rmtree(folder)

    def close(self) -> None:
        """Remove all files."""
        with self._lock:
            if self._folder is not None:
                shutil.rmtree(self._folder)
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
