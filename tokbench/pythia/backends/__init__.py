"""What runs a Pythia model: one module a backend, each with an extra of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from tokbench._shared.registry import Registry
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.model.quantization import find_quantization, require_runnable

Device = Literal["cpu", "cuda"]
Ids = Sequence[int]

END_OF_TEXT = 0
"""The id of `<|endoftext|>` in GPT-NeoX's vocabulary."""


class Runner(Protocol):
    """A model in memory, ready to run on one device with a number of threads."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What the figures depend on besides model and type: compute type, memory-mapping, re-packing, ..."""
        ...

    @property
    def kv_bytes_per_value(self) -> int:
        """Bytes of a number in the cache of keys and values."""
        ...

    def prefill(self, ids: Ids) -> int:
        """Evaluate a prompt without any cache of former ones; the most probable next token but `END_OF_TEXT`."""
        ...

    def logits(self, ids: Ids) -> npt.NDArray[np.float32]:
        """The scores of the next token after each one: (tokens, V_rows), each row up to an added constant."""
        ...

    def score(self, ids: Ids) -> npt.NDArray[np.float32]:
        """The natural logarithm of the probability of each id but the first; TokbenchError where it cannot be had."""
        ...

    def generate(self, ids: Ids, new_tokens: int, batch: int = 1) -> list[list[int]]:
        """Continue `batch` copies of a prompt greedily by exactly `new_tokens` ids each; `END_OF_TEXT` is left out."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...


class Backend(Protocol):
    """A module of this folder, or what an entry point of the group `tokbench.pythia.backends` names."""

    LIBRARIES: tuple[str, ...]
    """The packages whose versions a figure depends on."""

    def list_quantizations(self, device: Device = "cpu") -> tuple[str, ...]:
        """The types of weights that can be run on this device of this machine."""
        ...

    def prepare(self, checkpoint: Checkpoint, quantization: str, device: Device = "cpu") -> Path:
        """The file or folder to load: the checkpoint itself, or its conversion in the cache, made if need be.

        Raises TokbenchError where this backend cannot run the type or the checkpoint, saying why, and
        MissingExtraError where its library is not installed.
        """
        ...

    def load(
        self, path: Path, quantization: str, *, threads: int, context: int, batch: int = 1, device: Device = "cpu"
    ) -> Runner:
        """Load what `prepare` gave, for at most `batch` sequences at once of `context` tokens each."""
        ...


BACKENDS: Registry[Backend] = Registry("tokbench.pythia.backends", "backend")


def run(
    checkpoint: Checkpoint,
    backend: str,
    quantization: str,
    *,
    threads: int,
    context: int | None = None,
    batch: int = 1,
    device: Device = "cpu",
) -> Runner:
    """A checkpoint in memory: `prepare` and `load` of the backend of this name; by default with the model's context."""
    found = BACKENDS[backend]
    path = found.prepare(checkpoint, quantization, device)
    length = context or checkpoint.architecture.context
    return found.load(path, quantization, threads=threads, context=length, batch=batch, device=device)


def check_quantization(backend: str, quantization: str, supported: Sequence[str], reason: str) -> None:
    """TokbenchError where a type is not among those supported: its history if it has one, else the `reason`."""
    if quantization in supported:
        return
    require_runnable(find_quantization(quantization))
    raise TokbenchError(f"{backend} cannot run {quantization}: {reason}", f"it runs {', '.join(supported)}")


def check_format(backend: str, checkpoint: Checkpoint, readable: Sequence[str]) -> None:
    """TokbenchError where the checkpoint lies in a format that a backend neither reads nor converts."""
    if checkpoint.format not in readable:
        message = f"{checkpoint.path}: {backend} does not run a checkpoint in the format {checkpoint.format}"
        raise TokbenchError(message, f"it takes: {', '.join(readable)}")


def check_length(ids: Ids, new_tokens: int, context: int, rows: int | None = None) -> None:
    """TokbenchError where a prompt is empty, or too long to leave room, or has an id that the model lacks."""
    if not ids:
        raise TokbenchError("the prompt is empty", "give at least one token")
    if len(ids) + new_tokens > context:
        message = f"{len(ids)} tokens and {new_tokens} new ones are more than the context of {context}"
        raise TokbenchError(message, "shorten the prompt")
    if rows is not None and not 0 <= min(ids) <= max(ids) < rows:
        raise TokbenchError(f"the ids {min(ids)} to {max(ids)} are not all below {rows}", "use the model's tokenizer")
