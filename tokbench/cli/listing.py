"""`tokbench list`: what exists, whether it is here, where it comes from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tokbench.cli._options import Json
from tokbench.cli._results import print_results


class What(StrEnum):
    """What can be listed."""

    tokenizers = "tokenizers"
    sets = "sets"
    adapters = "adapters"
    metrics = "metrics"
    corpora = "corpora"
    devices = "devices"


def run(
    what: Annotated[What, typer.Argument(help="What to list.")],
    as_json: Json = False,
) -> None:
    """List what exists: local availability, origin and licence."""
    from tokbench.report._listings import show

    print_results(show(what.value), "json" if as_json else "table")
