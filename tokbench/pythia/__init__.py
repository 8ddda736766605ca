"""Inference with Pythia.

The suite as data, what its models cost, and the backends that run them.

Everything is loaded on first use, so importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokbench._shared.lazy_names import import_lazily

if TYPE_CHECKING:
    from tokbench.pythia.cost.whatif import WhatIf as WhatIf
    from tokbench.pythia.cost.whatif import what_if as what_if
    from tokbench.pythia.model.architecture import Architecture as Architecture
    from tokbench.pythia.model.memory import estimate_memory as estimate_memory
    from tokbench.pythia.model.memory import weight_bytes as weight_bytes
    from tokbench.pythia.model.models import Model as Model
    from tokbench.pythia.model.models import Revision as Revision
    from tokbench.pythia.model.models import checkpoints as checkpoints
    from tokbench.pythia.model.models import find_checkpoint as find_checkpoint
    from tokbench.pythia.model.models import find_model as find_model
    from tokbench.pythia.model.models import suite as suite
    from tokbench.pythia.model.quantization import Quantization as Quantization
    from tokbench.pythia.model.quantization import find_quantization as find_quantization
    from tokbench.pythia.model.resolution import ModelSpec as ModelSpec
    from tokbench.pythia.model.resolution import resolve_model as resolve_model
    from tokbench.pythia.results.published import published_results as published_results
    from tokbench.pythia.speed.rates import Rates as Rates
    from tokbench.pythia.speed.roofline import Estimate as Estimate
    from tokbench.pythia.speed.roofline import Refusal as Refusal
    from tokbench.pythia.speed.roofline import fit as fit
    from tokbench.pythia.speed.roofline import predict as predict
    from tokbench.pythia.speed.roofline import validate as validate

_NAMES = {
    "cost.whatif": ["WhatIf", "what_if"],
    "model.architecture": ["Architecture"],
    "model.memory": ["estimate_memory", "weight_bytes"],
    "model.models": ["Model", "Revision", "checkpoints", "find_checkpoint", "find_model", "suite"],
    "model.quantization": ["Quantization", "find_quantization"],
    "model.resolution": ["ModelSpec", "resolve_model"],
    "results.published": ["published_results"],
    "speed.rates": ["Rates"],
    "speed.roofline": ["Estimate", "Refusal", "fit", "predict", "validate"],
}

__all__, __getattr__, __dir__ = import_lazily(__name__, _NAMES)
