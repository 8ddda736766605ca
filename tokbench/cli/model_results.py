"""`tokbench model results`: published evaluations, and what the same models cost."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._numbers import MOST_TOKENS, decimal_option, parse_whole, whole_option
from tokbench.cli._options import Efficiency, OutputFormat, Outputs, list_option
from tokbench.cli._progress import note
from tokbench.cli._results import bring_out, check_files
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokbench.pythia.model.architecture import Architecture
    from tokbench.pythia.results.published import Step
    from tokbench.pythia.speed.speeds import Speed

MOST_MONEY = 1e9


class Against(StrEnum):
    """Cost that accuracy is shown against."""

    flops = "flops"
    ram = "ram"
    seconds = "seconds"
    money = "money"


def run(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Models: names of the suite, opt-1.3b, bloom-7b1. [default: all]", show_default=False),
    ] = None,
    step: Annotated[
        str, typer.Option("--step", metavar="N", help="Training step, such as 3000 or step3000; last, or all.")
    ] = "last",
    task: Annotated[list[str] | None, list_option("--task", metavar="TASK", help="Tasks. [default: all]")] = None,
    shots: Annotated[int, whole_option("--shots", high=5, help="Examples in the prompt: 0 or 5.")] = 0,
    against: Annotated[
        Against | None,
        typer.Option(help="Show accuracy beside costs; a page (-o FILE.html) has a chart against this one."),
    ] = None,
    prompt_tokens: Annotated[
        int, whole_option("--prompt-tokens", low=1, high=MOST_TOKENS, help="Tokens read by a request.")
    ] = 128,
    new_tokens: Annotated[
        int, whole_option("--new-tokens", low=1, high=MOST_TOKENS, help="Tokens written by a request.")
    ] = 64,
    quantization: Annotated[
        str | None,
        typer.Option("--quantization", metavar="TYPE", help="Weight type of costs. [default: float16]"),
    ] = None,
    timings: Annotated[
        Path | None,
        typer.Option(
            "--timings", help="File of `tokbench model measure -o FILE.json`, for seconds.", show_default=False
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Estimate seconds on this device, such as h100, from its published figures.", show_default=False
        ),
    ] = None,
    efficiency: Efficiency = None,
    price_per_hour: Annotated[
        float | None, decimal_option("--price-per-hour", high=MOST_MONEY, help="Price of the machine, for money.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of the price, shown with it.", show_default=False)
    ] = None,
    output_format: OutputFormat = "table",
    output: Outputs = None,
) -> None:
    """Show published evaluations of the suite, of OPT and of BLOOM, or accuracy beside cost.

    The figures are EleutherAI's, of the LM Evaluation Harness of 2023; nothing is run or downloaded. Accuracies are of
    16-bit weights: what a smaller type loses, `tokbench-lm-eval` measures.
    """
    from tokbench.cli._seconds import choose_device
    from tokbench.pythia.results.published import published_results, read_source
    from tokbench.pythia.results.quality import Request, join_costs, weigh_models
    from tokbench.report._published import show_quality, show_results

    files = check_files(output)
    check_costs(against, timings, device, efficiency, price_per_hour)
    currency = check_currency(price_per_hour, currency)
    names = [part.strip() for name in models or () for part in name.split(",")]
    if not all(names):
        raise TokbenchError("a model has an empty name", "separate names with spaces or single commas")
    metrics = None if against is None else ("acc",)
    frame = published_results(names or None, step=parse_step(step), tasks=task, metrics=metrics, shots=shots)
    if against is None:
        bring_out(show_results(frame, read_source()), output_format, files)
        return
    request = Request(prompt_tokens, new_tokens, quantization or "float16", price_per_hour, currency)
    chosen = frame["model"].unique(maintain_order=True).to_list()
    if device is not None:
        chosen = leave_out_large(chosen, device, request.quantization)
    speed_of = choose_device(device, efficiency, request.quantization) or read_speeds(timings, quantization)
    costs, speed = weigh_models(chosen, request, speed_of)
    joined = join_costs(frame, costs)
    unknown = [name for name in chosen if name not in costs["model"]]
    if unknown and not joined.is_empty():
        note(f"tokbench: no costs of {', '.join(unknown)}: the shape is not known")
    if joined.is_empty():
        raise TokbenchError(f"the shape of {', '.join(chosen)} is not known", "choose models of the suite")
    basis = None if speed is None else f"{speed.basis}, {speed.note}"
    bring_out(show_quality(joined, against.value, request, basis, read_source()), output_format, files)


def parse_step(text: str) -> Step:
    """Parse a step: a number, with or without `step` before it, `last` or `all`."""
    if text == "last" or text == "all":
        return "last" if text == "last" else "all"
    return parse_whole("--step", text.removeprefix("step"), low=0, other=", last or all")


def check_costs(
    against: Against | None, timings: Path | None, device: str | None, efficiency: float | None, price: float | None
) -> None:
    """Raise TokbenchError for a cost without what it is computed from."""
    given = {"--timings": timings, "--device": device, "--efficiency": efficiency, "--price-per-hour": price}
    for name, value in given.items():
        if against is None and value is not None:
            raise TokbenchError(f"{name} is for costs", "add --against seconds or money")
    if timings is not None and device is not None:
        raise TokbenchError("seconds come from one source", "give --timings or --device")
    if against in (Against.seconds, Against.money) and timings is None and device is None:
        raise TokbenchError(
            f"--against {against.value} needs seconds",
            "add --device, or --timings FILE, of `tokbench model measure`",
        )
    if against is Against.money and price is None:
        raise TokbenchError("money needs a price", "add --price-per-hour")


def leave_out_large(models: list[str], device: str, quantization: str) -> list[str]:
    """Return the models whose weights fit a device, and name the others in a note.

    Raises TokbenchError if none fits.
    """
    from tokbench.pythia.devices import find_device
    from tokbench.pythia.devices.speeds import holds_weights
    from tokbench.pythia.model.quantization import find_quantization
    from tokbench.pythia.results.quality import find_shape

    spec, kind = find_device(device), find_quantization(quantization)
    large = [
        name for name in models if (shape := find_shape(name)) is not None and not holds_weights(spec, shape, kind)
    ]
    if len(large) == len(models):
        raise TokbenchError(
            f"the weights of {', '.join(large)} in {kind.label} do not fit {spec.title}",
            "choose a smaller type (--quantization) or another device",
        )
    if large:
        note(f"tokbench: left out {', '.join(large)}: the weights in {kind.label} do not fit {spec.title}")
    return [name for name in models if name not in large]


def check_currency(price: float | None, currency: str | None) -> str | None:
    """Return the code of a currency; TokbenchError for one that there is not, and for one without a price."""
    from tokbench.pythia.cost import Prices

    return Prices(per_hour=price, currency=currency.strip().upper() if currency is not None else None).currency


def read_speeds(timings: Path | None, quantization: str | None) -> Callable[[Architecture], Speed] | None:
    """Return what estimates speeds from a file of timings; None without one."""
    if timings is None:
        return None
    from tokbench.cli._seconds import read_rates
    from tokbench.pythia.speed.speeds import EstimatedSpeed, find_rates

    fitted = read_rates(timings)
    rates = (
        fitted[0] if quantization is None and len(fitted) == 1 else find_rates(fitted, None, quantization or "float16")
    )
    return lambda architecture: EstimatedSpeed(rates, architecture)
