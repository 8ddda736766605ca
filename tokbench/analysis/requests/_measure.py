"""All that requests cost beyond their texts, for several tokenizers on one corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tokbench._shared.notebook import Presented
from tokbench.adapters import Tokenizer
from tokbench.adapters._special_tokens import AddedSpecial, find_added_special
from tokbench.analysis._signing import sign_analysis
from tokbench.analysis.requests._chat import ChatTemplate, find_template, measure_chat
from tokbench.analysis.requests._lengths import measure_lengths
from tokbench.analysis.requests._record_formats import measure_formats
from tokbench.corpora import Corpus
from tokbench.errors import TokbenchError

CONTEXT = 4096
"""Tokens of the context window."""


@dataclass(frozen=True, eq=False)
class Requests(Presented):
    """What requests cost beyond their texts.

    added: special tokens added to each text, by tokenizer.
    templates: the chat template of each tokenizer, None without one or if the chat was left out.
    lengths: see `measure_lengths`. formats: see `measure_formats`. chat: see `measure_chat`.
    signature: all that the values depend on, in one line.
    """

    tokenizers: tuple[str, ...]
    corpus: str
    languages: tuple[str, ...]
    context: int
    added: Mapping[str, AddedSpecial]
    templates: Mapping[str, ChatTemplate | None]
    lengths: pl.DataFrame
    formats: pl.DataFrame
    chat: pl.DataFrame
    signature: str


def measure_requests(
    tokenizers: Sequence[Tokenizer],
    corpus: Corpus,
    *,
    context: int = CONTEXT,
    chat: bool = True,
    template: Path | None = None,
) -> Requests:
    """Measure lengths with special tokens, the overhead of chat templates, and formats of records.

    context: tokens of the context window.
    chat: whether templates are rendered, which needs Jinja.
    template: a file with the template of all tokenizers, instead of their own.

    Raises TokbenchError for two tokenizers with one name and for templates that cannot be rendered, MissingExtraError
    for templates without Jinja.
    """
    names = tuple(tokenizer.name for tokenizer in tokenizers)
    if len(set(names)) < len(names):
        raise TokbenchError("two of the tokenizers have the same name", "list each tokenizer once")
    added = {tokenizer.name: find_added_special(tokenizer) for tokenizer in tokenizers}
    templates = {t.name: find_template(t, template) if chat else None for t in tokenizers}
    return Requests(
        names,
        corpus.name,
        corpus.languages,
        context,
        added,
        templates,
        chat=measure_chat(tokenizers, corpus, templates),
        lengths=measure_lengths(tokenizers, corpus, added, context),
        formats=measure_formats(tokenizers, corpus),
        signature=sign_analysis(tokenizers, corpus, "requests", ctx=context, chat=digest_templates(templates)),
    )


def digest_templates(templates: Mapping[str, ChatTemplate | None]) -> str:
    """Return a short hash of each template's text, `none` without one, for the signature."""
    hashes = (
        "none" if one is None else f"sha256:{hashlib.sha256(one.text.encode()).hexdigest()[:8]}"
        for one in templates.values()
    )
    return ",".join(hashes)
