"""Windows: how a text longer than a model's context is split for it, so that each token is predicted once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tokbench.errors import TokbenchError
from tokbench.pythia.backends import Ids
from tokbench.pythia.formats.special_ids import GPT_NEOX, SpecialIds


class Splitting(Protocol):
    """A way to split a text into windows; `str` names it in signatures."""

    @property
    def bos(self) -> bool:
        """Return whether texts start with the model's prefix."""
        ...

    @property
    def longest(self) -> int:
        """Return the ids of the longest window, its last one included."""
        ...

    def split(self, ids: Ids) -> Iterator[tuple[list[int], int]]:
        """Yield each window's ids, and how many of its last ids it predicts."""
        ...


@dataclass(frozen=True)
class Windows:
    """Windows that overlap by a fixed number of tokens.

    window: maximum tokens per window.
    stride: tokens between the starts of windows.
    bos: start each text with the prefix of `special`, as in training; otherwise the model does not predict the first
        token of a text, which counts as one of V_rows equally likely ones.
    """

    window: int
    stride: int
    bos: bool = True
    special: SpecialIds = GPT_NEOX

    def __post_init__(self) -> None:
        if not 1 <= self.stride < self.window:
            raise TokbenchError(
                f"a stride of {self.stride} with a window of {self.window}",
                "the stride must be at least 1 and below the window",
            )

    def __str__(self) -> str:
        bos = self.special.name if self.bos else "none"
        return f"win:{self.window}|stride:{self.stride}|bos:{bos}"

    @property
    def longest(self) -> int:
        """Return the ids of the longest window."""
        return self.window

    def split(self, ids: Ids) -> Iterator[tuple[list[int], int]]:
        """Yield each window's ids, and how many of its last ids no earlier window contains."""
        sequence = [self.special.prefix, *ids] if self.bos else list(ids)
        done = 1  # the first of the sequence is given
        for begin in range(0, len(sequence), self.stride):
            if done >= len(sequence):
                break
            end = min(begin + self.window, len(sequence))
            yield sequence[begin:end], end - done
            done = end


@dataclass(frozen=True)
class HarnessWindows:
    """The windows of the LM Evaluation Harness (`loglikelihood_rolling`).

    Windows do not overlap, except that the last one is moved back to full length. Texts start with the prefix of
    `special`. What the tokenizer's files add to every text is predicted like the text itself, as the harness does: a
    LLaMA model reads its beginning of a text twice.

    max_length: M, tokens that the model reads per window, as `max_length` of the harness; each window has M + 1 ids,
        because the last one is predicted and not read.
    """

    max_length: int
    special: SpecialIds = GPT_NEOX

    def __post_init__(self) -> None:
        if self.max_length < 1:
            raise TokbenchError(f"windows of {self.max_length} tokens", "the length must be at least 1")

    def __str__(self) -> str:
        added = "".join(f"+{number}" for number in self.special.before)
        end = f"|eos:{'+'.join(map(str, self.special.after))}" if self.special.after else ""
        return f"win:harness|max_length:{self.max_length}|bos:{self.special.name}{added}{end}"

    @property
    def bos(self) -> bool:
        """Return that texts start with the model's prefix."""
        return True

    @property
    def longest(self) -> int:
        """Return the ids of a full window."""
        return self.max_length + 1

    def split(self, ids: Ids) -> Iterator[tuple[list[int], int]]:
        """Yield each window's ids, and how many of its last ids no earlier window predicts."""
        text = self.special.wrap(ids)
        sequence = [self.special.prefix, *text]
        for done in range(0, len(text), self.max_length):
            new = min(self.max_length, len(text) - done)
            end = 1 + done + new
            yield sequence[max(0, end - self.longest) : end], new
