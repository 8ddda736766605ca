"""Verify candidates for under-trained tokens by prompting the model to repeat them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.analysis.vocabulary._reachability import Reach
from tokbench.analysis.vocabulary._undertrained import UndertrainedTokens
from tokbench.pythia.measure.repetition import Scorer, build_templates, measure_repetition

CONTROLS = 20
"""Typical tokens that are prompted too: a model that cannot repeat them verifies nothing."""

CANDIDATE, CONTROL = "candidate", "control"


@dataclass(frozen=True, eq=False)
class Verification:
    """The probabilities with which a model repeats tokens.

    model: backend and type. left_out: candidates that were not prompted.
    tokens: the columns
        id, bytes.
        group: candidate (the lowest indicator first), or control (a typical reachable token).
        echo, run, probability: see `Repetition`.
        under_trained: whether the probability is below 1 %.
    """

    model: str
    left_out: int
    tokens: pl.DataFrame

    def count(self, group: str) -> tuple[int, int]:
        """Return how many tokens of a group are under-trained by the test, and how many were prompted."""
        rows = self.tokens.filter(pl.col("group") == group)
        return int(rows["under_trained"].sum()), rows.height


def verify_tokens(
    found: UndertrainedTokens,
    tokenizer: Tokenizer,
    scorer: Scorer,
    model: str,
    *,
    most: int,
    tell: Callable[[str], object] = lambda _: None,
) -> Verification:
    """Prompt a model for candidates, and for typical tokens as a control.

    most: candidates that are prompted, those of the lowest indicator. tell: is called with the text of each token.
    """
    candidates = found.candidates()
    chosen = candidates.head(most)
    controls = pick_controls(found)
    templates = build_templates(tokenizer)
    rows = []
    for group, frame in ((CANDIDATE, chosen), (CONTROL, controls)):
        for number, content in frame.select("id", "bytes").iter_rows():
            tell(content.decode(errors="replace"))
            (answer,) = measure_repetition([number], templates, scorer)
            rows.append((number, content, group, answer.echo, answer.run, answer.probability, answer.verified))
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "id": pl.Int32,
        "bytes": pl.Binary,
        "group": pl.Enum([CANDIDATE, CONTROL]),
        "echo": pl.Float64,
        "run": pl.Float64,
        "probability": pl.Float64,
        "under_trained": pl.Boolean,
    }
    return Verification(model, candidates.height - chosen.height, pl.DataFrame(rows, schema=schema, orient="row"))


def pick_controls(found: UndertrainedTokens, number: int = CONTROLS) -> pl.DataFrame:
    """Return reachable tokens evenly spaced in the middle half of the ranking by the indicator."""
    ranked = found.sort(found.rows.filter((pl.col("class") == Reach.REACHABLE.value) & ~pl.col("candidate")))
    places = np.unique(np.linspace(0.25, 0.75, number) * max(ranked.height - 1, 0)).astype(np.int64)
    return ranked[np.unique(places)] if ranked.height else ranked
