"""`tokbench model load-test`: a model under load, on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._numbers import MOST_TOKENS, split_numbers, whole_option
from tokbench.cli._options import (
    BackendQuantization,
    Corpus,
    Device,
    DeviceName,
    Languages,
    Offline,
    OutputFormat,
    Outputs,
    Reference,
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
from tokbench.cli.model_run import announce
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.corpora import Corpus as AnyCorpus
    from tokbench.pythia.serving.loads import Load

MOST_USERS = 1024


def run(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="Name in the suite (pythia-70m), folder, GGUF file, CTranslate2 folder, or org/name on the hub.",
            show_default=False,
        ),
    ],
    backend: Annotated[str, typer.Option(help="llamacpp, ctranslate2 or transformers.")] = "llamacpp",
    quantization: BackendQuantization = None,
    users: Annotated[
        list[str], list_option("--users", metavar="N", help="Numbers of users who send a request at the same moment.")
    ] = ["1", "2", "4", "8", "16", "32", "64"],  # noqa: B006 - typer reads it, nothing changes it
    prompts: Annotated[
        list[str] | None,
        list_option("--prompts", metavar="N", help="Tokens per prompt: TTFT by prompt, ITL by depth. [default: 128]"),
    ] = None,
    new_tokens: Annotated[
        int | None,
        whole_option("--new-tokens", low=2, high=MOST_TOKENS, help="Tokens generated per request. [default: 64]"),
    ] = None,
    cache_types: Annotated[
        list[str] | None,
        list_option(
            "--cache-types",
            metavar="TYPE",
            help="Types of llama.cpp's key-value cache: f16, q8_0, q4_0. [default: the backend's own]",
        ),
    ] = None,
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    reference: Reference = None,
    rounds: Annotated[
        int, whole_option("--rounds", low=1, high=1000, help="Rounds, each in a fresh process per case.")
    ] = 3,
    threads: Threads = None,
    device: Device = DeviceName.cpu,
    revision: Revision = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Use random weights even if the hub has the model.")
    ] = False,
    output_format: OutputFormat = "table",
    output: Outputs = None,
    offline: Offline = False,
) -> None:
    """Measure a model under load: waiting times, throughput and memory by number of users.

    TTFT is the time to a user's first token, ITL the time between a user's tokens.

    With --corpus or --languages, a request is a segment of mean length in each language, and the answer as much text:
    what a language's premium does to waiting times, to memory and to how many users fit the machine.
    """
    from tokbench.pythia.backends import BACKENDS, choose_quantization
    from tokbench.pythia.formats.random_weights import find_architecture, open_or_make
    from tokbench.pythia.serving.load_test import LoadTester, check_cases, choose_threads, make_cases
    from tokbench.report._load_test import show_load_test

    files = check_files(output)
    numbers = split_numbers("--users", ",".join(users), high=MOST_USERS)
    kinds: Sequence[str | None] = split_names("--cache-types", *cache_types) if cache_types else [None]
    kind = quantization or choose_quantization(BACKENDS[backend].list_quantizations(device.value))
    by_language = corpus is not None or languages is not None
    if by_language and (prompts or new_tokens):
        raise TokbenchError(
            "a corpus sets the lengths of requests", "leave out --prompts and --new-tokens, or the corpus"
        )
    loads = list_loads(prompts, new_tokens)
    texts = open_corpus(corpus, languages, segments) if by_language else None
    base = choose_base(texts, reference)
    known = find_architecture(checkpoint)
    if known is not None and texts is None:  # before gigabytes are downloaded or generated
        cases = make_cases(loads, numbers, kinds)
        check_cases(known, backend, kind, cases, name=checkpoint, device=device.value)
    model = open_or_make(checkpoint, revision=revision, offline=offline, random=random_weights)
    announce(model)
    if texts is not None:
        from tokbench.pythia.measure.score import load_vocabulary
        from tokbench.pythia.serving.loads import read_loads

        loads = read_loads(texts, load_vocabulary(model, offline=offline))
    tester = LoadTester(
        model,
        backend,
        kind,
        choose_threads(threads),
        make_cases(loads, numbers, kinds),
        rounds,
        device.value,
    )
    if tester.result.warning:
        note(f"tokbench: {tester.result.warning}")
    with (
        delivering(tester, lambda: bring_out(show_load_test(tester.result, base), output_format, files)),
        measuring(len(tester.cases) * rounds) as tell,
    ):
        for step in tester.run():
            tell(step)


def list_loads(prompts: list[str] | None, new_tokens: int | None) -> tuple[Load, ...]:
    """Return one request per prompt length."""
    from tokbench.pythia.serving.load_test import NEW_TOKENS, PROMPT
    from tokbench.pythia.serving.loads import Load

    lengths = split_numbers("--prompts", ",".join(prompts), high=MOST_TOKENS) if prompts else (PROMPT,)
    return tuple(Load(length, new_tokens or NEW_TOKENS) for length in lengths)


def choose_base(texts: AnyCorpus | None, reference: str | None) -> str | None:
    """Return the reference language of premiums; None without parallel texts in several languages."""
    from tokbench.corpora import choose_reference

    if texts is None or not texts.aligned or len(texts.languages) < 2:
        if reference is not None:
            raise TokbenchError("--reference needs parallel texts in several languages", "choose them with -c and -l")
        return None
    return choose_reference(texts.languages, reference, "the corpus")
