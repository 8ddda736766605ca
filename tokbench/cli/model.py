"""`tokbench model`: the Pythia models, and what follows from their shapes."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._options import Json
from tokbench.cli._results import print_results

app = typer.Typer(name="model", help="Pythia models: facts, sizes, costs.", no_args_is_help=True)


def list_models(as_json: Json = False) -> None:
    """List the models, each trained on the Pile and on the deduplicated Pile."""
    from tokbench.report._models import show_suite

    print_results(show_suite(), "json" if as_json else "table")


def show_model(
    name: Annotated[str, typer.Argument(help="Size, name, hub id or old name, such as 1.4b or pythia-1.4b-deduped.")],
    as_json: Json = False,
) -> None:
    """Show a model's facts and the parameters, FLOPs and memory they imply."""
    from tokbench.pythia.model.models import find_model
    from tokbench.report._models import show

    print_results(show(find_model(name)), "json" if as_json else "table")
