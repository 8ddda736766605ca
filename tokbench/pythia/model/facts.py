"""Everything known about a model, in one list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import (
    active_parameters,
    decode_flops,
    flops_per_token,
    kv_cache_bytes,
    logits_share,
    non_embedding_parameters,
    parameters,
    training_flops,
)
from tokbench.pythia.model.layers import list_layers
from tokbench.pythia.model.models import Model, look_up_model, revisions
from tokbench.pythia.model.relatives import look_up_relative, relatives
from tokbench.pythia.model.resolution import ModelSpec


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
        **_gather_costs(shape),
    }


def _gather_costs(shape: Architecture) -> dict[str, Any]:
    return {
        "flops_per_token_scoring": flops_per_token(shape, shape.context),
        "flops_per_token_decode_first": decode_flops(shape, 1),
        "flops_per_token_decode_full_context": decode_flops(shape, shape.context),
        "logits_share": logits_share(shape, shape.context),
        "kv_bytes_per_token_16_bit": kv_cache_bytes(shape, 1),
    }


def gather_spec_facts(spec: ModelSpec) -> Mapping[str, Any]:
    """Collect what is known of any model, in display order; FLOPs are per token.

    That of the suite for its models. Of others, what follows from the shape, and what is published about `relatives`. A
    folder with the name of a known model and another shape is not that model.
    """
    model = look_up_model(spec.name)
    if model is not None and model.architecture == spec.architecture:
        return gather_facts(model)
    shape, relative = spec.architecture, look_up_relative(spec.name)
    experts, latent = shape.mlp.experts, shape.attention.latent
    windows = {group.layer.window: group.count for group in list_layers(shape)}
    published = (
        {}
        if relative is None or relative.architecture != shape
        else {
            "family": relative.family,
            "hub_id": relative.hub_id,
            "published_parameters": relative.published,
            "source": relative.source,
            "looked_up": relative.date,
        }
    )
    return {
        "name": spec.name,
        **published,
        "model_type": shape.family,
        "parameters": parameters(shape),
        "active_parameters": active_parameters(shape),
        "non_embedding": non_embedding_parameters(shape),
        "layers": shape.layers,
        "width": shape.width,
        "heads": shape.heads,
        "kv_heads": None if shape.recurrence or latent else shape.kv_heads,
        "latent_rank": latent.rank if latent else None,
        "head_width": shape.head_width,
        "mlp_width": shape.mlp_width,
        "mlp_matrices": 3 if shape.mlp.gated else 2,
        "experts": experts.count if experts else None,
        "experts_per_token": experts.active if experts else None,
        "windows": [f"{count} layers: {window}" for window, count in windows.items() if window is not None],
        "context": shape.context,
        "tied_embeddings": shape.embeddings.tied,
        "tokenizer": spec.tokenizer,
        "vocabulary": spec.vocabulary,
        "vocab_rows": shape.vocab_rows,
        "vocab_multiple": spec.vocab_multiple,
        **_gather_costs(shape),
        "kv_bytes_full_context_16_bit": kv_cache_bytes(shape, shape.context),
    }


def list_relatives() -> list[dict[str, Any]]:
    """List the models of other families, one row per model, in the order of `relatives`."""
    return [
        {
            "name": relative.name,
            "parameters": parameters(relative.architecture),
            "active": active_parameters(relative.architecture),
            "layers": relative.architecture.layers,
            "width": relative.architecture.width,
            "heads": relative.architecture.heads,
            "kv_heads": None if relative.architecture.recurrence else relative.architecture.kv_heads,
            "vocab_rows": relative.architecture.vocab_rows,
            "context": relative.architecture.context,
            "tokenizer": relative.tokenizer,
            "family": relative.family,
            "hub_id": relative.hub_id,
            "source": relative.source,
            "looked_up": relative.date,
        }
        for relative in relatives()
    ]
