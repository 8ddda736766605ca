"""What evaluations need of a backend beyond speed: scores of continuations, and generation that may end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, Device, Ids, Runner
from tokbench.pythia.formats.checkpoint import Checkpoint


@dataclass(frozen=True, eq=False)
class ScoredEnd:
    """The last ids of a sequence under a model.

    log_probs: natural log probability of each id, given all before it.
    greedy: whether each is the most probable id at its position.
    """

    log_probs: npt.NDArray[np.float32]
    greedy: npt.NDArray[np.bool_]


@runtime_checkable
class EvaluationRunner(Runner, Protocol):
    """A runner that evaluations can use; those of the built-in backends are."""

    def score_end(self, ids: Ids, count: int) -> ScoredEnd:
        """Score the last `count` ids; the ids before them, at least one, are only read.

        The last id is not read, so that `context` + 1 ids fit.
        """
        ...

    def complete(self, ids: Ids, most: int, ends: Ids) -> list[int]:
        """Continue greedily by at most `most` ids, up to the first of `ends`, which is not returned."""
        ...


@runtime_checkable
class ExactBackend(Protocol):
    """A backend that rounds on the way unless it is told not to."""

    def load_exact(
        self, path: Path, quantization: str, *, threads: int, context: int, device: Device = "cpu"
    ) -> Runner:
        """Load the result of `prepare` for one sequence, keeping intermediate values in float32."""
        ...


def run_exactly(
    checkpoint: Checkpoint, backend: str, quantization: str, *, threads: int, context: int, device: Device = "cpu"
) -> Runner:
    """Load a checkpoint as `run` does, but for probabilities rather than for speed."""
    found = BACKENDS[backend]
    path = found.prepare(checkpoint, quantization, device)
    load = found.load_exact if isinstance(found, ExactBackend) else found.load
    return load(path, quantization, threads=threads, context=context, device=device)


def require_evaluation(runner: Runner, backend: str) -> EvaluationRunner:
    """Return the runner as one for evaluations; TokbenchError if its backend cannot do that."""
    if isinstance(runner, EvaluationRunner):
        return runner
    raise TokbenchError(f"the backend {backend} cannot be evaluated", "use ctranslate2, llamacpp or transformers")


def score_end_of_logits(logits: npt.NDArray[np.float32], ids: Ids) -> ScoredEnd:
    """Score ids by the logits before each: (ids, V_rows). Damaged weights give scores that are not finite."""
    rows = np.arange(len(ids))
    chosen = np.asarray(ids, np.intp)
    with np.errstate(over="ignore", invalid="ignore"):
        shifted = logits - logits.max(-1, keepdims=True)
        totals = np.log(np.exp(shifted).sum(-1, dtype=np.float64))
    log_probs = (shifted[rows, chosen] - totals).astype(np.float32)
    return ScoredEnd(log_probs, logits.argmax(-1) == chosen)


def cut_at_end(ids: Ids, ends: Ids) -> list[int]:
    """Return the ids before the first that ends a text."""
    return list(ids[: next((place for place, number in enumerate(ids) if number in ends), len(ids))])


def check_end(ids: Ids, count: int) -> None:
    """Raise TokbenchError unless `count` ids follow at least one other."""
    if not 1 <= count < len(ids):
        raise TokbenchError(f"{count} of {len(ids)} ids cannot be scored", "at least one id must be before them")
