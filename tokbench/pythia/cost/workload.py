"""The requests that a corpus makes, with each segment as prompt.

Tokens, FLOPs, seconds, cache, money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.metrics.resampling import number_clusters
from tokbench.pythia.cost.prices import Prices
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import kv_cache_bytes, request_flops
from tokbench.pythia.speed.speeds import Speed

Tokens = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
NewTokens = int | Literal["same"]

UNITS: Mapping[str, str] = {
    "tokens": "tokens",
    "new_tokens": "tokens",
    "flops": "FLOP",
    "prefill_seconds": "s",
    "decode_seconds": "s",
    "seconds": "s",
    "kv_bytes": "B",
    "money": "money",
}
"""Quantities of a request and their units; money is in the currency of the given prices."""


@dataclass(frozen=True)
class Request:
    """How each segment is used: as a prompt that is continued.

    new_tokens: number of new tokens, or "same" for as many as the prompt has.
    """

    new_tokens: NewTokens = 64

    def count_new(self, prompts: Tokens) -> Tokens:
        """Count the new tokens after each prompt; none after an empty one."""
        if self.new_tokens == "same":
            return prompts
        return np.where(prompts > 0, self.new_tokens, 0).astype(np.int64)


def count_requests(
    prompts: Tokens, architecture: Architecture | None, request: Request, speed: Speed | None, prices: Prices
) -> dict[str, Floats]:
    """Compute the quantities of each request.

    Without an architecture there are tokens and money only. Seconds, and money per hour, need a speed. Raises
    TokbenchError if a prompt with its new tokens does not fit the context.
    """
    new = request.count_new(prompts)
    quantities: dict[str, Floats] = {"tokens": prompts.astype(np.float64), "new_tokens": new.astype(np.float64)}
    if architecture is not None:
        longest = int((prompts + new).max(initial=0))
        if longest > architecture.context:
            raise TokbenchError(
                f"a segment needs {longest} tokens including new ones, the context holds {architecture.context}",
                "generate fewer new tokens, leave out the language or tokenizer, or use --model none for money alone",
            )
        quantities["flops"] = look_up(partial(request_flops, architecture), prompts, new)
        cached = (prompts + np.maximum(new - 1, 0)) * kv_cache_bytes(architecture, 1)
        quantities["kv_bytes"] = np.asarray(cached, np.float64)
    if speed is not None:
        quantities["prefill_seconds"] = speed.prefill_seconds(prompts)
        quantities["decode_seconds"] = speed.decode_seconds(prompts, new)
        quantities["seconds"] = quantities["prefill_seconds"] + quantities["decode_seconds"]
    if prices.per_token:
        quantities["money"] = prices.price_tokens(quantities["tokens"], quantities["new_tokens"])
    elif prices.per_hour is not None and speed is not None:
        quantities["money"] = quantities["seconds"] * (prices.per_hour / 3600)
    return quantities


def look_up(count: Callable[[int, int], int], prompts: Tokens, new: Tokens) -> Floats:
    """Compute a count per prompt and its new tokens, each distinct pair once.

    0 for an empty prompt.
    """
    pairs, inverse = np.unique(np.stack([prompts, new], axis=1), axis=0, return_inverse=True)
    values = np.array([count(int(s), int(n)) if s else 0 for s, n in pairs], np.float64)
    return values[inverse.reshape(-1)]


@dataclass(frozen=True)
class Workload:
    """The segments of a corpus.

    chars: characters per segment, by language.
    tokens: tokens per segment, by tokenizer and language.
    documents: number of each segment's document; None if the corpus names none.
    """

    languages: tuple[str, ...]
    tokenizers: tuple[str, ...]
    chars: Mapping[str, Floats]
    tokens: Mapping[tuple[str, str], Tokens]
    documents: Tokens | None

    @classmethod
    def read(cls, measurements: Measurements, languages: tuple[str, ...], tokenizers: tuple[str, ...]) -> Workload:
        """Read the counts of measurements; TokbenchError if they are not known by segment."""
        if measurements.pooled:
            raise TokbenchError(
                "costs need the length of each segment, and these counts are sums over several",
                "compare with by_segment=True, or use fewer texts",
            )
        texts = measurements.texts.sort("lang", "segment").partition_by("lang", as_dict=True)
        counts = measurements.counts.sort("tokenizer", "lang", "segment")
        cells = counts.partition_by("tokenizer", "lang", as_dict=True)
        return cls(
            languages,
            tokenizers,
            {str(lang): frame["chars"].to_numpy().astype(np.float64) for (lang,), frame in texts.items()},
            {(str(t), str(lang)): frame["tokens"].to_numpy().astype(np.int64) for (t, lang), frame in cells.items()},
            number_clusters(measurements.documents, counts["segment"].unique().sort()),
        )

    def of(self, tokenizer: str) -> list[Tokens]:
        """Return a tokenizer's tokens per segment, one array per language."""
        return [self.tokens[tokenizer, lang] for lang in self.languages]

    def total(self, tokenizer: str) -> int:
        """Return the total tokens of a tokenizer."""
        return int(sum(tokens.sum() for tokens in self.of(tokenizer)))
