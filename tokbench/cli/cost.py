"""`tokbench cost`: what texts cost on a Pythia model, end to end."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._machine_load import announce_load
from tokbench.cli._numbers import MOST_MONEY, MOST_REQUESTS, MOST_TOKENS, decimal_option, parse_whole, whole_option
from tokbench.cli._options import (
    BackendQuantization,
    Corpus,
    Languages,
    Offline,
    OutputFormat,
    Outputs,
    Reference,
    Segments,
    Threads,
    expand_tokenizers,
    open_corpus,
)
from tokbench.cli._progress import measuring, show_progress
from tokbench.cli._results import bring_out, check_files, print_results
from tokbench.cli._uploads import DEFAULT_REQUESTS, AllowUpload, MaxRequests, count_closed_models
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.cost import Costs, Prices
    from tokbench.pythia.cost.workload import NewTokens
    from tokbench.pythia.speed.rates import Rates

NO_MODEL = "none"


def run(
    tokenizers: Annotated[
        list[str] | None,
        typer.Argument(
            help="Catalogue names, aliases, paths, hub repositories, sets, anthropic:MODEL or gemini:MODEL. "
            "[default: gpt-neox-20b, Pythia's own]"
        ),
    ] = None,
    corpus: Corpus = None,
    languages: Languages = None,
    reference: Reference = None,
    segments: Segments = None,
    model: Annotated[str, typer.Option(help="Pythia model, 70m to 12b; none: tokens and money only.")] = "pythia-1.4b",
    backend: Annotated[
        str, typer.Option(help="analytic computes; ctranslate2, llamacpp and transformers measure on this machine.")
    ] = "analytic",
    quantization: BackendQuantization = None,
    new_tokens: Annotated[
        str, typer.Option(help="Tokens generated after each segment, or `same` for as many as the segment has.")
    ] = "64",
    threads: Threads = None,
    price_in: Annotated[
        float | None, decimal_option("--price-in", high=MOST_MONEY, help="Price per million tokens read.")
    ] = None,
    price_out: Annotated[
        float | None, decimal_option("--price-out", high=MOST_MONEY, help="Price per million tokens written.")
    ] = None,
    price_cached: Annotated[
        float | None,
        decimal_option("--price-cached", high=MOST_MONEY, help="Price per million tokens read from a prompt cache."),
    ] = None,
    cached_share: Annotated[
        float | None,
        decimal_option(
            "--cached-share", high=1, help="Share of the tokens read that are billed at --price-cached, from 0 to 1."
        ),
    ] = None,
    price_per_mtok: Annotated[
        float | None,
        decimal_option("--price-per-mtok", high=MOST_MONEY, help="The same price per million tokens, read or written."),
    ] = None,
    price_per_hour: Annotated[
        float | None,
        decimal_option("--price-per-hour", high=MOST_MONEY, help="Price of the machine per hour; needs seconds."),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of the prices (ISO 4217, such as EUR); nothing is converted.")
    ] = None,
    requests_per_day: Annotated[
        int | None,
        whole_option("--requests-per-day", low=1, high=MOST_REQUESTS, help="Also show the money of 30 such days."),
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
    allow_upload: AllowUpload = False,
    max_requests: MaxRequests = DEFAULT_REQUESTS,
) -> None:
    """Compute what texts cost: in money, and on a Pythia model.

    Reports tokens, FLOPs, seconds, KV cache and money, with each language's premium. Each segment is a request: it is
    read, and --new-tokens are written.

    With gpt-neox-20b the model is unchanged; any other tokenizer gives a what-if: the same layers, with as many
    embedding rows as that vocabulary needs. If no weights are available, a model of the same shape with random weights
    is measured: speed and memory do not depend on the values.
    """
    from tokbench.comparison import compare
    from tokbench.pythia.cost import ANALYTIC, OWN_TOKENIZER, check_run, check_seconds, cost
    from tokbench.report import check_results_format
    from tokbench.report._cost_results import show

    names = expand_tokenizers(tokenizers or [OWN_TOKENIZER], offline=offline)
    chosen = None if model == NO_MODEL else model
    check_run(chosen, backend, quantization)
    if ledger is not None:
        keep(ledger, names, chosen, backend, quantization, parse_new_tokens(new_tokens), threads, offline)
        return
    check_results_format(output_format)
    files = check_files(output)
    prices = read_prices(
        price_per_mtok,
        {
            "per_mtok_in": price_in,
            "per_mtok_out": price_out,
            "per_mtok_cached": price_cached,
            "cached_share": cached_share,
            "per_hour": price_per_hour,
            "requests_per_day": requests_per_day,
        },
        currency,
    )
    rates = read_rates(timings) if timings else ()
    amount = parse_new_tokens(new_tokens)
    check_seconds(prices, chosen, backend, rates)
    texts = open_corpus(corpus, languages, segments)
    counted = count_closed_models(names, texts, allow_upload=allow_upload, max_requests=max_requests, offline=offline)
    with show_progress() as progress:
        result = compare(
            counted,
            texts,
            reference=reference,
            metrics=["tokens_per_segment"],
            by_segment=True,
            throughput=False,
            offline=offline,
            progress=progress,
        )
    steps: list[str] = []

    def compute(engine: str, tell: Callable[[str], None]) -> Costs:
        return cost(
            result,
            model=chosen,
            backend=engine,
            quantization=quantization,
            new_tokens=amount,
            threads=threads,
            prices=prices,
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


def read_prices(per_mtok: float | None, prices: dict[str, Any], currency: str | None) -> Prices:
    """Return the prices that the options give; TokbenchError for options that exclude each other."""
    from tokbench.pythia.cost import Prices

    if per_mtok is not None:
        if prices["per_mtok_in"] is not None or prices["per_mtok_out"] is not None:
            raise TokbenchError(
                "--price-per-mtok is the price of tokens read and written",
                "leave it out, or the others",
            )
        prices = {**prices, "per_mtok_in": per_mtok, "per_mtok_out": per_mtok}
    return Prices(**prices, currency=currency.strip().upper() if currency is not None else None)


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
    model: str | None,
    backend: str,
    quantization: str | None,
    new_tokens: NewTokens,
    threads: int | None,
    offline: bool,
) -> None:
    """Trace one request and print where its time goes."""
    from tokbench._shared.environment import count_cores
    from tokbench.adapters import load_tokenizer
    from tokbench.cli.encode import read_input
    from tokbench.pythia.backends import run as load_runner
    from tokbench.pythia.cost import ANALYTIC, OWN_TOKENIZER, default_quantization
    from tokbench.pythia.cost.request_trace import trace_request
    from tokbench.pythia.formats.random_weights import open_or_make
    from tokbench.pythia.measure.machine_load import read_load
    from tokbench.report._cost_results import show_trace

    if backend == ANALYTIC or model is None:
        raise TokbenchError("--ledger measures, so it needs a backend", "for example: --backend ctranslate2")
    if names != [OWN_TOKENIZER]:
        raise TokbenchError("--ledger runs the model with its own tokenizer", f"leave out {', '.join(names)}")
    content = (read_input() if text == "-" else text).encode()
    tokenizer = load_tokenizer(OWN_TOKENIZER, offline=offline)
    checkpoint = open_or_make(model, offline=offline)
    kind = quantization or default_quantization(backend)
    runner = load_runner(checkpoint, backend, kind, threads=threads or count_cores())
    prompt = int(tokenizer.count_batch([content.decode()])[0])
    amount = max(prompt, 1) if new_tokens == "same" else new_tokens
    announce_load(read_load(), count_cores())
    try:
        found = trace_request(content, tokenizer, runner, amount)
    finally:
        runner.close()
    facts = f"{checkpoint.name} {kind} on {backend}, weights: {checkpoint.weights}"
    print_results(show_trace(found, facts, len(content)))
