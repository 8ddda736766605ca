"""What is counted of texts: only what the chosen metrics read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tokbench.measurement.boundaries import COLUMNS as BOUNDARIES
from tokbench.measurement.boundaries import FAMILIES

COLUMNS = {
    "words": "words",
    "partial_tokens": "partial",
    "unk_tokens": "unknown",
    "unk_chars": "unknown_chars",
    "continued_words": "continued",
    "loss": "losses",
}
"""The field of `Needs` by column of the frames `texts` and `counts`. Columns that are not here are always counted."""


@dataclass(frozen=True)
class Needs:
    """Which counts are wanted. Those that are not are null, as are counts that an engine cannot give.

    words: `texts.words`. continued: `counts.continued_words`. partial: `counts.partial_tokens`. unknown:
    `counts.unk_tokens`. unknown_chars: `counts.unk_chars`. losses: `counts.loss`. ids: the frame `ids`, which has no
    rows otherwise. boundaries: those of `boundaries.COLUMNS` that `counts` has; the others are absent.
    """

    words: bool = True
    continued: bool = True
    partial: bool = True
    unknown: bool = True
    unknown_chars: bool = True
    losses: bool = True
    ids: bool = True
    boundaries: tuple[str, ...] = ()

    @classmethod
    def of(cls, columns: Collection[str], *, ids: bool) -> Needs:
        """Return what has to be counted if these columns are read.

        ids: whether the frame `ids` is read.

        >>> Needs.of({"tokens", "words"}, ids=False).losses
        False
        """
        chosen = {field: column in columns for column, field in COLUMNS.items()}
        split = {column for column in BOUNDARIES if column in columns}
        judged = {"judged_segments"} if split else set()
        return cls(**chosen, ids=ids, boundaries=tuple(name for name in BOUNDARIES if name in split | judged))

    @property
    def word_bounds(self) -> bool:
        """Whether the words of texts have to be found."""
        of_words = {*FAMILIES["words"], *FAMILIES["superwords"]}
        return self.words or self.continued or not of_words.isdisjoint(self.boundaries)

    @property
    def only_tokens(self) -> bool:
        """Whether the number of tokens is all that is wanted of an encoding."""
        counted = self.continued or self.partial or self.unknown or self.unknown_chars or self.losses or self.ids
        return not (counted or self.boundaries)

    @property
    def decoded(self) -> bool:
        """Whether the bytes of the ids have to be compared with the text."""
        return self.losses or self.continued or bool(self.boundaries)


EVERYTHING = Needs()
"""All counts but those of boundaries."""
