"""`tokbench cost`: what texts cost on a Pythia model, end to end."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._numbers import MOST_MONEY, MOST_TOKENS, decimal_option, parse_whole
from tokbench.cli._options import (
    Corpus,
    Languages,
    Offline,
    OutputFormat,
    Outputs,
    Quantization,
    Reference,
    Segments,
    Threads,
    open_corpus,
)
from tokbench.cli._progress import measuring, show_progress
from tokbench.cli._results import bring_out, check_files, print_results
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.cost import Costs
    from tokbench.pythia.cost.workload import NewTokens
    from tokbench.pythia.speed.rates import Rates


def run(
    tokenizers: Annotated[
        list[str] | None,
        typer.Argument(
            help="Catalogue names, aliases, paths or hf:org/name[@revision]. [default: gpt-neox-20b, Pythia's own]"
        ),
    ] = None,
    corpus: Corpus = None,
    languages: Languages = None,
    reference: Reference = None,
    segments: Segments = None,
    model: Annotated[str, typer.Option(help="Pythia model, 70m to 12b.")] = "pythia-1.4b",
    backend: Annotated[
        str, typer.Option(help="analytic computes; ctranslate2, llamacpp and transformers measure on this machine.")
    ] = "analytic",
    quantization: Quantization = "int8",
    new_tokens: Annotated[
        str, typer.Option(help="Tokens generated after each segment, or `same` for as many as the segment has.")
    ] = "64",
    threads: Threads = None,
    price_per_hour: Annotated[
        float | None, decimal_option("--price-per-hour", high=MOST_MONEY, help="Price of the machine per hour.")
    ] = None,
    price_per_mtok: Annotated[
        float | None,
        decimal_option("--price-per-mtok", high=MOST_MONEY, help="Price per million tokens, read or written."),
    ] = None,
    timings: Annotated[
        Path | None,
        typer.Option(
            help="Output of `tokbench model measure -o FILE.json`, from which the analytic backend estimates seconds."
        ),
    ] = None,
    ledger: Annotated[
        str | None, typer.Option(metavar="TEXT|-", help="Instead of a corpus, show where the time of one request goes.")
    ] = None,
    output_format: OutputFormat = "table",
    output: Outputs = None,
    offline: Offline = False,
) -> None:
    """Compute what texts cost on a Pythia model.

    Reports tokens, FLOPs, seconds, KV cache and money, with each language's premium.

    With gpt-neox-20b the model is unchanged; any other tokenizer gives a what-if: the same layers, with as many
    embedding rows as that vocabulary needs. If no weights are available, a model of the same shape with random weights
    is measured: speed and memory do not depend on the values.
    """
    from tokbench.comparison import compare
    from tokbench.pythia.cost import ANALYTIC, OWN_TOKENIZER, check_run, cost
    from tokbench.pythia.cost.workload import Price
    from tokbench.report import pick_writer
    from tokbench.report._cost_results import show

    names = tokenizers or [OWN_TOKENIZER]
    check_run(model, backend, quantization)
    if ledger is not None:
        keep(ledger, names, model, backend, quantization, parse_new_tokens(new_tokens), threads, offline)
        return
    pick_writer(output_format)
    files = check_files(output)
    price = Price(price_per_hour, price_per_mtok)
    rates = read_rates(timings) if timings else ()
    amount = parse_new_tokens(new_tokens)
    texts = open_corpus(corpus, languages, segments)
    with show_progress() as progress:
        result = compare(
            names,
            texts,
            reference=reference,
            metrics=["tokens_per_segment"],
            throughput=False,
            offline=offline,
            progress=progress,
        )
    steps: list[str] = []

    def compute(engine: str, tell: Callable[[str], None]) -> Costs:
        return cost(
            result,
            model=model,
            backend=engine,
            quantization=quantization,
            new_tokens=amount,
            threads=threads,
            price=price,
            rates=rates if engine == backend else (),
            offline=offline,
            on_step=tell,
        )

    try:
        with measuring(len(result.tokenizers) if backend != ANALYTIC else 0) as tell:

            def begin(step: str) -> None:
                steps.append(step)
                tell(step)

            costs = compute(backend, begin)
    except BaseException:
        if steps:  # the tokens and FLOPs are known
            with suppress(typer.Exit):
                bring_out(show(compute(ANALYTIC, steps.append)), output_format, files)
        raise
    bring_out(show(costs), output_format, files)


def parse_new_tokens(text: str) -> NewTokens:
    """Parse a number of tokens, or `same`."""
    if text == "same":
        return "same"
    return parse_whole("--new-tokens", text, high=MOST_TOKENS, other=", or same")


def read_rates(path: Path) -> tuple[Rates, ...]:
    """Fit rates to the timings in a file written by `tokbench model measure`."""
    import polars as pl

    from tokbench.pythia.speed.roofline import TIMINGS_SCHEMA, fit_each

    try:
        rows = json.loads(path.read_bytes())["timings"]
        frame = pl.DataFrame(rows).select(pl.col(name).cast(kind) for name, kind in TIMINGS_SCHEMA.items())
    except OSError as error:
        raise TokbenchError(f"cannot read {path}: {error.strerror}", "choose another file") from error
    except (ValueError, KeyError, TypeError, RecursionError, pl.exceptions.PolarsError) as error:
        raise TokbenchError(
            f"{path}: no timings ({error!s:.200})", "create it with: tokbench model measure -o FILE.json"
        ) from error
    return fit_each(frame)


def keep(
    text: str,
    names: list[str],
    model: str,
    backend: str,
    quantization: str,
    new_tokens: NewTokens,
    threads: int | None,
    offline: bool,
) -> None:
    """Trace one request and print where its time goes."""
    from tokbench._shared.environment import count_cores
    from tokbench.adapters import load_tokenizer
    from tokbench.cli.encode import read_input
    from tokbench.pythia.backends import run as load_runner
    from tokbench.pythia.cost import ANALYTIC, OWN_TOKENIZER
    from tokbench.pythia.cost.request_trace import trace_request
    from tokbench.pythia.formats.random_weights import open_or_make
    from tokbench.report._cost_results import show_trace

    if backend == ANALYTIC:
        raise TokbenchError("--ledger measures, so it needs a backend", "for example: --backend ctranslate2")
    if names != [OWN_TOKENIZER]:
        raise TokbenchError("--ledger runs the model with its own tokenizer", f"leave out {', '.join(names)}")
    content = (read_input() if text == "-" else text).encode()
    tokenizer = load_tokenizer(OWN_TOKENIZER, offline=offline)
    checkpoint = open_or_make(model, offline=offline)
    runner = load_runner(checkpoint, backend, quantization, threads=threads or count_cores())
    prompt = int(tokenizer.count_batch([content.decode()])[0])
    amount = max(prompt, 1) if new_tokens == "same" else new_tokens
    try:
        found = trace_request(content, tokenizer, runner, amount)
    finally:
        runner.close()
    facts = f"{checkpoint.name} {quantization} on {backend}, weights: {checkpoint.weights}"
    print_results(show_trace(found, facts, len(content)))
