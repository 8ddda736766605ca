"""Inference with Pythia.

The suite as data, what its models cost, and the backends that run them.

Everything is loaded on first use, so importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokbench.pythia.cost.whatif import WhatIf, what_if
    from tokbench.pythia.model.architecture import Architecture
    from tokbench.pythia.model.memory import estimate_memory, weight_bytes
    from tokbench.pythia.model.models import Model, Revision, checkpoints, find_checkpoint, find_model, suite
    from tokbench.pythia.model.quantization import Quantization, find_quantization
    from tokbench.pythia.speed.rates import Rates
    from tokbench.pythia.speed.roofline import Estimate, Refusal, fit, predict, validate

_PLACES = {
    "Architecture": "model.architecture",
    "Estimate": "speed.roofline",
    "Model": "model.models",
    "Quantization": "model.quantization",
    "Rates": "speed.rates",
    "Refusal": "speed.roofline",
    "Revision": "model.models",
    "WhatIf": "cost.whatif",
    "checkpoints": "model.models",
    "estimate_memory": "model.memory",
    "find_checkpoint": "model.models",
    "find_model": "model.models",
    "find_quantization": "model.quantization",
    "fit": "speed.roofline",
    "predict": "speed.roofline",
    "suite": "model.models",
    "validate": "speed.roofline",
    "weight_bytes": "model.memory",
    "what_if": "cost.whatif",
}

__all__ = [
    "Architecture",
    "Estimate",
    "Model",
    "Quantization",
    "Rates",
    "Refusal",
    "Revision",
    "WhatIf",
    "checkpoints",
    "estimate_memory",
    "find_checkpoint",
    "find_model",
    "find_quantization",
    "fit",
    "predict",
    "suite",
    "validate",
    "weight_bytes",
    "what_if",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module 'tokbench.pythia' has no attribute {name!r}")
    return getattr(import_module(f"tokbench.pythia.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
