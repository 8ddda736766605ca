"""`tokbench model`: models, and what follows from their shapes."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._numbers import MOST_MONEY, MOST_TOKENS, decimal_option, whole_option
from tokbench.cli._options import Corpus, Efficiency, Json, Languages, Offline, Reference, Segments
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError

app = typer.Typer(name="model", help="Pythia models: facts, sizes, costs.", no_args_is_help=True)


def list_models(
    others: Annotated[bool, typer.Option("--others", help="List the models of other families instead.")] = False,
    as_json: Json = False,
) -> None:
    """List the models of the suite, each trained on the Pile and on the deduplicated Pile.

    It also knows pythia-14m, pythia-31m, the first release (`-v0`) and other seeds (`-seed1` to `-seed9`).
    """
    from tokbench.report._models import show_relatives, show_suite

    print_results(show_relatives() if others else show_suite(), "json" if as_json else "table")


def show_model(
    name: Annotated[
        str,
        typer.Argument(
            help="Name, size or hub id, such as 1.4b, pythia-70m-seed1 or llama-2-7b; a config.json or its folder; "
            "org/name, whose config.json is downloaded; or a GGUF file."
        ),
    ],
    device: Annotated[
        str | None,
        typer.Option(
            help="Also estimate seconds, joules and the largest batch on a device; see: tokbench list devices."
        ),
    ] = None,
    efficiency: Efficiency = None,
    quantization: Annotated[
        str | None, typer.Option(help="Weight type on the device. [default: float16]", show_default=False)
    ] = None,
    context: Annotated[
        int | None,
        whole_option(
            "--context", low=1, high=MOST_TOKENS, help="Tokens per text on the device. [default: the model's context]"
        ),
    ] = None,
    price_per_hour: Annotated[
        float | None,
        decimal_option(
            "--price-per-hour", high=MOST_MONEY, help="Price of the device, for money per token and request."
        ),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of the price (ISO 4217, such as EUR); nothing is converted.")
    ] = None,
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    reference: Reference = None,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Show a model's facts and the parameters, FLOPs and memory they imply; of a GGUF file, what it holds.

    With --device, also what that device is estimated to do with it; with --corpus or --languages, by language: a
    segment of mean length is read, and as much text written.
    """
    from tokbench.cli._device_estimate import estimate_on_device, read_price, refuse_alone
    from tokbench.pythia.model.resolution import resolve_model
    from tokbench.report._models import show

    if device is None:
        given = {"--efficiency": efficiency, "--quantization": quantization, "--context": context, "--corpus": corpus}
        given |= {"--languages": languages, "--segments": segments, "--reference": reference}
        refuse_alone(given | {"--price-per-hour": price_per_hour, "--currency": currency})
    price = read_price(price_per_hour, currency)
    if name.casefold().endswith(".gguf"):
        from tokbench.pythia.formats.file_facts import gather_file_facts
        from tokbench.report._model_files import show_file

        if device is not None:
            raise TokbenchError("estimates on a device are of named models", "name the model that the file holds")
        print_results(show_file(gather_file_facts(name)), "json" if as_json else "table")
        return
    model = resolve_model(name, offline=offline)
    results = show(model)
    if device is not None:
        from tokbench.report._devices import add_device

        kind = quantization or "float16"
        where = (corpus, languages, segments, reference, price)
        results = add_device(
            results, estimate_on_device(model, device, kind, efficiency, context, *where, offline=offline)
        )
    print_results(results, "json" if as_json else "table")
