"""`tokbench plan`: what measuring a stream will take."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._options import (
    Executor,
    Json,
    Languages,
    Offline,
    OptionalTokenizerNames,
    Split,
    Workers,
    expand_tokenizers,
    list_option,
)
from tokbench.cli._results import print_results
from tokbench.cli._streams import open_only_stream


def run(
    tokenizers: OptionalTokenizerNames = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            "-c", "--corpus", metavar="SOURCE", help="Source: a file, a glob or an address.", show_default=False
        ),
    ] = None,
    languages: Languages = None,
    split: Split = None,
    metrics: Annotated[
        list[str] | None,
        list_option(
            "-m", "--metric", metavar="METRIC", help="Metrics that are to be computed. [default: all but strr_*]"
        ),
    ] = None,
    executor: Executor = None,
    workers: Workers = None,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Estimate what `compare` on a stream takes: what is read, CPU time, memory, time on so many workers.

    A few MB from several shards are measured in a worker of the executor, by default on this machine.
    """
    from tokbench.comparison.planning import plan_stream
    from tokbench.errors import TokbenchError
    from tokbench.measurement.loading import DEFAULT_TOKENIZERS
    from tokbench.report._plan import show

    if corpus is None:
        raise TokbenchError("no source is given", "add -c SOURCE")
    stream = open_only_stream(corpus, languages, split)
    names = expand_tokenizers(tokenizers or DEFAULT_TOKENIZERS, offline=offline)
    plan = plan_stream(names, stream, metrics=metrics, executor=executor or "local", workers=workers, offline=offline)
    print_results(show(plan), "json" if as_json else "table")
