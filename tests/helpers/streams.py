"""Small streams, and digests of what is counted in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tokbench.corpora import Stream, open_stream
from tokbench.measurement import Measurements

WORDS = ("the", "quick", "fox", "\u00fcber", "\u4e2d\u6587", "x1", "1234", "na\u00efve", "end.")


def write_stream(folder: Path, files: int = 6, lines: int = 40) -> Stream:
    """Write text files whose names are their groups, two files of each."""
    for number in range(files):
        below = folder / f"part{number:02}"
        below.mkdir(parents=True)
        texts = (" ".join(WORDS[(number + line * k) % len(WORDS)] for k in range(9)) for line in range(lines))
        (below / f"{'ab'[number % 2]}.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    return open_stream(f"{folder}/*/*.txt:format=text,group=file")


def digest(measurements: Measurements) -> str:
    """Return the hash of all counts."""
    frames = vars(measurements.with_names_as_text())
    return hashlib.sha256(
        repr([(dict(frames[name].schema), frames[name].rows()) for name in sorted(frames)]).encode()
    ).hexdigest()
