"""Weights of languages or groups on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tokbench.cli._numbers import parse_decimal
from tokbench.errors import TokbenchError

MOST = 1e9
"""Largest weight."""

Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        metavar="LABEL=WEIGHT,...",
        help="Values over all languages are of a mixture: en=60,zh=20,code=20. Weights are shares of the bytes, of any "
        "scale. Comma-separated or repeated.",
    ),
]


def parse_weights(listed: Sequence[str] | None) -> dict[str, float] | None:
    """Parse `LABEL=WEIGHT` pairs, comma-separated or repeated; None if there are none.

    Raises TokbenchError for a pair of another form, a label given twice, and a weight that is not above 0.

    >>> parse_weights(["en=.6,zh=.2", "code=.2"])
    {'en': 0.6, 'zh': 0.2, 'code': 0.2}
    """
    if not listed:
        return None
    weights: dict[str, float] = {}
    for pair in (part for text in listed for part in text.split(",")):
        label, equals, number = (part.strip() for part in pair.rpartition("="))
        if not (label and equals and number):
            raise TokbenchError(f"--weights has {pair!r}, which is not LABEL=WEIGHT", "for example: en=0.6,zh=0.4")
        if label in weights:
            raise TokbenchError(f"--weights gives {label} twice", "give each label once")
        weights[label] = parse_decimal(f"the weight of {label}", number, high=MOST)
        if not weights[label]:
            raise TokbenchError(f"the weight of {label} is 0", "leave it out, or give a number above 0")
    return weights
