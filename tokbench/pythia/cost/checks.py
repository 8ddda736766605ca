"""What a computation of costs needs, checked before anything is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.pythia.cost.prices import Prices
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.resolution import resolve_model

if TYPE_CHECKING:
    from tokbench.pythia.speed.rates import Rates

Floats = npt.NDArray[np.float64]

ANALYTIC = "analytic"
"""The backend that runs nothing: it counts, and estimates times if rates are given."""


def default_quantization(backend: str) -> str:
    """Return the type of weights that is used where none is named: int8, or what the backend has instead."""
    from tokbench.pythia.backends import BACKENDS, choose_quantization

    return "int8" if backend == ANALYTIC else choose_quantization(BACKENDS[backend].list_quantizations("cpu"))


def check_seconds(prices: Prices, model: str | None, backend: str, rates: Sequence[Rates] | bool) -> None:
    """Raise TokbenchError for a price per hour where nothing gives seconds.

    rates: whether there are any, to estimate seconds from.
    """
    if prices.per_hour is None:
        return
    if model is None:
        raise TokbenchError("a price per hour needs seconds, and no model is run", "name a model with --model")
    if backend == ANALYTIC and not rates:
        raise TokbenchError(
            "a price per hour needs seconds, and the analytic backend runs nothing",
            "choose a backend (--backend ctranslate2) or --device, or give --timings FILE",
        )


def check_source(backend: str, timings: bool, device: bool) -> None:
    """Raise TokbenchError if more than one thing gives seconds.

    timings, device: whether seconds are estimated from timings, or on a device.
    """
    if (backend != ANALYTIC) + timings + device > 1:
        raise TokbenchError("seconds come from one source", "choose one of --backend, --timings and --device")


def check_run(model: str | None, backend: str, quantization: str | None, *, offline: bool = False) -> None:
    """Raise TokbenchError for an unknown model, backend or type, and for a backend without a model.

    To be called before anything is measured.
    """
    from tokbench.pythia.backends import BACKENDS

    if model is not None:
        resolve_model(model, offline=offline)
    if backend != ANALYTIC:
        BACKENDS[backend]
        if model is None:
            raise TokbenchError(f"--backend {backend} runs a model, and there is none", "name a model with --model")
    if quantization is not None:
        find_quantization(quantization)


def check_requests(
    counted: Mapping[str, tuple[Floats, Floats]], shapes: Mapping[str, Architecture], prices: Prices
) -> None:
    """Raise TokbenchError if a request does not fit the context, or the prompts that the prices are for.

    counted: tokens read and written, by tokenizer. shapes: of the models that are known.
    """
    for name, (read, written) in counted.items():
        if name in shapes:
            check_context(read, written, shapes[name].context)
        if prices.per_token:
            check_prices(read, prices)


def check_context(prompts: Floats, new: Floats, context: int) -> None:
    """Raise TokbenchError if a request needs more tokens than the context holds."""
    longest = np.nanmax(prompts[:1] + new[:1], initial=0.0)
    if longest > context:
        raise TokbenchError(
            f"a request needs {np.ceil(longest):,.0f} tokens including new ones, the context holds {context:,}",
            "read or write less (--prompt-chars, --new-text), leave out the language or tokenizer, or use --model none",
        )


def check_prices(prompts: Floats, prices: Prices) -> None:
    """Raise TokbenchError if a prompt is longer than those that the prices are for."""
    longest = np.nanmax(prompts[:1], initial=0.0)
    if prices.most_tokens is not None and longest > prices.most_tokens:
        raise TokbenchError(
            f"a prompt has {longest:,.0f} tokens, and above {prices.most_tokens:,} another price applies",
            "read less (--prompt-chars), or give --price-in and --price-out",
        )
