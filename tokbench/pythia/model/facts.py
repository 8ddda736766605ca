"""Everything known about a model of the suite, in one list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokbench.pythia.model.arithmetic import (
    decode_flops,
    flops_per_token,
    kv_cache_bytes,
    logits_share,
    non_embedding_parameters,
    parameters,
    training_flops,
)
from tokbench.pythia.model.models import Model, revisions


def gather_facts(model: Model) -> Mapping[str, Any]:
    """Collect everything known about a model, in display order; FLOPs are per token."""
    shape = model.architecture
    saved = [step for step in revisions() if step.step >= model.first_step]
    first, last = saved[0], saved[-1]
    return {
        "name": model.name,
        "hub_id": model.hub_id,
        "old_name": model.old_name,
        "licence": model.licence,
        "corpus": model.corpus,
        "equivalents": list(model.equivalents),
        "parameters": parameters(shape),
        "non_embedding": non_embedding_parameters(shape),
        "layers": shape.layers,
        "width": shape.width,
        "heads": shape.heads,
        "head_width": shape.head_width,
        "rotary_width": shape.rotary_width,
        "mlp_width": shape.mlp_width,
        "context": shape.context,
        "vocabulary": model.vocabulary,
        "vocab_rows": shape.vocab_rows,
        "vocab_multiple": model.vocab_multiple,
        "batch_tokens": model.batch_tokens,
        "batch_tokens_v0": model.batch_tokens_v0,
        "learning_rate": model.learning_rate,
        "checkpoints": len(saved),
        "first_checkpoint": first.name,
        "last_checkpoint": last.name,
        "tokens_seen": last.tokens_seen,
        "training_flops": training_flops(shape, last.tokens_seen, shape.context),
        "flops_per_token_scoring": flops_per_token(shape, shape.context),
        "flops_per_token_decode_first": decode_flops(shape, 1),
        "flops_per_token_decode_full_context": decode_flops(shape, shape.context),
        "logits_share": logits_share(shape, shape.context),
        "kv_bytes_per_token_16_bit": kv_cache_bytes(shape, 1),
    }
