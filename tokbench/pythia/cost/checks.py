"""What a computation of costs needs, checked before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokbench.errors import TokbenchError
from tokbench.pythia.cost.prices import Prices
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.resolution import resolve_model

if TYPE_CHECKING:
    from tokbench.pythia.speed.rates import Rates

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
