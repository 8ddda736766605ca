"""`tokbench model`: models, and what follows from their shapes."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._options import Json, Offline
from tokbench.cli._results import print_results

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
            help="Name, size or hub id, such as 1.4b, pythia-70m-seed1 or llama-2-7b; a config.json or its folder; a "
            "GGUF file; or org/name, whose config.json is downloaded."
        ),
    ],
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Show a model's facts and the parameters, FLOPs and memory they imply; of a GGUF file, what it holds."""
    if name.casefold().endswith(".gguf"):
        from tokbench.pythia.formats.file_facts import gather_file_facts
        from tokbench.report._model_files import show_file

        print_results(show_file(gather_file_facts(name)), "json" if as_json else "table")
        return
    from tokbench.pythia.model.resolution import resolve_model
    from tokbench.report._models import show

    print_results(show(resolve_model(name, offline=offline)), "json" if as_json else "table")
