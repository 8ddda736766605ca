"""The requests that a corpus makes, each segment a prompt: tokens, FLOPs, seconds, cache, money."""

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
"""What is counted of a request, and its unit; money is in the unit of the price that was given."""


@dataclass(frozen=True)
class Price:
    """What is paid: per hour of the machine, or per million tokens read and written. One of the two."""

    per_hour: float | None = None
    per_mtok: float | None = None

    def __post_init__(self) -> None:
        if self.per_hour is not None and self.per_mtok is not None:
            raise TokbenchError("both a price per hour and one per million tokens were given", "give one")
        for price in (self.per_hour, self.per_mtok):
            if price is not None and price < 0:
                raise TokbenchError(f"the price {price} is below 0", "give one that is not")


@dataclass(frozen=True)
class Request:
    """How each segment is used: as a prompt, continued by `new_tokens`, or by as many as the prompt has ("same")."""

    new_tokens: NewTokens = 64

    def count_new(self, prompts: Tokens) -> Tokens:
        """New tokens after each prompt; none after an empty one."""
        if self.new_tokens == "same":
            return prompts
        return np.where(prompts > 0, self.new_tokens, 0).astype(np.int64)


def count_requests(
    prompts: Tokens, architecture: Architecture, request: Request, speed: Speed | None, price: Price
) -> dict[str, Floats]:
    """The quantities of each request; seconds, and money per hour, only where a speed is known.

    Raises TokbenchError where a prompt with its new tokens does not fit the context.
    """
    new = request.count_new(prompts)
    longest = int((prompts + new).max(initial=0))
    if longest > architecture.context:
        raise TokbenchError(
            f"a segment needs {longest} tokens with what is generated, the context holds {architecture.context}",
            "ask for fewer new tokens, or leave the language or tokenizer out",
        )
    quantities: dict[str, Floats] = {
        "tokens": prompts.astype(np.float64),
        "new_tokens": new.astype(np.float64),
        "flops": look_up(partial(request_flops, architecture), prompts, new),
        "kv_bytes": np.asarray((prompts + np.maximum(new - 1, 0)) * kv_cache_bytes(architecture, 1), np.float64),
    }
    if speed is not None:
        quantities["prefill_seconds"] = speed.prefill_seconds(prompts)
        quantities["decode_seconds"] = speed.decode_seconds(prompts, new)
        quantities["seconds"] = quantities["prefill_seconds"] + quantities["decode_seconds"]
    if price.per_mtok is not None:
        quantities["money"] = (prompts + new).astype(np.float64) * (price.per_mtok / 1e6)
    elif price.per_hour is not None and speed is not None:
        quantities["money"] = quantities["seconds"] * (price.per_hour / 3600)
    return quantities


def look_up(count: Callable[[int, int], int], prompts: Tokens, new: Tokens) -> Floats:
    """A count for each prompt and its new tokens, each pair of numbers computed once; 0 for an empty prompt."""
    pairs, inverse = np.unique(np.stack([prompts, new], axis=1), axis=0, return_inverse=True)
    values = np.array([count(int(s), int(n)) if s else 0 for s, n in pairs], np.float64)
    return values[inverse.reshape(-1)]


@dataclass(frozen=True)
class Workload:
    """The segments of a corpus: characters by language, tokens by tokenizer and language, all of one length.

    documents: the number of each segment's document, None where the corpus names none.
    """

    languages: tuple[str, ...]
    tokenizers: tuple[str, ...]
    chars: Mapping[str, Floats]
    tokens: Mapping[tuple[str, str], Tokens]
    documents: Tokens | None

    @classmethod
    def read(cls, measurements: Measurements, languages: tuple[str, ...], tokenizers: tuple[str, ...]) -> Workload:
        """The counts of a measurement."""
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
        """The tokens of each segment by a tokenizer, one array a language."""
        return [self.tokens[tokenizer, lang] for lang in self.languages]

    def total(self, tokenizer: str) -> int:
        """All tokens by a tokenizer."""
        return int(sum(tokens.sum() for tokens in self.of(tokenizer)))
