"""What a GGUF file holds: its shape, and its tensors by type, weighed exactly."""

from __future__ import annotations

from typing import Any

from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.model.quantization import QUANTIZATIONS


def gather_file_facts(path: str) -> dict[str, Any]:
    """Collect what a GGUF file says of its model, in display order.

    types: its tensors by type, most bytes first, with the backends that run the type. Raises like `open_checkpoint`.
    """
    checkpoint = open_checkpoint(path)
    shape = checkpoint.architecture
    values = sum(kind.values for kind in checkpoint.types)
    known = {entry.name: entry for entry in QUANTIZATIONS if not entry.historic}
    types = [
        {
            "type": kind.name,
            "runs": known[kind.name].runs if kind.name in known else None,
            "tensors": kind.tensors,
            "values": kind.values,
            "bytes": kind.bytes,
            "bits_per_value": 8 * kind.bytes / kind.values if kind.values else None,
        }
        for kind in checkpoint.types
    ]
    return {
        "name": checkpoint.name,
        "architecture": shape.family,
        "weights": checkpoint.weights,
        "parameters": values,
        "layers": shape.layers,
        "width": shape.width,
        "heads": shape.heads,
        "kv_heads": shape.kv_heads,
        "head_width": shape.head_width,
        "mlp_width": shape.mlp_width,
        "experts": shape.mlp.experts.count if shape.mlp.experts else 0,
        "experts_active": shape.mlp.experts.active if shape.mlp.experts else 0,
        "context": shape.context,
        "vocab_rows": shape.vocab_rows,
        "quantization": checkpoint.stored,
        "weight_bytes": checkpoint.stored_bytes,
        "bits_per_weight": 8 * (checkpoint.stored_bytes or 0) / values if values else 0.0,
        "types": types,
    }
