"""Streams on the command line: how they are opened, and what is said of a run that was not complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from tokbench.cli._echo import echo
from tokbench.cli._options import Splits, open_corpus, split_languages
from tokbench.cli._output import FAILED
from tokbench.errors import INTERRUPTED, TokbenchError

if TYPE_CHECKING:
    from tokbench.comparison import Comparison
    from tokbench.corpora import Corpus, Stream


def open_source(
    corpus: Sequence[str] | None,
    languages: Sequence[str] | None = None,
    segments: int | None = None,
    split: Splits | None = None,
) -> Corpus | Stream:
    """Open the stream that --corpus names, or read the corpus, as `open_corpus` does.

    Raises TokbenchError for a stream beside other corpora, and for the first segments of one.
    """
    from tokbench.corpora import is_streamed

    streamed = [spec for spec in corpus or () if is_streamed(spec)]
    if not streamed:
        return open_corpus(corpus, languages, segments, split)
    if len(corpus or ()) > 1:
        raise TokbenchError(f"{streamed[0]} is a stream, and cannot be beside other corpora", "give one -c")
    if segments is not None:
        raise TokbenchError(f"{streamed[0]} is a stream, whose segments are not numbered", "leave out --segments")
    return open_only_stream(streamed[0], languages, split)


def open_only_stream(corpus: str, languages: Sequence[str] | None = None, split: Splits | None = None) -> Stream:
    """Open a stream; TokbenchError if it cannot be read as one."""
    from tokbench.corpora import open_stream

    return open_stream(corpus, split=None if split is None else split.value, languages=split_languages(languages))


@contextmanager
def telling(ended: BaseException | None, result: Comparison, texts: Corpus | Stream) -> Iterator[None]:
    """Write out a result, then say what ended the measurement early, if anything did, and what is missing."""
    try:
        yield
    finally:
        if isinstance(ended, KeyboardInterrupt):
            echo(f"tokbench: interrupted: the values cover {describe_coverage(result, texts)}", err=True)
            raise typer.Exit(INTERRUPTED)
        if ended is not None:
            echo("tokbench: without intervals, tests, speeds and examples because of an error:", err=True)
            raise ended
        if result.corpus.missing:
            name, reason = next(iter(result.corpus.missing.items()))
            count = len(result.corpus.missing)
            others = f" (and {count - 1:,} more)" if count > 1 else ""
            echo(f"tokbench: not measured: {name}{others}: {reason}", err=True)
            raise typer.Exit(FAILED)


def describe_coverage(result: Comparison, texts: Corpus | Stream) -> str:
    """Say how much of a corpus or stream the values cover."""
    from tokbench.corpora import Stream

    if isinstance(texts, Stream):
        return f"{result.corpus.shards:,} of {len(texts.shards):,} shards"
    return f"the first {result.corpus.segments:,} of {texts.n:,} segments"
