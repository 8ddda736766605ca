"""`tokbench model make | measure`: models on disk, run on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._echo import echo
from tokbench.cli._extrapolation import probe_models
from tokbench.cli._machine_load import announce_load
from tokbench.cli._numbers import MOST_TEXTS, MOST_TOKENS, split_numbers, whole_option
from tokbench.cli._options import (
    Device,
    DeviceName,
    Offline,
    OutputFormat,
    Outputs,
    Revision,
    Threads,
    list_option,
    split_names,
)
from tokbench.cli._output import delivering
from tokbench.cli._progress import measuring, note
from tokbench.cli._results import bring_out, check_files
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.formats.checkpoint import Checkpoint
    from tokbench.pythia.measure.measurement import BackendMeasurement

CHECKPOINTS = typer.Argument(
    help="Name in the suite (pythia-70m), folder, GGUF file, CTranslate2 folder, or org/name on the hub.",
    show_default=False,
)


def make(
    model: Annotated[str, typer.Argument(help="Name of a model, such as pythia-160m.", show_default=False)],
    folder: Annotated[
        Path, typer.Option("--random-weights", metavar="DIR", help="Folder to create.", show_default=False)
    ],
    vocab_rows: Annotated[
        int | None,
        whole_option("--vocab-rows", low=1, high=2**24, help="Number of vocabulary rows. [default: the model's]"),
    ] = None,
    seed: Annotated[int, whole_option("--seed", help="Seed; the same seed gives the same bytes.")] = 0,
    dtype: Annotated[str, typer.Option(help="float16 or float32.")] = "float16",
) -> None:
    """Write a checkpoint with a model's exact shape and random weights.

    For measuring speed and memory only, not for text.
    """
    from dataclasses import replace

    from tokbench.pythia.formats.opening import open_checkpoint
    from tokbench.pythia.formats.random_weights import make as make_weights
    from tokbench.pythia.model.resolution import resolve_model

    architecture = resolve_model(model).architecture
    if vocab_rows is not None:
        architecture = replace(architecture, vocab_rows=vocab_rows)
    checkpoint = open_checkpoint(make_weights(architecture, folder, seed, dtype))
    echo(f"{checkpoint.path}  weights: {checkpoint.weights}  sha256: {checkpoint.sha256}")


def measure(
    checkpoints: Annotated[list[str], CHECKPOINTS],
    backend: Annotated[
        list[str] | None,
        list_option(
            "--backend",
            metavar="BACKEND",
            help="Backends: ctranslate2, llamacpp, transformers. [default: the first two, where they run the model]",
        ),
    ] = None,
    quantization: Annotated[
        list[str] | None,
        list_option(
            "--quantization",
            metavar="TYPE",
            help="Weight types, as named by the backends. [default: the file's, or int8, or the backend's own]",
        ),
    ] = None,
    threads: Threads = None,
    device: Device = DeviceName.cpu,
    context: Annotated[
        int | None,
        whole_option(
            "--context",
            low=64,
            high=MOST_TOKENS,
            help="Tokens the KV cache has room for. [default: the model's context]",
        ),
    ] = None,
    prompts: Annotated[
        list[str], list_option("--prompts", metavar="N", help="Prompt lengths, in tokens; none if empty.")
    ] = ["128", "512", "2048"],  # noqa: B006
    batches: Annotated[
        list[str], list_option("--batches", metavar="N", help="Decoding batch sizes; none if empty.")
    ] = ["1", "8"],  # noqa: B006
    contexts: Annotated[
        list[str], list_option("--decode-at", metavar="N", help="Tokens in the cache while decoding is timed.")
    ] = ["64", "1000"],  # noqa: B006
    new_tokens: Annotated[
        int, whole_option("--new-tokens", low=2, high=MOST_TOKENS, help="Tokens generated per text.")
    ] = 64,
    rounds: Annotated[
        int, whole_option("--rounds", low=1, help="Timing rounds; the median, slowest and fastest are shown.")
    ] = 5,
    extrapolate: Annotated[
        bool,
        typer.Option(
            "--extrapolate",
            help="Measure two models with few of the layers, and extrapolate: for models too large here.",
        ),
    ] = False,
    revision: Revision = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Use random weights even if the hub has the model.")
    ] = False,
    output_format: OutputFormat = "table",
    output: Outputs = None,
    offline: Offline = False,
) -> None:
    """Measure load time, memory and speed of models on backends.

    Each in a separate process.
    """
    from tokbench.pythia.backends import BACKENDS, USUAL_BACKENDS
    from tokbench.pythia.formats.random_weights import find_architecture, open_or_make
    from tokbench.pythia.measure.probe import check_free_memory, measure_backend
    from tokbench.pythia.model.quantization import find_quantization
    from tokbench.report._model_runs import show_measurements

    files = check_files(output)
    sizes = {
        "prompt_lengths": list_numbers("--prompts", prompts, MOST_TOKENS),
        "decode_batches": list_numbers("--batches", batches, MOST_TEXTS),
        "decode_contexts": list_numbers("--decode-at", contexts, MOST_TOKENS),
        "new_tokens": new_tokens,
        "rounds": rounds,
        "context": context,
        "device": device.value,
    }
    kinds = split_names("--quantization", *quantization) if quantization else None
    named = split_names("--backend", *backend) if backend else None
    engines = named or USUAL_BACKENDS
    for engine in engines:
        BACKENDS[engine]  # an unknown name, before weights are downloaded or generated
    for kind in kinds or ():
        find_quantization(kind)
    if extrapolate:
        if revision is not None:
            raise TokbenchError("random weights have no revisions", "leave out --revision or --extrapolate")
        probe_models(
            checkpoints,
            list(pair_up(named, kinds, device.value)),
            threads,
            sizes,
            offline,
            lambda show: bring_out(show, output_format, files),
        )
        return
    found: list[BackendMeasurement] = []
    with (
        delivering(found, lambda: bring_out(show_measurements(found), output_format, files)),
        measuring(len(checkpoints) * len(engines) * len(kinds or ("",))) as tell,
    ):
        for name in checkpoints:
            known = find_architecture(name)
            if known is not None:  # before gigabytes are downloaded or generated
                for engine, kind in pair_up(named, kinds, device.value):
                    check_free_memory(known, engine, kind, name=name, context=context, device=device.value)
            checkpoint = open_or_make(name, revision=revision, offline=offline, random=random_weights)
            announce(checkpoint)
            for engine, kind in list(pair_up(named, kinds, device.value, checkpoint)):
                tell(f"{checkpoint.name} as {kind} on {engine}")
                found.append(measure_backend(checkpoint, engine, kind, threads, **sizes, on_share=tell.show_share))
                announce_load(found[-1].load_average, found[-1].environment.cores)


# ---- arguments


def list_numbers(name: str, listed: list[str], high: int) -> tuple[int, ...]:
    """Parse numbers in ascending order; none from an empty string."""
    text = ",".join(listed)
    return tuple(sorted(split_numbers(name, text, high=high))) if text.strip() else ()


def pair_up(
    backends: Sequence[str] | None,
    quantizations: Sequence[str] | None,
    device: Any,
    checkpoint: Checkpoint | None = None,
) -> Iterator[tuple[str, str]]:
    """Yield each backend with each quantization that it supports, of this checkpoint if one is given.

    backends: None for those of the usual ones that run the checkpoint in one of the quantizations.
    quantizations: None for the usual one of each backend, or that of the file.
    Raises TokbenchError for a quantization that no backend supports, and for a backend that supports none of them.
    """
    from tokbench.pythia.backends import (
        BACKENDS,
        USUAL_BACKENDS,
        check_quantization,
        choose_backends,
        choose_quantization,
    )

    if backends is None and checkpoint is not None:
        runs = choose_backends(USUAL_BACKENDS, checkpoint, device)
    else:
        runs = {name: BACKENDS[name].list_quantizations(device, checkpoint) for name in backends or USUAL_BACKENDS}
    if quantizations is None:
        yield from ((name, choose_quantization(supported)) for name, supported in runs.items())
        return
    for kind in quantizations:
        if not any(kind in supported for supported in runs.values()):
            every = [known for supported in runs.values() for known in supported]
            of_file = checkpoint is not None and checkpoint.format == "gguf"
            reason = "the file has another type" if of_file else f"not on {device} here"
            check_quantization(" and ".join(runs), kind, every, reason)
    for name, supported in runs.items():
        if backends is not None and not set(supported) & set(quantizations):
            message = f"{name} supports none of {', '.join(quantizations)} on {device} here"
            raise TokbenchError(message, f"it supports {', '.join(supported)}")
        yield from ((name, kind) for kind in quantizations if kind in supported)


def announce(checkpoint: Checkpoint) -> None:
    """Report on standard error which weights are used."""
    meaning = " (speed and memory are real, generated text is meaningless)" if checkpoint.weights == "random" else ""
    note(f"{checkpoint.name}: weights: {checkpoint.weights}{meaning}")
