"""`tokbench model score`: bits per byte of texts under a model."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from typing import Annotated, Any

import typer

from tokbench.cli._numbers import MOST_TOKENS, whole_option
from tokbench.cli._options import (
    Corpus,
    Device,
    DeviceName,
    Languages,
    Offline,
    OutputFormat,
    Outputs,
    Revision,
    Segments,
    Threads,
    open_corpus,
)
from tokbench.cli._output import delivering
from tokbench.cli._results import bring_out, check_files
from tokbench.cli.model_run import CHECKPOINTS, announce


class WindowsName(StrEnum):
    """How texts longer than a window are split."""

    strided = "strided"
    harness = "harness"


def run(
    checkpoint: Annotated[str, CHECKPOINTS],
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    backend: Annotated[str, typer.Option(help="ctranslate2, llamacpp or transformers.")] = "ctranslate2",
    quantization: Annotated[
        str | None,
        typer.Option(
            "--quantization",
            metavar="TYPE",
            help="Weight type, as named by the backend. [default: float32, or the GGUF file's]",
        ),
    ] = None,
    windows: Annotated[
        WindowsName,
        typer.Option(help="harness: as the LM Evaluation Harness splits texts, with its word and byte perplexity."),
    ] = WindowsName.strided,
    window: Annotated[
        int | None,
        whole_option("--window", low=1, high=MOST_TOKENS, help="Tokens per window. [default: the model's context]"),
    ] = None,
    stride: Annotated[
        int | None,
        whole_option("--stride", low=1, high=MOST_TOKENS, help="Tokens between windows. [default: half a window]"),
    ] = None,
    bos: Annotated[
        bool, typer.Option(help="Start each text with the model's beginning of a text, or else its end.")
    ] = True,
    threads: Threads = None,
    device: Device = DeviceName.cpu,
    revision: Revision = None,
    output_format: OutputFormat = "table",
    output: Outputs = None,
    offline: Offline = False,
) -> None:
    """Score a model on texts in bits per byte. Lower is better.

    Bits per byte are comparable across tokenizers. Random weights are refused. llama.cpp reads token by token here, as
    slow as it generates.
    """
    from tokbench._shared.environment import count_cores
    from tokbench.pythia.backends import BACKENDS
    from tokbench.pythia.backends._evaluation import run_exactly
    from tokbench.pythia.formats.pretrained import open_pretrained
    from tokbench.pythia.formats.special_ids import read_special_ids
    from tokbench.pythia.measure.probe import check_free_memory
    from tokbench.pythia.measure.score import (
        choose_score_quantization,
        choose_windows,
        load_vocabulary,
        score_texts,
        sign_score,
    )
    from tokbench.pythia.model.quantization import find_quantization
    from tokbench.report._model_runs import show_scores

    files = check_files(output)
    found = BACKENDS[backend]  # an unknown name, before weights are downloaded
    if quantization is not None:
        find_quantization(quantization)
    texts = open_corpus(corpus, languages, segments)
    model = open_pretrained(checkpoint, revision=revision, offline=offline)
    announce(model)
    kind = quantization or choose_score_quantization(model, found.list_quantizations(device.value))
    shape, harness = model.architecture, windows is WindowsName.harness
    special = read_special_ids(model)
    splitting = choose_windows(
        shape.context, backend, window=window, stride=stride, bos=bos, harness=harness, special=special
    )
    length = splitting.longest
    tokenizer = load_vocabulary(model, offline=offline)
    logits = 1 if backend == "llamacpp" else length
    cached = 2 * length if backend == "llamacpp" else length  # in float32, twice what the estimate assumes
    check_free_memory(shape, backend, kind, name=model.name, context=cached, logits=logits, device=device.value)
    rows: list[dict[str, Any]] = []
    runner = run_exactly(model, backend, kind, threads=threads or count_cores(), context=length, device=device.value)
    with closing(runner), delivering(rows, lambda: bring_out(show_scores(rows), output_format, files)):
        for lang in texts.languages:
            result = score_texts(texts.texts(lang), tokenizer, runner, splitting, shape.vocab_rows)
            signature = sign_score(
                model,
                backend,
                kind,
                splitting,
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
                    **(
                        {"byte_perplexity": result.byte_perplexity, "word_perplexity": result.word_perplexity}
                        if harness
                        else {}
                    ),
                    "signature": signature,
                }
            )
