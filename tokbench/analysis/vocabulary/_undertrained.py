"""Find tokens that a model has hardly been trained on, from its embedding matrices alone.

After Land & Bartolo 2024 (arXiv 2405.05417).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import numpy as np
import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.analysis.vocabulary._embedding_rows import (
    Floats,
    Ids,
    average_rows,
    measure_distances,
    measure_norms,
    measure_spread,
)
from tokbench.analysis.vocabulary._reachability import Reach, classify_reach
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.embeddings import Embeddings, Matrix

SHARE = 0.02
"""The share of the reachable tokens that are candidates, as in the paper."""

DIGITS = 6
"""Significant digits of all figures, so that the order in which a library adds does not show."""

SPECIAL, PADDING = "special", "padding"
CLASSES = (*(kind.value for kind in Reach), SPECIAL, PADDING)
"""Classes of rows: the reach of their token, or that there is no text of it to encode."""


class Indicator(StrEnum):
    """What tells under-trained rows: the lower, the less training."""

    INPUT_NORM = "input_norm"
    """Euclidean norm of the input row: weight decay shrinks rows that no text updates."""
    COSINE = "output_cosine"
    """Cosine distance of the unembedding row to the mean of the reference rows."""
    COSINE_WITHOUT_COMPONENT = "output_cosine_without_pc"
    """The same, with the first principal component of all rows removed."""


class Reference(StrEnum):
    """Rows that no text trains, in the order in which they are looked for."""

    PADDING = "padding"
    """Rows of ids that no token has: beyond the last id, and in holes."""
    UNREACHABLE = "unreachable"
    """Rows of tokens that no text produces."""
    BYTES = "bytes"
    """Rows of tokens whose bytes occur in no valid UTF-8."""


@dataclass(frozen=True, eq=False)
class UndertrainedTokens:
    """The rows of a model's embeddings, and those that look untrained.

    tied_by: what says that both matrices are one; None if they are two.
    reference: the kind of rows that distances are to; `reference_ids`, theirs.
    available: rows of each kind of reference.
    indicator: the one that ranks rows.
    share: of the reachable tokens, those that are candidates; `threshold`, the highest indicator among these.
    middle: the medians of the indicator over the reference rows, and over the reachable tokens.
    limit: halfway between both.
    separates: whether there are several reference rows, and the first is below the lower quartile of the reachable
        tokens; otherwise the indicator tells nothing in this model.
    rows: one per row of the matrices, with the columns
        id
        bytes: of the token; null without any, and for special tokens.
        class: one of `CLASSES`.
        input_norm: null if embeddings are tied.
        output_norm, output_cosine, output_cosine_without_pc: distances are null for rows of zeros; those of a reference
            row are to the mean of the others.
        candidate: a reachable token whose indicator is at most `threshold`, or null.
        like_reference: whether the indicator is null, or at most `limit`: nearer to the reference rows than to a
            typical token.
    """

    tokenizer: str
    sha256: str
    checkpoint: str
    random: bool
    tensors: tuple[str, ...]
    dtype: str
    width: int
    tied_by: str | None
    reference: Reference
    reference_ids: Ids
    available: dict[Reference, int]
    indicator: Indicator
    share: float
    threshold: float
    middle: tuple[float, float]
    separates: bool
    rows: pl.DataFrame

    @property
    def limit(self) -> float:
        """Return the highest indicator of a row that is like the reference rows."""
        return sum(self.middle) / 2

    def candidates(self) -> pl.DataFrame:
        """Return the candidates, the lowest indicator first."""
        return self.sort(self.rows.filter("candidate"))

    def lowest(self) -> pl.DataFrame:
        """Return all rows at or below the threshold, whatever their class, but those of no token."""
        low = pl.col(self.indicator.value).is_null() | (pl.col(self.indicator.value) <= self.threshold)
        return self.sort(self.rows.filter(low & (pl.col("class") != PADDING)))

    def sort(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Sort rows by the indicator; those of zeros come first."""
        return rows.sort(self.indicator.value, "id", nulls_last=False)

    def count_by_class(self) -> pl.DataFrame:
        """Count rows by class: class, rows, median (of the indicator), below (the threshold), like_reference."""
        value = pl.col(self.indicator.value)
        counted = self.rows.group_by("class").agg(
            rows=pl.len(),
            median=value.median().round_sig_figs(DIGITS),
            below=(value.is_null() | (value <= self.threshold)).sum(),
            like_reference=pl.col("like_reference").sum(),
        )
        return counted.sort("class")


