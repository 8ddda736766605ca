"""The command line: one module per subcommand, imported when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench import __version__
from tokbench.cli import (
    bench,
    compare,
    corpus,
    cost,
    diff,
    encode,
    explain,
    explain_diff,
    listing,
    model,
    model_run,
    overlap,
    pull,
    report,
    roundtrip,
    view,
    vocab,
)
from tokbench.cli._echo import echo

app = typer.Typer(
    name="tokbench",
    help="Compare LLM tokenizers: what each one costs on your text, in your language, on your model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.command("compare")(compare.run)
app.command("bench")(bench.run)
app.command("encode")(encode.run)
app.command("corpus")(corpus.run)
app.command("diff")(diff.run)
app.command("explain")(explain.run)
app.command("roundtrip")(roundtrip.run)
app.command("vocab")(vocab.run)
app.command("overlap")(overlap.run)
app.command("explain-diff")(explain_diff.run)
app.command("list")(listing.run)
app.command("pull")(pull.run)
app.command("cost")(cost.run)
app.command("report")(report.run)
app.command("view")(view.run)
app.add_typer(model.app)
model.app.command("make")(model_run.make)
model.app.command("measure")(model_run.measure)
model.app.command("score")(model_run.score)


def show_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        echo(f"tokbench {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Compare LLM tokenizers: their cost on your text, language and model."""
