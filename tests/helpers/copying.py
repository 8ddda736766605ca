"""A GPT-NeoX model that predicts the last token again, except for some that it was not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from helpers.embeddings import draw, write_safetensors
from tokbench.adapters import Tokenizer
from tokbench.analysis.vocabulary._undertrained import classify_rows
from tokbench.pythia.formats.random_weights import describe
from tokbench.pythia.formats.weights import list_shapes
from tokbench.pythia.model.architecture import Architecture


def write_copying_model(folder: Path, tokenizer: Tokenizer, rows: int, width: int = 64) -> list[int]:
    """Write the model, and return the ids that it cannot repeat."""
    import json

    shape = Architecture(layers=1, width=width, heads=2, vocab_rows=rows, context=512)
    classes = classify_rows(tokenizer, rows)
    weak = [int(number) for number in classes.filter(pl.col("class") == "reachable")["id"].to_list()[40:240:50]]
    untrained = [*weak, *classes.filter(pl.col("class") == "padding")["id"]]
    inputs = draw(rows, width, 7)
    outputs = 20 * inputs
    inputs[untrained] *= 0.2
    outputs[untrained] = 0.01 * outputs[untrained] - 5 * outputs.mean(axis=0)
    tensors = {name: np.zeros(size) for name, size in list_shapes(shape).items()}
    for name in tensors:
        if name.endswith("norm.weight"):
            tensors[name] = np.ones(width)
    tensors |= {"gpt_neox.embed_in.weight": inputs, "embed_out.weight": outputs}
    write_safetensors(folder / "model.safetensors", tensors)
    (folder / "config.json").write_text(json.dumps(describe(shape, "float32")), encoding="utf-8")
    return weak
