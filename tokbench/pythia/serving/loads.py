"""What users ask of a model: prompts and answers of given lengths, or of a corpus's languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokbench.adapters import Tokenizer
from tokbench.corpora import Corpus
from tokbench.errors import TokbenchError

LEAST_ANSWER = 2
"""Tokens of the shortest answer: one gap between tokens."""


@dataclass(frozen=True)
class Load:
    """A request: tokens of the prompt and of the answer; `lang` if they are those of a language."""

    prompt: int
    new_tokens: int
    lang: str | None = None

    @property
    def tokens(self) -> int:
        """Return the tokens in the cache at the end of a request."""
        return self.prompt + self.new_tokens


def read_loads(corpus: Corpus, tokenizer: Tokenizer) -> tuple[Load, ...]:
    """Return one request per language: a segment of mean length is read, and as much text written.

    Means are over all segments, rounded up; an answer has at least `LEAST_ANSWER` tokens.
    """
    loads = []
    for lang in corpus.languages:
        counts = tokenizer.count_batch(corpus.texts(lang))
        mean = -(-int(counts.sum()) // len(counts))
        loads.append(Load(max(mean, 1), max(mean, LEAST_ANSWER), lang))
    return tuple(loads)


def check_loads(loads: Sequence[Load], context: int) -> None:
    """Raise TokbenchError if a request does not fit a context."""
    for load in loads:
        if load.tokens > context:
            of = f" of {load.lang}" if load.lang else ""
            message = f"a request{of} needs {load.tokens:,} tokens, and the context holds {context:,}"
            raise TokbenchError(message, "shorten the prompts or the answers")
