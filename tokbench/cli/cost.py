"""`tokbench cost`: what texts cost on a Pythia model, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.cost.workload import NewTokens
    from tokbench.pythia.speed.rates import Rates


def run(
    tokenizers: Annotated[
        list[str] | None,
        typer.Argument(help="Catalogue names, aliases, paths or hf:org/name. [default: gpt-neox-20b, Pythia's own]"),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("-c", "--corpus", help="Corpus: name, file or folder. [default: tokbench14]")
    ] = None,
    languages: Annotated[
        str | None, typer.Option("-l", "--languages", help="Comma-separated languages. [default: all]")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Reference language of premiums. [default: English, else the first]")
    ] = None,
    segments: Annotated[
        int | None, typer.Option("-n", "--segments", min=1, help="Use only the first SEGMENTS segments.")
    ] = None,
    model: Annotated[str, typer.Option(help="Pythia model, 70m to 12b.")] = "pythia-1.4b",
    backend: Annotated[
        str, typer.Option(help="analytic computes; ctranslate2, llamacpp and transformers measure on this machine.")
    ] = "analytic",
    quantization: Annotated[str, typer.Option(help="Weight type, as named by the backend.")] = "int8",
    new_tokens: Annotated[
        str, typer.Option(help="Tokens generated after each segment, or `same` for as many as the segment has.")
    ] = "64",
    threads: Annotated[int | None, typer.Option(min=1, help="Backend threads. [default: all cores]")] = None,
    price_per_hour: Annotated[float | None, typer.Option(help="Price of the machine per hour.")] = None,
    price_per_mtok: Annotated[float | None, typer.Option(help="Price per million tokens, read or written.")] = None,
    timings: Annotated[
        Path | None,
        typer.Option(
            help="Output of `tokbench model measure -o FILE.json`, from which the analytic backend estimates seconds."
        ),
    ] = None,
    ledger: Annotated[
        str | None, typer.Option(metavar="TEXT|-", help="Instead of a corpus, show where the time of one request goes.")
    ] = None,
    output_format: Annotated[
        str, typer.Option("-f", "--format", help="Format of standard output: table, markdown, json or csv.")
    ] = "table",
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="Also write to FILE, in the format given by its extension. Repeatable."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not access the network.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Hide progress messages.")] = False,
) -> None:
    """Compute what texts cost on a Pythia model.

    Reports tokens, FLOPs, seconds, KV cache and money, with each language's premium.

    With gpt-neox-20b the model is unchanged; any other tokenizer gives a what-if: the same layers, with as many
    embedding rows as that vocabulary needs. If no weights are available, a model of the same shape with random weights
    is measured: speed and memory do not depend on the values.
    """
    from tokbench._shared.files import check_writable, write_whole
    from tokbench.comparison import compare
    from tokbench.corpora import load_corpus
    from tokbench.pythia.cost import OWN_TOKENIZER, check_run, cost
    from tokbench.pythia.cost.workload import Price
    from tokbench.report import format_of
    from tokbench.report._cost import FORMATS, render_costs

    names = tokenizers or [OWN_TOKENIZER]
    check_run(model, backend, quantization)
    if ledger is not None:
        keep(ledger, names, model, backend, quantization, parse_new_tokens(new_tokens), threads, offline)
        return
    if output_format not in FORMATS:
        raise TokbenchError(f"costs have no format {output_format!r}", f"choose from: {', '.join(FORMATS)}")
    files = [(path, format_of(path)) for path in output or []]
    for path, _ in files:
        check_writable(path)
    price = Price(price_per_hour, price_per_mtok)
    rates = read_rates(timings) if timings else ()
    amount = parse_new_tokens(new_tokens)
    chosen = None if languages is None else languages.split(",")
    texts = load_corpus(corpus, languages=chosen, segments=segments)
    result = compare(
        names, texts, reference=reference, metrics=["tokens_per_segment"], throughput=False, offline=offline
    )
    costs = cost(
        result,
        model=model,
        backend=backend,
        quantization=quantization,
        new_tokens=amount,
        threads=threads,
        price=price,
        rates=rates,
        offline=offline,
        on_step=(lambda step: None) if quiet else (lambda step: typer.echo(f"measuring {step}", err=True)),
    )
    for path, name in files:
        write_whole(path, render_costs(costs, name).encode())
    typer.echo(render_costs(costs, output_format), nl=False)


def parse_new_tokens(text: str) -> NewTokens:
    """Parse a number of tokens, or `same`."""
    if text == "same":
        return "same"
    if not text.isdigit() or int(text) < 1:
        raise TokbenchError(f"--new-tokens is {text!r}", "use a positive number, or same")
    return int(text)


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
            f"{path}: no timings ({error})", "create it with: tokbench model measure -o FILE.json"
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
    from tokbench.cli.listing import write_rows
    from tokbench.pythia.backends import run as load_runner
    from tokbench.pythia.cost import ANALYTIC, OWN_TOKENIZER
    from tokbench.pythia.cost.request_trace import STAGES, trace_requests
    from tokbench.pythia.formats.random_weights import open_or_make

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
        found = trace_requests(content, tokenizer, runner, amount)
    finally:
        runner.close()
    typer.echo(
        f"{checkpoint.name} {quantization} on {backend}, weights: {checkpoint.weights}; "
        f"{len(content):,} bytes, {found.tokens:,} tokens, {found.new_tokens:,} new tokens"
    )
    rows = [
        {"stage": stage, "seconds": f"{found.seconds[stage]:.6f}", "share": f"{100 * found.share(stage):.3f} %"}
        for stage in STAGES
    ]
    rows.append({"stage": "whole", "seconds": f"{found.wall:.6f}", "share": f"{100 * (1 - found.unaccounted):.3f} %"})
    typer.echo(write_rows(rows), nl=False)
