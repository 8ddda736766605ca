"""`tokbench model make | measure | score`: models on disk, run on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._echo import echo
from tokbench.cli._extrapolation import probe_models
from tokbench.cli._machine_load import announce_load
from tokbench.cli._numbers import MOST_TEXTS, MOST_TOKENS, split_numbers, whole_option
from tokbench.cli._options import (
    Corpus,
    Device,
    DeviceName,
    Languages,
    Offline,
    OutputFormat,
    Outputs,
    Quantization,
    Revision,
    Segments,
    Threads,
    list_option,
    open_corpus,
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
    model: Annotated[str, typer.Argument(help="Model of the suite, such as pythia-160m.", show_default=False)],
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
    from tokbench.pythia.model.models import find_model

    architecture = find_model(model).architecture
    if vocab_rows is not None:
        architecture = replace(architecture, vocab_rows=vocab_rows)
    checkpoint = open_checkpoint(make_weights(architecture, folder, seed, dtype))
    echo(f"{checkpoint.path}  weights: {checkpoint.weights}  sha256: {checkpoint.sha256}")


def measure(
    checkpoints: Annotated[list[str], CHECKPOINTS],
    backend: Annotated[
        list[str],
        list_option("--backend", metavar="BACKEND", help="Backends: ctranslate2, llamacpp, transformers."),
    ] = ["ctranslate2", "llamacpp"],  # noqa: B006 - typer reads it, nothing changes it
    quantization: Annotated[
        list[str] | None,
        list_option(
            "--quantization",
            metavar="TYPE",
            help="Weight types, as named by the backends. [default: int8, or the backend's own]",
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
    from tokbench.pythia.formats.random_weights import find_architecture, open_or_make
    from tokbench.pythia.measure.probe import check_free_memory, measure_backend
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
    pairs = list(pair_up(split_names("--backend", *backend), kinds, device.value))
    if extrapolate:
        if revision is not None:
            raise TokbenchError("random weights have no revisions", "leave out --revision or --extrapolate")
        probe_models(checkpoints, pairs, threads, sizes, offline, lambda show: bring_out(show, output_format, files))
        return
    found: list[BackendMeasurement] = []
    with (
        delivering(found, lambda: bring_out(show_measurements(found), output_format, files)),
        measuring(len(checkpoints) * len(pairs)) as tell,
    ):
        for name in checkpoints:
            known = find_architecture(name)
            if known is not None:  # before gigabytes are downloaded or generated
                for engine, kind in pairs:
                    check_free_memory(known, engine, kind, name=name, context=context, device=device.value)
            checkpoint = open_or_make(name, revision=revision, offline=offline, random=random_weights)
            announce(checkpoint)
            for engine, kind in pairs:
                tell(f"{checkpoint.name} as {kind} on {engine}")
                found.append(measure_backend(checkpoint, engine, kind, threads, **sizes))
                announce_load(found[-1].load_average, found[-1].environment.cores)


def score(
    checkpoint: Annotated[str, CHECKPOINTS],
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    backend: Annotated[str, typer.Option(help="ctranslate2 or transformers.")] = "ctranslate2",
    quantization: Quantization = "float32",
    window: Annotated[
        int | None,
        whole_option("--window", low=2, high=MOST_TOKENS, help="Tokens per window. [default: the model's context]"),
    ] = None,
    stride: Annotated[
        int | None,
        whole_option("--stride", low=1, high=MOST_TOKENS, help="Tokens between windows. [default: half a window]"),
    ] = None,
    bos: Annotated[bool, typer.Option(help="Start each text with <|endoftext|>.")] = True,
    threads: Threads = None,
    device: Device = DeviceName.cpu,
    revision: Revision = None,
    output_format: OutputFormat = "table",
    output: Outputs = None,
    offline: Offline = False,
) -> None:
    """Score a model on texts in bits per byte. Lower is better.

    Bits per byte are comparable across tokenizers.
    """
    from tokbench._shared.environment import count_cores
    from tokbench.pythia.backends import BACKENDS, run
    from tokbench.pythia.formats.random_weights import open_or_make
    from tokbench.pythia.measure.probe import check_free_memory
    from tokbench.pythia.measure.score import Windows, load_vocabulary, score_texts, sign_score
    from tokbench.pythia.model.quantization import find_quantization
    from tokbench.report._model_runs import show_scores

    files = check_files(output)
    BACKENDS[backend]  # an unknown name, before weights are downloaded or generated
    find_quantization(quantization)
    texts = open_corpus(corpus, languages, segments)
    model = open_or_make(checkpoint, revision=revision, offline=offline)
    announce(model)
    length = window or model.architecture.context
    windows = Windows(length, stride or length // 2, bos)
    tokenizer = load_vocabulary(model, offline=offline)
    shape = model.architecture
    check_free_memory(shape, backend, quantization, name=model.name, context=length, logits=length, device=device.value)
    rows: list[dict[str, Any]] = []
    runner = run(model, backend, quantization, threads=threads or count_cores(), context=length, device=device.value)
    with closing(runner), delivering(rows, lambda: bring_out(show_scores(rows), output_format, files)):
        for lang in texts.languages:
            result = score_texts(texts.texts(lang), tokenizer, runner, windows, model.architecture.vocab_rows)
            signature = sign_score(
                model,
                backend,
                quantization,
                windows,
                tokenizer=(tokenizer.name, tokenizer.asset.sha256),
                corpus=(texts.name, texts.sha256),
                language=lang,
                texts=texts.n,
            )
            rows.append(
                {
                    "model": model.name,
                    "weights": model.weights,
                    "lang": lang,
                    "texts": result.texts,
                    "bytes": result.bytes,
                    "tokens": result.tokens,
                    "bits": result.bits,
                    "bits_per_token": result.bits_per_token,
                    "bits_per_byte": result.bits_per_byte,
                    "signature": signature,
                }
            )


# ---- arguments


def list_numbers(name: str, listed: list[str], high: int) -> tuple[int, ...]:
    """Parse numbers in ascending order; none from an empty string."""
    text = ",".join(listed)
    return tuple(sorted(split_numbers(name, text, high=high))) if text.strip() else ()


def pair_up(backends: Sequence[str], quantizations: Sequence[str] | None, device: Any) -> Iterator[tuple[str, str]]:
    """Yield each backend with each quantization that it supports.

    quantizations: None for the usual one of each backend.
    Raises TokbenchError for a quantization that no backend supports, and for a backend that supports none of them.
    """
    from tokbench.pythia.backends import BACKENDS, check_quantization, choose_quantization

    runs = {name: BACKENDS[name].list_quantizations(device) for name in backends}
    if quantizations is None:
        yield from ((name, choose_quantization(supported)) for name, supported in runs.items())
        return
    for kind in quantizations:
        if not any(kind in supported for supported in runs.values()):
            every = [known for supported in runs.values() for known in supported]
            check_quantization(" and ".join(backends), kind, every, f"not on {device} here")
    for name, supported in runs.items():
        if not set(supported) & set(quantizations):
            message = f"{name} supports none of {', '.join(quantizations)} on {device} here"
            raise TokbenchError(message, f"it supports {', '.join(supported)}")
        yield from ((name, kind) for kind in quantizations if kind in supported)


def announce(checkpoint: Checkpoint) -> None:
    """Report on standard error which weights are used."""
    meaning = " (speed and memory are real, generated text is meaningless)" if checkpoint.weights == "random" else ""
    note(f"{checkpoint.name}: weights: {checkpoint.weights}{meaning}")
