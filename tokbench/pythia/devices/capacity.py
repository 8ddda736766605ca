"""Compute how many texts fit into a device's memory at once."""

from __future__ import annotations

from dataclasses import dataclass

from tokbench.errors import TokbenchError
from tokbench.pythia.devices.speeds import KV_BYTES, USABLE_SHARE
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import kv_cache_bytes
from tokbench.pythia.model.memory import weight_bytes
from tokbench.pythia.model.quantization import Quantization


@dataclass(frozen=True)
class Capacity:
    """How a device's memory is divided, in bytes.

    usable: without the share kept for the driver and for activations.
    per_sequence: cache of one text that fills `context`, and its row of 32-bit logits.
    """

    context: int
    usable: int
    weights: int
    per_sequence: int

    @property
    def batch(self) -> int:
        """Return the largest number of texts that fit at once; 0 if the weights alone do not, or no text."""
        return max(self.usable - self.weights, 0) // self.per_sequence

    @property
    def fits(self) -> bool:
        """Return whether the weights fit."""
        return self.weights <= self.usable


def find_capacity(
    memory: float,
    architecture: Architecture,
    quantization: Quantization,
    context: int,
    *,
    kv_bytes_per_value: int = KV_BYTES,
) -> Capacity:
    """Compute how many texts of `context` tokens fit into `memory` bytes beside the weights.

    Raises TokbenchError for a context below 1 or beyond the model's.
    """
    if not 1 <= context <= architecture.context:
        raise TokbenchError(f"a context of {context:,} tokens", f"the model's holds 1 to {architecture.context:,}")
    return Capacity(
        context=context,
        usable=int(USABLE_SHARE * memory),
        weights=weight_bytes(architecture, quantization),
        per_sequence=kv_cache_bytes(architecture, context, kv_bytes_per_value) + 4 * architecture.vocab_rows,
    )
