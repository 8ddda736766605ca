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
    name: Annotated[str, typer.Argument(help="Size, name, hub id or old name, such as 1.4b, or a GGUF file.")],
    as_json: Json = False,
) -> None:
    """Show a model's facts and the parameters, FLOPs and memory they imply; of a GGUF file, what it holds."""
    if name.casefold().endswith(".gguf"):
        from tokbench.pythia.formats.opening import open_checkpoint
        from tokbench.report._model_files import show_file

        print_results(show_file(open_checkpoint(name)), "json" if as_json else "table")
        return
    from tokbench.pythia.model.models import find_model
    from tokbench.report._models import show

    print_results(show(find_model(name)), "json" if as_json else "table")
