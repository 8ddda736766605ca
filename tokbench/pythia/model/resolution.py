"""Resolve what `--model` names to a model's shape."""

from __future__ import annotations

from dataclasses import dataclass

from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.models import find_model


@dataclass(frozen=True)
class ModelSpec:
    """What costs need to know of a model.

    name: as shown in tables.
    vocabulary: tokens of its own tokenizer; None if unknown.
    vocab_multiple: what its embedding is padded to a multiple of when the vocabulary changes.
    tokenizer: catalogue name of its own tokenizer, the baseline of what-ifs; None if unknown.
    """

    name: str
    architecture: Architecture
    vocabulary: int | None
    vocab_multiple: int
    tokenizer: str | None


def resolve_model(name: str, *, offline: bool = False) -> ModelSpec:
    """Return the shape of the model that `name` names.

    Raises TokbenchError, naming the nearest match, for an unknown name.
    """
    model = find_model(name)
    return ModelSpec(model.name, model.architecture, model.vocabulary, model.vocab_multiple, "gpt-neox-20b")
