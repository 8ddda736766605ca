"""What-ifs: a model with another tokenizer.

The same layers, with as many rows as that vocabulary needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import (
    VOCABULARY_MULTIPLE,
    break_even_nsl,
    decode_flops,
    flops_per_token,
    kv_cache_bytes,
    logits_share,
    pad_vocabulary,
    parameters,
    prefill_flops,
)
from tokbench.pythia.model.memory import weight_table

if TYPE_CHECKING:
    import polars as pl

    from tokbench.pythia.model.resolution import ModelSpec

Word = Literal["cheaper", "equal", "dearer"]


@dataclass(frozen=True)
class Verdict:
    """What a text costs with the other tokenizer.

    nsl: its tokens over those of the model's own tokenizer.
    relative_flops: forward FLOPs of a text over the original's, excluding attention: NSL over break-even NSL.
    """

    nsl: float
    break_even_nsl: float
    relative_flops: float
    word: Word


@dataclass(frozen=True)
class WhatIf:
    """A model as it is, and with another vocabulary of `vocabulary` tokens."""

    original: Architecture
    changed: Architecture
    vocabulary: int

    @property
    def break_even_nsl(self) -> float:
        """Return the NSL below which the changed model needs fewer forward FLOPs per text."""
        return break_even_nsl(self.original, self.changed.vocab_rows)

    def judge(self, nsl: float) -> Verdict:
        """Judge whether a text needs fewer forward FLOPs.

        nsl: the factor by which its tokens change.

        Raises TokbenchError for a negative factor.
        """
        if not nsl >= 0:
            raise TokbenchError(f"NSL is {nsl}, not a number of at least 0", "it is tokens over tokens of the baseline")
        even = self.break_even_nsl
        word: Word = "equal" if nsl == even else "cheaper" if nsl < even else "dearer"
        return Verdict(nsl, even, nsl / even, word)

    def costs(self) -> pl.DataFrame:
        """Compare both models.

        Columns: quantity, unit, original, changed, ratio (changed over original).

        FLOPs are per token when scoring (`flops_per_token`) and decoding at full context, and in total for the prefill
        of a full context.
        """
        import polars as pl

        both = (self.original, self.changed)
        rows: list[tuple[str, str, list[float]]] = [
            ("vocab_rows", "rows", [shape.vocab_rows for shape in both]),
            ("parameters", "parameters", [parameters(shape) for shape in both]),
            ("scoring", "FLOP/token", [flops_per_token(shape, shape.context) for shape in both]),
            ("decode", "FLOP/token", [decode_flops(shape, shape.context) for shape in both]),
            ("prefill", "FLOP", [prefill_flops(shape, shape.context) for shape in both]),
            ("logits_share", "share", [logits_share(shape, shape.context) for shape in both]),
            ("kv_cache", "B/token", [kv_cache_bytes(shape, 1) for shape in both]),
        ]
        return pl.DataFrame(
            [(name, unit, float(old), float(new)) for name, unit, (old, new) in rows],
            schema={"quantity": pl.String, "unit": pl.String, "original": pl.Float64, "changed": pl.Float64},
            orient="row",
        ).with_columns(ratio=pl.col("changed") / pl.col("original"))

    def weights(self) -> pl.DataFrame:
        """Compare the weight bytes in every type: quantization, original, changed, ratio."""
        import polars as pl

        old, new = (
            weight_table(shape).select("quantization", pl.col("weight_bytes").alias(column))
            for shape, column in ((self.original, "original"), (self.changed, "changed"))
        )
        joined = old.join(new, on="quantization", how="left", maintain_order="left", validate="1:1")
        return joined.with_columns(ratio=pl.col("changed") / pl.col("original"))


def what_if(architecture: Architecture, vocabulary: int, *, multiple: int = VOCABULARY_MULTIPLE) -> WhatIf:
    """Return a model with another tokenizer whose highest id is `vocabulary` - 1.

    Layers stay the same; rows are padded to `multiple`, that of the model's training (`Model.vocab_multiple`: 128, 256
    for 6.9B, 512 for 12B), so that a model's own tokenizer changes nothing. A model whose embeddings are one matrix
    keeps it so. Raises TokbenchError for a vocabulary
    without tokens.
    """
    return WhatIf(architecture, replace(architecture, vocab_rows=pad_vocabulary(vocabulary, multiple)), vocabulary)


def swap_tokenizer(spec: ModelSpec, tokenizer: str, vocabulary: int) -> WhatIf:
    """Return a model with another tokenizer; its own changes nothing, whatever its embedding is padded to.

    tokenizer, vocabulary: its name in the catalogue, and its highest id plus 1. Raises TokbenchError as `what_if` does.
    """
    if tokenizer == spec.tokenizer:
        return WhatIf(spec.architecture, spec.architecture, vocabulary)
    return what_if(spec.architecture, vocabulary, multiple=spec.vocab_multiple)
