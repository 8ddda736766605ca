"""Published accuracies beside what the same models cost: FLOPs, memory, seconds, money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import request_flops
from tokbench.pythia.model.memory import estimate_memory
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.resolution import resolve_model
from tokbench.pythia.speed.speeds import Speed

Quantity = Literal["flops", "ram", "seconds", "money"]
QUANTITIES: tuple[Quantity, ...] = ("flops", "ram", "seconds", "money")
HOUR = 3600
COST_SCHEMA = {
    "model": pl.String(),
    "flops": pl.Float64(),
    "ram": pl.Float64(),
    "seconds": pl.Float64(),
    "money": pl.Float64(),
}


@dataclass(frozen=True)
class Request:
    """What costs are those of: one text read and continued.

    quantization: the type of the weights, which memory depends on; published accuracies are those of 16-bit weights.
    price_per_hour: of the machine, in `currency`.
    """

    prompt_tokens: int = 128
    new_tokens: int = 64
    quantization: str = "float16"
    price_per_hour: float | None = None
    currency: str | None = None

    def __post_init__(self) -> None:
        find_quantization(self.quantization)
        if min(self.prompt_tokens, self.new_tokens) < 1:
            raise TokbenchError("a request reads and writes at least one token", "use larger numbers")


def weigh_models(
    models: list[str], request: Request, speed_of: Callable[[Architecture], Speed] | None = None
) -> tuple[pl.DataFrame, Speed | None]:
    """Return what a request costs on each model, and the last speed used, for its note.

    speed_of: gives seconds, and with the price per hour money; without it both are null.

    Columns: model, flops, ram (bytes of weights and cache, without the backend's own), seconds, money. A model whose
    shape is not known has no row. Raises TokbenchError for a price without seconds, and for a request that is longer
    than a model's context.
    """
    if request.price_per_hour is not None and speed_of is None:
        raise TokbenchError("a price per hour needs seconds", "give timings as well")
    kind = find_quantization(request.quantization)
    tokens = request.prompt_tokens + request.new_tokens
    rows = []
    speed = None
    for name in models:
        shape = find_shape(name)
        if shape is None:
            continue
        if tokens > shape.context:
            raise TokbenchError(
                f"a request needs {tokens:,} tokens, and the context of {name} holds {shape.context:,}",
                "use smaller numbers (--prompt-tokens, --new-tokens), or other models",
            )
        speed = None if speed_of is None else speed_of(shape)
        seconds = None if speed is None else time_request(speed, request)
        price = request.price_per_hour
        rows.append(
            {
                "model": name,
                "flops": float(request_flops(shape, request.prompt_tokens, request.new_tokens)),
                "ram": float(estimate_memory(shape, kind, tokens=tokens).total),
                "seconds": seconds,
                "money": None if seconds is None or price is None else seconds / HOUR * price,
            }
        )
    return pl.DataFrame(rows, schema=COST_SCHEMA), speed


def find_shape(name: str) -> Architecture | None:
    """Return the shape of a model; None if it is not known."""
    try:
        return resolve_model(name, offline=True).architecture
    except TokbenchError:
        return None


def time_request(speed: Speed, request: Request) -> float:
    """Return the seconds of one request."""
    prompts, new = np.array([request.prompt_tokens]), np.array([request.new_tokens])
    return float(speed.prefill_seconds(prompts)[0] + speed.decode_seconds(prompts, new)[0])


def join_costs(results: pl.DataFrame, costs: pl.DataFrame) -> pl.DataFrame:
    """Return evaluations of models whose costs are known, with the costs."""
    return results.join(costs, on="model", how="inner", maintain_order="left")
