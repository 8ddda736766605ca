"""The Pythia inference path: the suite as data, what its models cost, and the backends that run them.

Everything is loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokbench.pythia.architecture import Architecture
    from tokbench.pythia.memory import estimate_memory, weight_bytes
    from tokbench.pythia.models import Model, Revision, checkpoints, find_checkpoint, find_model, suite
    from tokbench.pythia.quantization import Quantization, find_quantization
    from tokbench.pythia.rates import Rates
    from tokbench.pythia.roofline import Estimate, Refusal, fit, predict, validate
    from tokbench.pythia.whatif import WhatIf, what_if

_PLACES = {
    "Architecture": "architecture",
    "Estimate": "roofline",
    "Model": "models",
    "Quantization": "quantization",
    "Rates": "rates",
    "Refusal": "roofline",
    "Revision": "models",
    "WhatIf": "whatif",
    "checkpoints": "models",
    "estimate_memory": "memory",
    "find_checkpoint": "models",
    "find_model": "models",
    "find_quantization": "quantization",
    "fit": "roofline",
    "predict": "roofline",
    "suite": "models",
    "validate": "roofline",
    "weight_bytes": "memory",
    "what_if": "whatif",
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
    """Import a public name when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module 'tokbench.pythia' has no attribute {name!r}")
    return getattr(import_module(f"tokbench.pythia.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
