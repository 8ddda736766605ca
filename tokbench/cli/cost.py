"""`tokbench cost`: what texts cost on a Pythia model, end to end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._ledger import trace
from tokbench.cli._machine_load import announce_present_load
from tokbench.cli._numbers import (
    MOST_MONEY,
    MOST_REQUESTS,
    MOST_TOKENS,
    decimal_option,
    parse_whole,
    share_option,
    whole_option,
)
from tokbench.cli._options import (
    BackendQuantization,
    Corpus,
    Efficiency,
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
from tokbench.cli._prices import read_prices
from tokbench.cli._progress import measuring, show_progress
from tokbench.cli._results import bring_out, check_files
from tokbench.cli._seconds import choose_device, read_rates, refuse_runs
from tokbench.cli._uploads import DEFAULT_REQUESTS, AllowUpload, MaxRequests, count_closed_models
from tokbench.cli._weights import Weights, parse_weights
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.cost import Costs
    from tokbench.pythia.cost.request import NewTokens

NO_MODEL = "none"
DEVICE_TYPE = "float16"

MOST_TEXT = 10_000_000
"""Most characters of a request."""


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
    weights: Weights = None,
    model: Annotated[
        str, typer.Option(help="Model, such as pythia-410m; none: tokens and money only.")
    ] = "pythia-1.4b",
    backend: Annotated[
        str, typer.Option(help="analytic computes; ctranslate2, llamacpp and transformers measure on this machine.")
    ] = "analytic",
    quantization: BackendQuantization = None,
    prompt_chars: Annotated[
        int | None,
        whole_option(
            "--prompt-chars",
            low=1,
            high=MOST_TEXT,
            help="Characters that a request reads, in the reference language; other languages read their translation. "
            "[default: the mean segment]",
            show_default=False,
        ),
    ] = None,
    new_text: Annotated[
        int | None,
        whole_option(
            "--new-text",
            low=1,
            high=MOST_TEXT,
            help="Characters that it writes, in the reference language. [default: as many as it reads]",
            show_default=False,
        ),
    ] = None,
    new_tokens: Annotated[
        str | None,
        typer.Option(
            help="Write this many tokens instead, which is more text in some tokenizers than in others; `same`: as "
            "many as are read, the default."
        ),
    ] = None,
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
        share_option(
            "--cached-share", low=0, high=1, help="Share of the tokens read that are billed at --price-cached."
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
    listed_prices: Annotated[
        str | None,
        typer.Option(
            "--prices",
            metavar="MODEL[@DATE]",
            help="Prices of a model from the dated list inside the package genai-prices (extra prices), such as "
            "gpt-4o@2026-11 or azure:gpt-4o. [default date: today]",
            show_default=False,
        ),
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
    extrapolate: Annotated[
        bool,
        typer.Option(
            "--extrapolate", help="With a backend: from two models with few of the layers, for one too large to run."
        ),
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(
            help="Estimate seconds on this device, such as h100, from its published figures; its weights are float16 "
            "unless --quantization names another type."
        ),
    ] = None,
    efficiency: Efficiency = None,
    ledger: Annotated[
        str | None, typer.Option(metavar="TEXT|-", help="Instead of a corpus, show where the time of one request goes.")
    ] = None,
    output_format: OutputFormat = "table",
    output: Outputs = None,
    offline: Offline = False,
    allow_upload: AllowUpload = False,
    max_requests: MaxRequests = DEFAULT_REQUESTS,
) -> None:
    """Compute what texts cost: in money, and on a model.

    Reports tokens, FLOPs, seconds, KV cache and money for requests of the same text: each language's premium, and each
    tokenizer relative to the model's own, for serving and for training. By default, a request reads the corpus' mean
    segment and writes as much text.

    With the model's own tokenizer it is unchanged; any other gives a what-if: the same layers, with as many
    embedding rows as that vocabulary needs. If no weights are available, a model of the same shape with random weights
    is measured: speed and memory do not depend on the values.
    """
    from tokbench.comparison import compare
    from tokbench.pythia.cost import (
        ANALYTIC,
        OWN_TOKENIZER,
        Prices,
        Request,
        check_run,
        check_seconds,
        check_source,
        cost,
        default_quantization,
    )
    from tokbench.report import check_results_format
    from tokbench.report._cost_results import show

    names = expand_tokenizers(tokenizers or [OWN_TOKENIZER], offline=offline)
    chosen = None if model == NO_MODEL else model
    check_results_format(output_format)
    files = check_files(output)
    check_run(chosen, backend, quantization, offline=offline)
    if chosen is None:
        refuse_runs({"--device": device, "--timings": timings, "--quantization": quantization})
    request = Request(prompt_chars, new_text, parse_new_tokens(new_tokens))
    if ledger is not None:
        traced = trace(ledger, names, chosen, backend, quantization, request, threads, offline)
        bring_out(traced, output_format, files)
        return
    prices = read_prices(
        listed_prices,
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
    if device is not None and quantization is None:
        quantization = DEVICE_TYPE
    speed_of = choose_device(device, efficiency, quantization or default_quantization(backend))
    check_source(backend, bool(rates), speed_of is not None)
    if extrapolate and backend == ANALYTIC:
        raise TokbenchError("--extrapolate measures, so it needs a backend", "for example: --backend llamacpp")
    check_seconds(prices, chosen, backend, bool(rates) or speed_of is not None)
    shares = parse_weights(weights)
    texts = open_corpus(corpus, languages, segments)
    counted = count_closed_models(names, texts, allow_upload=allow_upload, max_requests=max_requests, offline=offline)
    with show_progress() as progress:
        result = compare(
            counted,
            texts,
            reference=reference,
            metrics=["tokens_per_segment", "round_trip_whitespace"],  # a loss is no saving
            by_segment=True,
            weights=shares,
            throughput=False,
            offline=offline,
            progress=progress,
        )
    steps: list[str] = []
    if backend != ANALYTIC:
        announce_present_load()

    def compute(
        engine: str, tell: Callable[[str], None], on_share: Callable[[float], object], prices: Prices = prices
    ) -> Costs:
        return cost(
            result,
            model=chosen,
            backend=engine,
            quantization=quantization,
            prompt_chars=request.prompt_chars,
            new_text=request.new_text,
            new_tokens=request.new_tokens,
            threads=threads,
            prices=prices,
            rates=rates if engine == backend else (),
            speed_of=speed_of if engine == backend else None,
            extrapolate=extrapolate and engine == backend,
            offline=offline,
            on_step=tell,
            on_share=on_share,
        )

    try:
        with measuring(len(result.tokenizers) if backend != ANALYTIC else 0) as tell:

            def begin(step: str) -> None:
                steps.append(step)
                tell(step)

            costs = compute(backend, begin, tell.show_share)
    except BaseException:
        if steps:  # the tokens and FLOPs are known, the seconds that a price per hour needs are not
            known = prices if prices.per_hour is None else Prices()
            with suppress(typer.Exit):
                bring_out(show(compute(ANALYTIC, steps.append, lambda _: None, known)), output_format, files)
        raise
    bring_out(show(costs), output_format, files)


def parse_new_tokens(text: str | None) -> NewTokens | None:
    """Parse a number of tokens, or `same`."""
    if text is None or text == "same":
        return text  # type: ignore[return-value]
    return parse_whole("--new-tokens", text, high=MOST_TOKENS, other=", or same")