def find_undertrained(
    tokenizer: Tokenizer,
    embeddings: Embeddings,
    *,
    share: float = SHARE,
    indicator: Indicator | None = None,
    reference: Reference | None = None,
) -> UndertrainedTokens:
    """Find the tokens whose rows look as if they had not been trained.

    share: of the reachable tokens, to be called candidates.
    indicator: by default the norm of the input row; if embeddings are tied, the cosine distance of the output row.
    reference: by default the first kind of which there are rows that are not all zeros.

    Raises TokbenchError if the matrices have too few rows for the tokenizer, if there are no reference rows, for an
    indicator that tied embeddings do not have, and for values that are not finite.
    """
    if embeddings.tied and indicator is Indicator.INPUT_NORM:
        raise TokbenchError(
            f"{embeddings.name} has tied embeddings, whose norms say little of training",
            f"use the indicator {Indicator.COSINE} or {Indicator.COSINE_WITHOUT_COMPONENT}",
        )
    ranked_by = indicator or (Indicator.COSINE if embeddings.tied else Indicator.INPUT_NORM)
    tokens = classify_rows(tokenizer, embeddings.output.rows)
    groups = group_references(tokens)
    spread = measure_spread(embeddings.output)
    kind = choose_reference(embeddings.output, groups, reference)
    plain, without = measure_distances(embeddings.output, groups[kind], spread.component)
    norms = None if embeddings.tied else measure_norms(embeddings.input)
    rows = tokens.with_columns(
        input_norm=pl.Series(norms, dtype=pl.Float64) if norms is not None else pl.lit(None, pl.Float64),
        output_norm=pl.Series(spread.norms),
        output_cosine=pl.Series(plain).fill_nan(None),
        output_cosine_without_pc=pl.Series(without).fill_nan(None),
    ).with_columns(pl.col("input_norm", "output_norm", "^output_cosine.*$").round_sig_figs(DIGITS))
    values = rows[ranked_by.value].to_numpy()
    reachable = (rows["class"] == Reach.REACHABLE.value).to_numpy()
    threshold = find_threshold(values[reachable], share)
    middle = float(np.nanmedian(values[groups[kind]])), float(np.nanmedian(values[reachable]))
    zeros = np.isnan(values)
    return UndertrainedTokens(
        tokenizer=tokenizer.name,
        sha256=tokenizer.asset.sha256,
        checkpoint=embeddings.name,
        random=embeddings.random,
        tensors=tuple(dict.fromkeys((embeddings.input.name, embeddings.output.name))),
        dtype=embeddings.output.dtype,
        width=embeddings.output.width,
        tied_by=embeddings.tied_by,
        reference=kind,
        reference_ids=groups[kind],
        available={one: len(ids) for one, ids in groups.items()},
        indicator=ranked_by,
        share=share,
        threshold=threshold,
        middle=middle,
        separates=len(groups[kind]) > 1 and middle[0] < float(np.nanquantile(values[reachable], 0.25)),
        rows=rows.with_columns(
            candidate=pl.Series(reachable & (zeros | (values <= threshold))),
            like_reference=pl.Series(zeros | (values <= sum(middle) / 2)),
        ),
    )


def classify_rows(tokenizer: Tokenizer, rows: int) -> pl.DataFrame:
    """Return the columns id, bytes and class of all rows; TokbenchError if a token has none."""
    table, reach, special = tokenizer.token_table(), classify_reach(tokenizer), tokenizer.special_tokens()
    highest = max((*reach, *special), default=-1)
    if highest >= rows:
        raise TokbenchError(
            f"the weights have {rows:,} rows, but {tokenizer.name} has ids up to {highest:,}",
            "use the tokenizer that the model was trained with",
        )
    classes = np.full(rows, PADDING, dtype=object)
    contents: list[bytes | None] = [None] * rows
    for number in special:
        classes[number] = SPECIAL
    for number, kind in reach.items():
        classes[number], contents[number] = kind.value, table[number]
    return pl.DataFrame(
        {"id": range(rows), "bytes": contents, "class": classes.tolist()},
        schema={"id": pl.Int32, "bytes": pl.Binary, "class": pl.Enum(CLASSES)},
    )


def group_references(tokens: pl.DataFrame) -> dict[Reference, Ids]:
    """Return the ids of each kind of reference rows."""
    members = {
        Reference.PADDING: (PADDING,),
        Reference.UNREACHABLE: (Reach.SINGLE.value, Reach.MULTI.value),
        Reference.BYTES: (Reach.IMPOSSIBLE.value,),
    }
    return {
        kind: tokens.filter(pl.col("class").is_in(classes))["id"].to_numpy().astype(np.int64)
        for kind, classes in members.items()
    }


def choose_reference(matrix: Matrix, groups: dict[Reference, Ids], wanted: Reference | None) -> Reference:
    """Return the kind of reference rows to use.

    Raises TokbenchError if there is no row of the kind that is wanted, or of any, or if their mean has no direction.
    """
    for kind in (wanted,) if wanted else tuple(groups):
        if len(groups[kind]) and average_rows(matrix, groups[kind]).any():
            return kind
    counts = ", ".join(f"{len(ids):,} {kind.value}" for kind, ids in groups.items())
    raise TokbenchError(
        f"{matrix.file} has no {wanted.value if wanted else 'untrained'} rows to compare with, or they are all zeros",
        f"its rows: {counts}",
    )


def find_threshold(values: Floats, share: float) -> float:
    """Return the highest of the lowest values that make up a share, rounded up to a whole number of them.

    Raises TokbenchError if there are no values; NaN are not counted.
    """
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        raise TokbenchError(
            "no token can be ranked: none that text produces has a row with values", "check the weights"
        )
    return float(known[ceil(share * len(known)) - 1])
