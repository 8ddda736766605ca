"""`tokbench model make | measure | score`: models on disk, run on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._model_results import Format, render_measurements, render_scores
from tokbench.cli.compare import split_languages
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.formats.checkpoint import Checkpoint
    from tokbench.pythia.measure.probe import BackendMeasurement

CHECKPOINTS = typer.Argument(
    help="A name of the suite (pythia-70m), a folder, a GGUF file, a CTranslate2 folder, or org/name on the hub.",
    show_default=False,
)
REVISION = typer.Option(help="A saved step of the hub: step3000.", show_default=False)
THREADS = typer.Option(min=1, help="Threads of the backend. [default: all that may be used]", show_default=False)
DEVICE = typer.Option(help="Where to run.")
OFFLINE = typer.Option("--offline", help="Open no network connection.")


class DeviceName(StrEnum):
    """Where a model runs."""

    cpu = "cpu"
    cuda = "cuda"


FORMAT = typer.Option("-f", "--format", help="What standard output gets.")
OUTPUT = typer.Option("-o", "--output", help="Also write to FILE, in the format of its ending. Repeatable.")


def make(
    model: Annotated[str, typer.Argument(help="A model of the suite: pythia-160m.", show_default=False)],
    folder: Annotated[
        Path, typer.Option("--random-weights", metavar="DIR", help="The new folder.", show_default=False)
    ],
    vocab_rows: Annotated[
        int | None, typer.Option(min=1, help="Another number of rows of the vocabulary.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    dtype: Annotated[str, typer.Option(help="float16 or float32.")] = "float16",
) -> None:
    """Write a checkpoint of a model's exact shape with random weights: for speed and memory, not for text."""
    from dataclasses import replace

    from tokbench.pythia.formats.opening import open_checkpoint
    from tokbench.pythia.formats.random_weights import make as make_weights
    from tokbench.pythia.model.models import find_model

    architecture = find_model(model).architecture
    if vocab_rows is not None:
        architecture = replace(architecture, vocab_rows=vocab_rows)
    checkpoint = open_checkpoint(make_weights(architecture, folder, seed, dtype))
    typer.echo(f"{checkpoint.path}  weights: {checkpoint.weights}  sha256: {checkpoint.sha256}")


def measure(
    checkpoints: Annotated[list[str], CHECKPOINTS],
    backend: Annotated[str, typer.Option(help="Backends, separated by commas.")] = "ctranslate2,llamacpp",
    quantization: Annotated[str, typer.Option(help="Types of weights, separated by commas.")] = "int8,q4_0",
    threads: Annotated[int | None, THREADS] = None,
    device: Annotated[DeviceName, DEVICE] = DeviceName.cpu,
    context: Annotated[
        int | None,
        typer.Option(min=64, help="Tokens the cache is made for. [default: the model's]", show_default=False),
    ] = None,
    prompts: Annotated[str, typer.Option(help="Lengths of prompts, separated by commas.")] = "128,512,2048",
    batches: Annotated[str, typer.Option(help="Texts decoded at once, separated by commas.")] = "1,8",
    new_tokens: Annotated[int, typer.Option(min=2, help="Tokens generated for each.")] = 64,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median is shown, slowest and fastest beside it.")] = 5,
    revision: Annotated[str | None, REVISION] = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Random weights, though the hub may have the model.")
    ] = False,
    output_format: Annotated[Format, FORMAT] = Format.table,
    output: Annotated[list[Path] | None, OUTPUT] = None,
    offline: Annotated[bool, OFFLINE] = False,
) -> None:
    """Measure load time, memory and speed of models on backends, each in a process of its own."""
    from tokbench._shared.files import write_whole
    from tokbench.pythia.formats.random_weights import find_architecture, open_or_make
    from tokbench.pythia.measure.probe import check_free_memory, measure_backend

    files = check_outputs(output or [])
    lengths, sizes = split_numbers(prompts), split_numbers(batches)
    pairs = list(pair_up(split_names(backend), split_names(quantization), device.value))
    found: list[BackendMeasurement] = []
    for name in checkpoints:
        known = find_architecture(name)
        if known is not None:  # before gigabytes are downloaded or made
            for engine, kind in pairs:
                check_free_memory(known, engine, kind, name=name, context=context, device=device.value)
        checkpoint = open_or_make(name, revision=revision, offline=offline, random=random_weights)
        announce(checkpoint)
        for engine, kind in pairs:
            typer.echo(f"measuring {checkpoint.name} as {kind} on {engine}", err=True)
            measured = measure_backend(
                checkpoint,
                engine,
                kind,
                threads,
                device=device.value,
                context=context,
                prompt_lengths=lengths,
                decode_batches=sizes,
                new_tokens=new_tokens,
                rounds=rounds,
            )
            found.append(measured)
    for path, file_format in files:
        write_whole(path, render_measurements(found, file_format).encode())
    typer.echo(render_measurements(found, output_format), nl=False)


