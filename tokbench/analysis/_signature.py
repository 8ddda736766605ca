"""The signature of an analysis: everything that its values depend on, on one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tokbench import __version__
from tokbench.adapters import Tokenizer
from tokbench.metrics.resampling import Bootstrap


def sign_analysis(kind: str, tokenizers: Sequence[Tokenizer], facts: Mapping[str, str], bootstrap: Bootstrap) -> str:
    """Build the signature of an analysis: fields separated by `|`, in fixed order.

    kind: the command. tok, eng: tokenizers with the hash of their files, and their engines with the function called.
    facts: what is particular to the analysis, in its order. boot: resamples, method, resampling unit, seed. v: the
    version of tokbench and its definitions.
    """
    drawn = f"{bootstrap.resamples}/{bootstrap.method}/{bootstrap.draw}/seed{bootstrap.seed}"
    fields = {
        "tok": ",".join(f"{t.name}@sha256:{t.asset.sha256}" for t in tokenizers),
        "eng": ",".join(f"{t.engine}/{t.call}" for t in tokenizers),
        "spec": "off",
        **facts,
        "boot": drawn,
        "v": __version__,
    }
    return "|".join(["tokbench", f"an:{kind}", *(f"{key}:{value}" for key, value in fields.items())])
