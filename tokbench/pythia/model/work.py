"""The work of a prefill or decoding step: FLOPs and bytes moved, for the roofline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import (
    attention_flops,
    decode_flops,
    kv_cache_bytes,
    prefill_flops,
    prompt_attention_flops,
)
from tokbench.pythia.model.memory import weigh
from tokbench.pythia.model.quantization import Quantization

Phase = Literal["prefill", "decode"]
PHASES: tuple[Phase, ...] = ("prefill", "decode")


@dataclass(frozen=True)
class Work:
    """FLOPs in matrices and logits, FLOPs of attention, and bytes moved."""

    matrix_flops: int
    attention_flops: int
    moved_bytes: int

    @property
    def flops(self) -> int:
        """Return all FLOPs."""
        return self.matrix_flops + self.attention_flops

    @property
    def intensity(self) -> float:
        """Return the FLOPs per byte moved."""
        return self.flops / self.moved_bytes


def count_work(
    architecture: Architecture,
    quantization: Quantization,
    phase: Phase,
    *,
    tokens: int,
    batch: int = 1,
    kv_bytes_per_value: int = 2,
) -> Work:
    """Count the work of a prefill, or of one decoding step.

    tokens: S, the prompt length of a prefill, or s, the context of a step.
    batch: B, number of prompts or texts.

    Bytes of a step: layers + unembedding + B rows of the embedding + B KV(s); of a prefill: layers + unembedding + B S
    rows of the embedding + B KV(S). Of experts, those that so many tokens choose (`WeightBytes.layers_read`).

    Raises TokbenchError for counts below 1.
    """
    if tokens < 1 or batch < 1:
        raise TokbenchError(f"no work in {batch} texts of {tokens} tokens", "both numbers must be at least 1")
    weights = weigh(architecture, quantization)
    if phase == "prefill":
        flops, attention = prefill_flops(architecture, tokens), prompt_attention_flops(architecture, tokens)
        rows_read = batch * tokens
    else:
        flops, attention = decode_flops(architecture, tokens), attention_flops(architecture, tokens)
        rows_read = batch
    cache = batch * kv_cache_bytes(architecture, tokens, kv_bytes_per_value)
    return Work(
        matrix_flops=batch * (flops - attention),
        attention_flops=batch * attention,
        moved_bytes=weights.layers_read(rows_read) + weights.unembedding + rows_read * weights.embedding_row + cache,
    )