def score(
    checkpoint: Annotated[str, CHECKPOINTS],
    corpus: Annotated[str | None, typer.Option("-c", "--corpus", help="A corpus: name, file or folder.")] = None,
    languages: Annotated[
        str | None, typer.Option("-l", "--languages", help="Languages, separated by commas. [default: all]")
    ] = None,
    segments: Annotated[int | None, typer.Option("-n", "--segments", min=1, help="Only the first SEGMENTS.")] = None,
    backend: Annotated[str, typer.Option(help="ctranslate2 or transformers.")] = "ctranslate2",
    quantization: Annotated[str, typer.Option(help="The type of the weights.")] = "float32",
    window: Annotated[
        int | None,
        typer.Option(min=2, help="Tokens seen at once. [default: the model's context]", show_default=False),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, help="Tokens between windows. [default: half a window]", show_default=False)
    ] = None,
    bos: Annotated[bool, typer.Option(help="Begin each text with <|endoftext|>.")] = True,
    threads: Annotated[int | None, THREADS] = None,
    device: Annotated[DeviceName, DEVICE] = DeviceName.cpu,
    revision: Annotated[str | None, REVISION] = None,
    output_format: Annotated[Format, FORMAT] = Format.table,
    output: Annotated[list[Path] | None, OUTPUT] = None,
    offline: Annotated[bool, OFFLINE] = False,
) -> None:
    """Score a model on texts in bits per byte, which does not depend on the tokenizer. Lower is better."""
    from tokbench._shared.environment import count_cores
    from tokbench._shared.files import write_whole
    from tokbench.corpora import load_corpus
    from tokbench.pythia.backends import run
    from tokbench.pythia.formats.random_weights import open_or_make
    from tokbench.pythia.measure.probe import check_free_memory
    from tokbench.pythia.measure.score import Windows, load_vocabulary, score_texts, sign_score

    files = check_outputs(output or [])
    chosen = None if languages is None else split_languages(languages)
    texts = load_corpus(corpus, languages=chosen, segments=segments)
    model = open_or_make(checkpoint, revision=revision, offline=offline)
    announce(model)
    length = window or model.architecture.context
    windows = Windows(length, stride or length // 2, bos)
    tokenizer = load_vocabulary(model, offline=offline)
    shape = model.architecture
    check_free_memory(shape, backend, quantization, name=model.name, context=length, logits=length, device=device.value)
    rows = []
    runner = run(model, backend, quantization, threads=threads or count_cores(), context=length, device=device.value)
    try:
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
    finally:
        runner.close()
    for path, file_format in files:
        write_whole(path, render_scores(rows, file_format).encode())
    typer.echo(render_scores(rows, output_format), nl=False)


# ---- arguments


def split_names(names: str) -> list[str]:
    """Names separated by commas, each once; TokbenchError for an empty one."""
    found = [name.strip() for name in names.split(",")]
    if not all(found):
        raise TokbenchError(f"an empty name in {names!r}", "separate names by single commas")
    return list(dict.fromkeys(found))


def split_numbers(numbers: str) -> tuple[int, ...]:
    """Whole numbers from 1, separated by commas; none in an empty string."""
    if not numbers.strip():
        return ()
    found = split_names(numbers)
    for number in found:
        if not number.isascii() or not number.isdecimal() or int(number) < 1:
            raise TokbenchError(f"{number!r} in {numbers!r} is not a whole number from 1", "write them like 128,512")
    return tuple(sorted(map(int, found)))


def pair_up(backends: Sequence[str], quantizations: Sequence[str], device: Any) -> Iterator[tuple[str, str]]:
    """Each backend with the types that it runs; TokbenchError for a type that none does, and a backend without any."""
    from tokbench.pythia.backends import BACKENDS, check_quantization

    runs = {name: BACKENDS[name].list_quantizations(device) for name in backends}
    for kind in quantizations:
        if not any(kind in supported for supported in runs.values()):
            every = [known for supported in runs.values() for known in supported]
            check_quantization(" and ".join(backends), kind, every, f"not on {device} here")
    for name, supported in runs.items():
        if not set(supported) & set(quantizations):
            message = f"{name} runs none of {', '.join(quantizations)} on {device} here"
            raise TokbenchError(message, f"it runs {', '.join(supported)}")
        yield from ((name, kind) for kind in quantizations if kind in supported)


def check_outputs(paths: Sequence[Path]) -> list[tuple[Path, Format]]:
    """The files to write with their formats, checked before anything is measured."""
    from tokbench._shared.files import check_writable
    from tokbench.report import format_of

    files = []
    for path in paths:
        name = format_of(path)
        if name not in set(Format):
            raise TokbenchError(f"{path}: models are not written as {name}", f"as {', '.join(Format)}")
        check_writable(path)
        files.append((path, Format(name)))
    return files


def announce(checkpoint: Checkpoint) -> None:
    """Say on standard error which weights are run."""
    note = " (speed and memory are true, its text is none)" if checkpoint.weights == "random" else ""
    typer.echo(f"{checkpoint.name}: weights: {checkpoint.weights}{note}", err=True)
