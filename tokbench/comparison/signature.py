"""The signature of a figure: all that it depends on, on one line, so that two figures can be told apart or equal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

MANY_LANGUAGES = 8
SHORT_HASH = 8


@dataclass(frozen=True)
class SignedTokenizer:
    """A tokenizer in a signature: its files by hash, the engine and the function that ran it."""

    name: str
    sha256: str
    engine: str
    path: str


@dataclass(frozen=True)
class SignedCorpus:
    """A corpus in a signature: languages and texts in use, by hash."""

    name: str
    sha256: str
    languages: tuple[str, ...]
    n: int


def sign(
    tokenizers: Sequence[SignedTokenizer],
    corpus: SignedCorpus,
    *,
    metric: str | None = None,
    reference: str | None = None,
    baseline: str | None = None,
    bootstrap: str | None = None,
    segmenter: str,
    version: str,
    long: bool = True,
) -> str:
    """One line that says what figures are; fields in fixed order, separated by `|`.

    tok, eng: tokenizers and their engines in the same order. spec: special tokens (always off). corp, lang, n: the
    corpus, its languages and segments in each. ref, base: what premiums and NSL are relative to. agg: ratio of sums
    (micro). seg: the word segmenter. boot: how intervals were made (resamples, method, what was drawn, seed). m: the
    metric, if it is one. v: the version of tokbench and its definitions.
    The short form cuts hashes to 8 digits, and more than 8 languages to their number and a hash of their list.
    """
    digits = None if long else SHORT_HASH
    languages = ",".join(corpus.languages)
    if not long and len(corpus.languages) > MANY_LANGUAGES:
        digest = hashlib.sha256(languages.encode()).hexdigest()
        languages = f"{len(corpus.languages)}@sha256:{digest[:SHORT_HASH]}"
    fields = {
        "tok": ",".join(f"{t.name}@sha256:{t.sha256[:digits]}" for t in tokenizers),
        "eng": ",".join(f"{t.engine}/{t.path}" for t in tokenizers),
        "spec": "off",
        "corp": f"{corpus.name}@sha256:{corpus.sha256[:digits]}" if corpus.sha256 else corpus.name,
        "lang": languages,
        "n": str(corpus.n),
        "ref": reference,
        "base": baseline,
        "agg": "micro",
        "seg": segmenter,
        "boot": bootstrap,
        "m": metric,
        "v": version,
    }
    return "|".join(["tokbench", *(f"{key}:{value}" for key, value in fields.items() if value is not None)])
