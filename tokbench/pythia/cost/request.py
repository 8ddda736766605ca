"""The request whose cost is computed: so much text read, so much written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError

Floats = npt.NDArray[np.float64]
NewTokens = int | Literal["same"]


@dataclass(frozen=True)
class Request:
    """A request: a prompt that is read, and an answer that is written.

    Text is measured in characters of the reference language. The parallel corpus carries it to each language, and the
    counts of each tokenizer to tokens, so that every language and tokenizer has the same text.

    prompt_chars: characters read; None for those of the corpus' mean segment.
    new_text: characters written; None for as many as are read.
    new_tokens: written instead of text: a number of tokens, which is more text in some languages and tokenizers than in
        others; `same` is the default, as much text as is read.

    Raises TokbenchError for an amount below 1, and for an answer in both characters and tokens.
    """

    prompt_chars: float | None = None
    new_text: float | None = None
    new_tokens: NewTokens | None = None

    def __post_init__(self) -> None:
        for name, amount in (("prompt_chars", self.prompt_chars), ("new_text", self.new_text)):
            if amount is not None and not (math.isfinite(amount) and amount >= 1):
                raise TokbenchError(f"{name} is {amount}", "use at least 1")
        if isinstance(self.new_tokens, int) and self.new_tokens < 1:
            raise TokbenchError(f"new_tokens is {self.new_tokens}", "use at least 1, or 'same'")
        if self.new_text is not None and self.new_tokens is not None:
            raise TokbenchError("an answer is in characters or in tokens", "give new_text or new_tokens, not both")

    def count(self, chars: Floats, rates: Floats) -> tuple[Floats, Floats]:
        """Return the tokens read and written, on average: fractions of tokens included.

        chars: characters read, by language.
        rates: tokens per character of the reference language, (..., languages).
        """
        prompts = chars * rates
        if isinstance(self.new_tokens, int):
            written = np.where(prompts > 0, float(self.new_tokens), np.where(np.isnan(prompts), np.nan, 0.0))
        elif self.new_text is None:
            written = prompts
        else:
            written = self.new_text * rates
        return prompts, written

    def sign(self) -> str:
        """Return the request for a signature."""
        read = "mean" if self.prompt_chars is None else f"{self.prompt_chars:.12g}"
        if isinstance(self.new_tokens, int):
            return f"read:{read}|new:{self.new_tokens}"
        return f"read:{read}|write:{'same' if self.new_text is None else f'{self.new_text:.12g}'}"
