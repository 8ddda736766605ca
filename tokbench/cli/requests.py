"""`tokbench requests`: what a request costs beyond its texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokbench.cli._numbers import whole_option
from tokbench.cli._options import (
    Corpus,
    Json,
    Languages,
    Offline,
    Segments,
    Split,
    TokenizerNames,
    expand_tokenizers,
    open_corpus,
)
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError


def run(
    tokenizers: TokenizerNames,
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    split: Split = None,
    context: Annotated[
        int, whole_option("--context", low=1, help="Context window in tokens: longer texts are counted.")
    ] = 4096,
    chat: Annotated[bool, typer.Option("--chat/--no-chat", help="Render chat templates (extra chat).")] = True,
    chat_template: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Chat template of all tokenizers. [default: of each one's own files]"),
    ] = None,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Measure what requests cost beyond their texts.

    Shows tokens per text with the special tokens that the tokenizer's files say are added, the longest texts and how
    many exceed a context, what chat templates add by number of turns, and the same records as JSON, YAML, XML, a
    Markdown table and CSV.

    Templates run in Jinja's sandbox, in a process with limits on time and memory; nothing else of a repository runs.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.requests import measure_requests
    from tokbench.report._requests import show

    if chat_template is not None and not chat:
        raise TokbenchError("--chat-template and --no-chat contradict each other", "leave one of them out")
    names = expand_tokenizers(tokenizers, offline=offline)
    texts = open_corpus(corpus, languages, segments, split)
    loaded = [load_tokenizer(name, offline=offline) for name in names]
    found = measure_requests(loaded, texts, context=context, chat=chat, template=chat_template)
    print_results(show(found), "json" if as_json else "table")
