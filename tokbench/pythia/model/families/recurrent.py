"""RWKV: a state of constant size in place of attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tokbench.pythia.model.architecture import Architecture, Embeddings, Mlp, Norms, Recurrence
from tokbench.pythia.model.families._keys import Keys

_WIDE = 4096  # version 6 doubles its ranks from this width on


def read_rwkv4(keys: Keys) -> Architecture:
    """Read RWKV-4: a state of vectors."""
    width = keys.whole("hidden_size")
    recurrence = Recurrence(4, keys.whole_or_none("attention_hidden_size"))
    return _build(keys, recurrence, keys.whole("intermediate_size", default=4 * width), heads=1)


def read_rwkv5(keys: Keys) -> Architecture:
    """Read RWKV-5 (Eagle): a state of a matrix per head."""
    return _read_matrices(keys, 5, 32, 64)


def read_rwkv6(keys: Keys) -> Architecture:
    """Read RWKV-6 (Finch): as RWKV-5, with mixing and decay that depend on the text."""
    wide = keys.whole("hidden_size") >= _WIDE
    return _read_matrices(keys, 6, 64 if wide else 32, 128 if wide else 64)


def _read_matrices(keys: Keys, version: int, mix: int, decay: int) -> Architecture:
    width, head = keys.whole("hidden_size"), keys.whole("head_size", default=64)
    inner = keys.whole("attention_hidden_size", default=width)
    if inner % head:
        raise keys.refuse("head_size", head, f"a divisor of the width {inner} of attention")
    hidden = keys.whole("intermediate_size", default=width * 7 // 2 // 32 * 32)
    return _build(keys, Recurrence(version, inner, head, mix, decay), hidden, heads=inner // head)


def _build(keys: Keys, recurrence: Recurrence, hidden: int, *, heads: int) -> Architecture:
    return Architecture(
        layers=keys.layers("num_hidden_layers"),
        width=keys.whole("hidden_size"),
        heads=heads,
        vocab_rows=keys.whole("vocab_size"),
        context=keys.whole("context_length", default=1024),
        rotary_fraction=0,
        parallel_residual=False,
        family=keys.text("model_type"),
        mlp=Mlp(hidden, bias=False, output_bias=False),
        norms=Norms(embedding=True),
        embeddings=Embeddings(keys.flag("tie_word_embeddings", default=False)),
        recurrence=recurrence,
    )


READERS: Mapping[str, Callable[[Keys], Architecture]] = {
    "rwkv": read_rwkv4,
    "rwkv5": read_rwkv5,
    "rwkv6": read_rwkv6,
}
