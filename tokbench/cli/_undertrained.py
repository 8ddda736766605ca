"""`tokbench vocab --weights`: its options, and what they run."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tokbench.cli._progress import show_progress
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.adapters import Tokenizer
    from tokbench.analysis.vocabulary import UndertrainedTokens, Verification
    from tokbench.pythia.backends import Backend
    from tokbench.pythia.formats.checkpoint import Checkpoint

VERIFYING = "verifying"


class IndicatorName(StrEnum):
    """Indicator by which rows are ranked."""

    input_norm = "input_norm"
    output_cosine = "output_cosine"
    output_cosine_without_pc = "output_cosine_without_pc"


class ReferenceName(StrEnum):
    """Rows that no text trains."""

    padding = "padding"
    unreachable = "unreachable"
    bytes = "bytes"


@dataclass(frozen=True)
class Verifying:
    """How candidates are verified.

    backend: None if they are not.
    most: candidates prompted.
    """

    backend: str | None
    quantization: str | None
    most: int


def report_undertrained(
    tokenizer: str,
    weights: str,
    verifying: Verifying,
    *,
    revision: str | None,
    indicator: IndicatorName | None,
    reference: ReferenceName | None,
    share: float,
    top: int,
    as_json: bool,
    offline: bool,
) -> None:
    """Print the tokens that a model has hardly been trained on."""
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.vocabulary import Indicator, Reference, find_undertrained
    from tokbench.pythia.formats.embeddings import open_embeddings
    from tokbench.report._undertrained import show

    model = open_model(weights, verifying, revision, offline=offline)
    embeddings = open_embeddings(weights, revision=revision, offline=offline)
    loaded = load_tokenizer(tokenizer, offline=offline)
    found = find_undertrained(
        loaded,
        embeddings,
        share=share,
        indicator=None if indicator is None else Indicator(indicator.value),
        reference=None if reference is None else Reference(reference.value),
    )
    verification = None if model is None else verify(found, loaded, model, verifying)
    print_results(show(found, verification, top), "json" if as_json else "table")


def open_model(weights: str, verifying: Verifying, revision: str | None, *, offline: bool) -> Checkpoint | None:
    """Open the whole model if candidates are to be verified.

    Raises TokbenchError for an unknown backend, and for random weights, which predict nothing.
    """
    if verifying.backend is None:
        return None
    from tokbench.pythia.backends import BACKENDS
    from tokbench.pythia.formats.checkpoint import RANDOM
    from tokbench.pythia.formats.opening import open_checkpoint

    BACKENDS[verifying.backend]
    checkpoint = open_checkpoint(weights, revision=revision, offline=offline)
    if checkpoint.weights == RANDOM:
        raise TokbenchError(
            f"{checkpoint.name} has random weights, which predict nothing", "leave out --verify, or use trained weights"
        )
    return checkpoint


def verify(found: UndertrainedTokens, tokenizer: Tokenizer, model: Checkpoint, verifying: Verifying) -> Verification:
    """Prompt the model for the candidates; TokbenchError if there is too little memory for it."""
    from tokbench._shared.environment import count_cores
    from tokbench.analysis.vocabulary import CONTROLS, verify_tokens
    from tokbench.pythia.backends import BACKENDS, run
    from tokbench.pythia.measure.probe import check_free_memory
    from tokbench.pythia.measure.repetition import build_templates, find_length

    name = str(verifying.backend)
    quantization = verifying.quantization or choose_type(BACKENDS[name])
    # A prompt is scored whole; no backend may need room for a token to come.
    context = min(find_length(build_templates(tokenizer)) + 1, model.architecture.context)
    check_free_memory(model.architecture, name, quantization, name=model.name, context=context, logits=context)
    runner = run(model, name, quantization, threads=count_cores(), context=context)
    with closing(runner), show_progress() as progress:
        progress.start(VERIFYING, min(found.candidates().height, verifying.most) + CONTROLS)
        return verify_tokens(
            found,
            tokenizer,
            runner.score,
            f"{name} {quantization}",
            most=verifying.most,
            tell=lambda text: progress.advance(VERIFYING, 1, text),
        )


def choose_type(backend: Backend) -> str:
    """Return float32 if a backend runs it, since rounding moves probabilities; else its usual type."""
    from tokbench.pythia.backends import choose_quantization

    supported = backend.list_quantizations("cpu")
    return "float32" if "float32" in supported else choose_quantization(supported)
