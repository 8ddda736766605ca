"""What is counted of texts: only what the chosen metrics read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

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
    rows otherwise.
    """

    words: bool = True
    continued: bool = True
    partial: bool = True
    unknown: bool = True
    unknown_chars: bool = True
    losses: bool = True
    ids: bool = True

    @classmethod
    def of(cls, columns: Collection[str], *, ids: bool) -> Needs:
        """Return what has to be counted if these columns are read.

        ids: whether the frame `ids` is read.

        >>> Needs.of({"tokens", "words"}, ids=False).losses
        False
        """
        return cls(**{field: column in columns for column, field in COLUMNS.items()}, ids=ids)

    @property
    def word_bounds(self) -> bool:
        """Whether the words of texts have to be found."""
        return self.words or self.continued

    @property
    def only_tokens(self) -> bool:
        """Whether the number of tokens is all that is wanted of an encoding."""
        return not (self.continued or self.partial or self.unknown or self.unknown_chars or self.losses or self.ids)

    @property
    def decoded(self) -> bool:
        """Whether the bytes of the ids have to be compared with the text."""
        return self.losses or self.continued


EVERYTHING = Needs()
"""All counts."""
