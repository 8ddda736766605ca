"""Signatures of analyses: those of comparisons, with what an analysis depends on besides."""

from __future__ import annotations

from collections.abc import Sequence

from tokbench import __version__
from tokbench.adapters import Tokenizer
from tokbench.comparison.signature import SignedCorpus, SignedTokenizer, sign
from tokbench.corpora import Corpus


def sign_analysis(
    tokenizers: Sequence[Tokenizer], corpus: Corpus, name: str, *, bootstrap: str | None = None, **more: object
) -> str:
    """Return the signature of the values of an analysis, with short hashes.

    name: what is measured. more: further fields, in their order.
    """
    signature = sign(
        [SignedTokenizer(t.name, t.asset.sha256, t.engine, t.call) for t in tokenizers],
        SignedCorpus(corpus.name, corpus.sha256, corpus.languages, corpus.n, corpus.aligned),
        metric=name,
        bootstrap=bootstrap,
        segmenter="none",
        version=__version__,
        long=False,
    )
    return "|".join([signature, *(f"{key}:{value}" for key, value in more.items())])
