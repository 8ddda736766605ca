"""Signatures: everything that a value depends on, on one line.

They tell whether two values are comparable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MANY_LANGUAGES = 8
SHORT_HASH = 8


def read_signature(signature: str) -> dict[str, str]:
    """Split a signature into its fields."""
    return dict(field.split(":", 1) for field in signature.split("|")[1:] if ":" in field)


@dataclass(frozen=True)
class SignedTokenizer:
    """A tokenizer in a signature: hash of its files, engine and function."""

    name: str
    sha256: str
    engine: str
    path: str


@dataclass(frozen=True)
class SignedCorpus:
    """A corpus in a signature: its languages or groups, and a hash of the texts in use."""

    name: str
    sha256: str
    languages: tuple[str, ...]
    n: int
    aligned: bool = True
    shares: Mapping[str, float] = field(default_factory=dict)
    sample: str | None = None


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
    """Build the signature of values: one line of fields in fixed order.

    Fields are separated by `|`.

    tok, eng: tokenizers and their engines, in the same order.
    spec: special tokens (always off).
    corp, lang, n: the corpus, its languages, and segments per language.
    mix: the share of each language in the mixture that values over all languages are of, if there is one.
    samp: how a sample was drawn (precision, seed, pieces); only if not all was read.
    pairs: `none` if the texts are groups and not parallel; n is then the segments of all groups.
    ref, base: what premiums and NSL are relative to.
    agg: ratio of sums (micro).
    seg: the word segmenter.
    boot: how intervals were computed (resamples, method, resampling unit, seed).
    m: the metric, if there is only one.
    v: the version of tokbench and its definitions.

    The short form (`long=False`) cuts hashes to 8 digits, and replaces more than 8 languages by their number and a hash
    of the list.
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
        "samp": corpus.sample,
        "pairs": None if corpus.aligned else "none",
        "mix": ",".join(f"{label}={share:.6g}" for label, share in corpus.shares.items()) or None,
        "ref": reference,
        "base": baseline,
        "agg": "micro",
        "seg": segmenter,
        "boot": bootstrap,
        "m": metric,
        "v": version,
    }
    return "|".join(["tokbench", *(f"{key}:{value}" for key, value in fields.items() if value is not None)])


def digest_signature(signature: str) -> str:
    """Return the first 12 digits of a signature's SHA-256, which fit where the signature does not."""
    return hashlib.sha256(signature.encode()).hexdigest()[:12]
