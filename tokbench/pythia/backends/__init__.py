"""Backends that run a model: one module each, with an extra of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
OnToken = Callable[[int], None]
"""Called for each new token with the index of its prompt, as soon as the token is known."""


class UnsupportedCheckpointError(TokbenchError):
    """A backend that runs other checkpoints does not run this one."""


class Runner(Protocol):
    """A model in memory, ready to run on one device with a fixed number of threads."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Return what results depend on besides model and type.

        Compute type, memory mapping, re-packing, ...
        """
        ...

    @property
    def kv_bytes_per_value(self) -> int:
        """Return the bytes per value in the key-value cache."""
        ...

    def prefill(self, ids: Ids) -> int:
        """Evaluate a prompt without using any cached one.

        Returns the most probable next token other than the model's end of text.
        """
        ...

    def logits(self, ids: Ids) -> npt.NDArray[np.float32]:
        """Return next-token scores after each token: (tokens, V_rows).

        Each row is defined up to an additive constant.
        """
        ...

    def score(self, ids: Ids) -> npt.NDArray[np.float32]:
        """Return the natural log probability of each id except the first.

        Raises TokbenchError if the backend cannot provide it.
        """
        ...

    def generate(self, ids: Ids, new_tokens: int, batch: int = 1, *, reuse: bool = False) -> list[list[int]]:
        """Continue `batch` copies of a prompt greedily by exactly `new_tokens` ids each.

        The model's end of text is never generated. reuse: keep the prompt's keys and values, if the backend can, and
        use those of the last call with the same prompt.
        """
        ...

    def stream(self, prompts: Sequence[Ids], new_tokens: int, on_token: OnToken) -> None:
        """Continue prompts of one length together, greedily, by exactly `new_tokens` ids each, reporting each id.

        `on_token` may be called from several threads, but for one prompt from one at a time.
        """
        ...

    def close(self) -> None:
        """Release the memory."""
        ...


class Backend(Protocol):
    """A backend that runs models.

    A module of this folder, or an entry point in the group `tokbench.pythia.backends`.
    """

    LIBRARIES: tuple[str, ...]
    """Packages whose versions results depend on."""

    def list_quantizations(self, device: Device = "cpu", checkpoint: Checkpoint | None = None) -> tuple[str, ...]:
        """List the weight types that run on this device of this machine.

        checkpoint: list those that `prepare` makes of it, or that it has.

        Raises UnsupportedCheckpointError if this backend does not run the checkpoint in any type.
        """
        ...

    def prepare(self, checkpoint: Checkpoint, quantization: str, device: Device = "cpu") -> Path:
        """Return the file or folder to load.

        That is the checkpoint itself, or its cached conversion.

        The conversion is created if necessary. Raises TokbenchError if this backend cannot run the type or the
        checkpoint, with the reason, and MissingExtraError if its library is not installed.
        """
        ...

    def load(
        self, path: Path, quantization: str, *, threads: int, context: int, batch: int = 1, device: Device = "cpu"
    ) -> Runner:
        """Load the result of `prepare`.

        For at most `batch` sequences of `context` tokens each.
        """
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
    """Load a checkpoint with `prepare` and `load` of the named backend.

    context: in tokens; by default the model's.
    """
    found = BACKENDS[backend]
    path = found.prepare(checkpoint, quantization, device)
    length = context or checkpoint.architecture.context
    return found.load(path, quantization, threads=threads, context=length, batch=batch, device=device)


USUAL_BACKENDS = ("ctranslate2", "llamacpp")
"""Those that are measured where none is named, and that run the checkpoint."""

USUAL_QUANTIZATIONS = ("int8", "q4_0", "float32")


def choose_quantization(supported: Sequence[str]) -> str:
    """Return the type to use where none is named: the first usual one that a backend supports, else its own first.

    >>> choose_quantization(("float32", "int8")), choose_quantization(("q8_0", "q4_0"))
    ('int8', 'q4_0')
    """
    return next((kind for kind in USUAL_QUANTIZATIONS if kind in supported), supported[0])


def choose_backends(names: Sequence[str], checkpoint: Checkpoint, device: Device = "cpu") -> dict[str, tuple[str, ...]]:
    """Return those of the backends that run a checkpoint, each with the types that it runs.

    Raises UnsupportedCheckpointError, with the reason of the first, if none does.
    """
    chosen, refusals = {}, []
    for name in names:
        try:
            chosen[name] = BACKENDS[name].list_quantizations(device, checkpoint)
        except UnsupportedCheckpointError as refusal:
            refusals.append(refusal)
    if not chosen:
        raise refusals[0]
    return chosen


def check_quantization(backend: str, quantization: str, supported: Sequence[str], reason: str) -> None:
    """Raise TokbenchError for an unsupported type.

    With its history, what runs it, or else the `reason`.
    """
    if quantization in supported:
        return
    kind = find_quantization(quantization)
    require_runnable(kind)
    if not set(backend.split(" and ")) & set(kind.backends):
        reason = f"{quantization} is run by {kind.runs}"
    elif kind.source == "file":
        reason = f"it takes {quantization} from a GGUF file of it, which llama-quantize makes"
    raise TokbenchError(f"{backend} cannot run {quantization}: {reason}", f"it runs {', '.join(supported)}")


def check_format(backend: str, checkpoint: Checkpoint, readable: Sequence[str]) -> None:
    """Raise TokbenchError for a format that a backend does not support.

    It neither reads nor converts it.
    """
    if checkpoint.format not in readable:
        message = f"{checkpoint.path}: {backend} does not run a checkpoint in the format {checkpoint.format}"
        raise UnsupportedCheckpointError(message, f"it reads: {', '.join(readable)}")


def check_length(ids: Ids, new_tokens: int, context: int, rows: int | None = None) -> None:
    """Raise TokbenchError for a prompt that cannot be run.

    It is empty, too long, or has ids the model lacks.
    """
    if not ids:
        raise TokbenchError("the prompt is empty", "it needs at least one token")
    if len(ids) + new_tokens > context:
        message = f"{len(ids)} tokens and {new_tokens} new ones are more than the context of {context}"
        raise TokbenchError(message, "shorten the prompt")
    if rows is not None and not 0 <= min(ids) <= max(ids) < rows:
        raise TokbenchError(f"the ids {min(ids)} to {max(ids)} are not all below {rows}", "use the model's tokenizer")
