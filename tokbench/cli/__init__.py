"""The command line: one module per subcommand, imported when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from tokbench import __version__
from tokbench.cli import (
    atlas,
    bench,
    card,
    check,
    code,
    compare,
    config,
    corpus,
    cost,
    count,
    diff,
    encode,
    explain,
    explain_diff,
    listing,
    load_test,
    model,
    model_results,
    model_run,
    model_score,
    morphology,
    ngrams,
    overlap,
    plan,
    pull,
    rank,
    report,
    requests,
    robust,
    roundtrip,
    sweep,
    view,
    vocab,
)
from tokbench.cli._commands import extend
from tokbench.cli._echo import echo
from tokbench.cli._usage import Command

app = typer.Typer(
    name="tokbench",
    help="Compare LLM tokenizers: what each one costs on your text, in your language, on your model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

COMMANDS: dict[str, Callable[..., None]] = {
    "compare": compare.run,
    "rank": rank.run,
    "atlas": atlas.run,
    "bench": bench.run,
    "count": count.run,
    "encode": encode.run,
    "corpus": corpus.run,
    "diff": diff.run,
    "explain": explain.run,
    "check": check.run,
    "card": card.run,
    "roundtrip": roundtrip.run,
    "robust": robust.run,
    "requests": requests.run,
    "vocab": vocab.run,
    "sweep": sweep.run,
    "overlap": overlap.run,
    "ngrams": ngrams.run,
    "morphology": morphology.run,
    "code": code.run,
    "explain-diff": explain_diff.run,
    "plan": plan.run,
    "config": config.run,
    "list": listing.run,
    "pull": pull.run,
    "cost": cost.run,
    "report": report.run,
    "view": view.run,
}
MODEL_COMMANDS: dict[str, Callable[..., None]] = {
    "list": model.list_models,
    "show": model.show_model,
    "results": model_results.run,
    "make": model_run.make,
    "measure": model_run.measure,
    "load-test": load_test.run,
    "score": model_score.run,
}

for name, function in COMMANDS.items():
    app.command(name, cls=Command)(extend((name,), function))
app.add_typer(model.app)
for name, function in MODEL_COMMANDS.items():
    model.app.command(name, cls=Command)(extend(("model", name), function))


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
