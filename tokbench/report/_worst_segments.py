"""Report section on the worst segments: the text, its translation, and how each tokenizer splits it."""

from __future__ import annotations

from collections.abc import Iterator

from tokbench.comparison import Comparison
from tokbench.comparison.worst_segments import Example, Segmentation
from tokbench.corpora import name_language
from tokbench.report._document_model import Piece, Prose, Section, Segmentations, SegmentedText
from tokbench.report._escaping import reveal_bytes


def write_examples(comparison: Comparison) -> list[Section]:
    """Return the worst segments, split by each tokenizer."""
    if not comparison.examples:
        return []
    unknown = any(None in cut.pieces for example in comparison.examples for cut in example.cuts)
    note = Prose(
        (
            "Segments with the most tokens relative to the same text in the reference language; languages take turns. "
            "Colours change at every token. A number after characters says how many tokens share them, where they are "
            "cut inside a character; bytes that are not text are shown as \\xe4."
            + (
                " A token without text of its own, such as the unknown one, is shown as its id: <2>." if unknown else ""
            ),
        )
    )
    cuts = [show_example(example, comparison.corpus.reference) for example in comparison.examples]
    return [Section("examples", "Worst segments", (note, *cuts))]


def show_example(example: Example, reference: str | None) -> Segmentations:
    """Convert a segment and its segmentations."""
    named = "" if reference is None else name_language(reference)
    premium = "" if example.premium is None else f": {example.premium:.2f} times the tokens of {named}"
    return Segmentations(
        f"{name_language(example.lang)}, segment {example.segment}{premium}",
        example.lang,
        tuple(map(show_cut, example.cuts)),
        example.text or "",
        named,
        example.translation or "" if example.lang != reference else "",
    )


def show_cut(cut: Segmentation) -> SegmentedText:
    """Convert the pieces of a segmentation to text."""
    return SegmentedText(cut.tokenizer, cut.tokens, tuple(join_pieces(cut)))


def join_pieces(cut: Segmentation) -> Iterator[Piece]:
    """Yield the tokens of a segmentation; those that share a character are together, since alone they are not text."""
    ids: list[int] = []
    content = b""
    for token, piece in zip(cut.ids, cut.pieces, strict=True):
        if piece is None:
            if ids:
                yield Piece(tuple(ids), reveal_bytes(content))
                ids, content = [], b""
            yield Piece((token,), f"<{token}>")
            continue
        ids.append(token)
        content += bytes.fromhex(piece)
        if not is_cut_short(content):
            yield Piece(tuple(ids), reveal_bytes(content))
            ids, content = [], b""
    if ids and len(cut.ids) == cut.tokens:  # else the rest of the character is not here
        yield Piece(tuple(ids), reveal_bytes(content))


def is_cut_short(content: bytes) -> bool:
    """Return whether bytes are text up to a last character of which more bytes must follow."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False
