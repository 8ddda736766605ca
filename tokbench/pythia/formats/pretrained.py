"""Open checkpoints whose text matters: random weights are refused."""

from __future__ import annotations

from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import RANDOM, Checkpoint
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import find_architecture


def open_pretrained(argument: str, *, revision: str | None = None, offline: bool = False) -> Checkpoint:
    """Open a checkpoint with trained weights; no weights are made.

    argument: as for `open_checkpoint`, or a name of the suite, which stands for its repository on the hub.

    Raises like `open_checkpoint`, and TokbenchError for random weights.
    """
    from tokbench.pythia.model.models import find_model

    named = find_architecture(argument) is not None
    place = find_model(argument).hub_id if named else argument
    checkpoint = open_checkpoint(place, revision=revision, offline=offline)
    if checkpoint.weights == RANDOM:
        raise TokbenchError(
            f"{checkpoint.name} has random weights: what it predicts says nothing about a model",
            "use trained weights: a folder, a GGUF file or org/name on the hub",
        )
    return checkpoint
