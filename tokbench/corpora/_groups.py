"""Texts that are not parallel: groups under labels, cut into segments that keep their line ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, document_frame, text_series
from tokbench.corpora._utf8 import ends_in_cr
from tokbench.errors import TokbenchError

SPLITS = {
    "lines": "a line with its line end; blank lines belong to the line before",
    "documents": "a paragraph with the blank lines after it",
    "none": "the whole text",
}
"""Meaning of each value of the option `split`: what a segment is."""


def choose_split(options: Mapping[str, str], default: str) -> str:
    """Return the option `split`, or a default; TokbenchError for an unknown value."""
    said = options.get("split", default)
    if said not in SPLITS:
        raise TokbenchError(f"split={said} is unknown", f"known: {', '.join(SPLITS)}")
    return said


def split_text(text: str, split: str, end: str | None = None) -> list[str]:
    """Cut a text into segments, as `SPLITS` says, whose concatenation is the text.

    Blank lines at the beginning belong to the first segment. An empty text has no segment.
    end: how lines end, LF or CR; by default as most lines of the text do.
    """
    if split == "none" or not text:
        return [text] if text else []
    segments: list[list[str]] = [[]]
    filled = after_blank = False  # of the last segment; of the last line
    for line in _keep_ends(text, end):
        if not line.strip():
            after_blank = True
        else:
            if filled and (split == "lines" or after_blank):
                segments.append([])
            filled, after_blank = True, False
        segments[-1].append(line)
    return ["".join(segment) for segment in segments]


def _keep_ends(text: str, end: str | None) -> Iterator[str]:
    """Yield the lines of a text with their ends: LF, or CR if the lines end in CR alone."""
    end = end or ("\r" if ends_in_cr(text) else "\n")
    start = 0
    while (at := text.find(end, start)) >= 0:
        stop = at + 2 if end == "\r" and text[at + 1 : at + 2] == "\n" else at + 1
        yield text[start:stop]
        start = stop
    if start < len(text):
        yield text[start:]


def collect_groups(
    path: Path,
    name: str,
    groups: Mapping[str, tuple[Sequence[str | None], str, int | None]],
    languages: Sequence[str] | None,
    left_out: Sequence[LeftOut] = (),
    documents: Mapping[str, Sequence[str | None]] | None = None,
) -> RawCorpus:
    """Build a corpus of groups from (texts, origin, byte order marks) by label.

    documents: the document of each segment by label; those of the chosen groups follow each other in the corpus.
    Raises TokbenchError for an unknown label.
    """
    chosen = choose_languages(list(groups), languages, str(path))
    columns = [(label, *groups[label]) for label in chosen]
    return RawCorpus(
        name=name,
        columns=[LanguageText(label, text_series(texts), origin, bom) for label, texts, origin, bom in columns],
        documents=None
        if documents is None
        else document_frame([name for label in chosen for name in documents[label]]),
        left_out=left_out,
        aligned=False,
    )


def split_all(texts: Iterable[str | None], split: str) -> list[str | None]:
    """Cut each text into segments; a missing text stays one segment."""
    return [segment for text in texts for segment in ([text] if text is None else split_text(text, split))]
