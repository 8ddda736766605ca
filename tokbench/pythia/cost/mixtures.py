"""Costs over all languages: with equal weights, or of a mixture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tokbench.metrics.resampling import divide
from tokbench.pythia.cost.amounts import Amounts

Floats = npt.NDArray[np.float64]


def weigh_requests(amounts: Amounts, shares: Mapping[str, float]) -> Floats:
    """Return each language's share of the requests, (1, languages).

    shares: of a mixture; equal ones if empty.
    """
    if not shares:
        return np.full((1, len(amounts.languages)), 1 / len(amounts.languages))
    return np.array([[shares.get(lang, 0.0) for lang in amounts.languages]])


def weigh_text(amounts: Amounts, shares: Mapping[str, float]) -> Floats:
    """Return each language's share of the text of a training corpus, in characters, (1 or 1 + resamples, languages).

    shares: of the bytes of a mixture, as in a comparison; if empty, each language has the same text.
    """
    if not shares:
        return weigh_requests(amounts, shares)
    text = np.nan_to_num(divide(weigh_requests(amounts, shares), amounts.sizes))
    return divide(text, text.sum(axis=1, keepdims=True))


def mix(values: Floats, weights: Floats) -> Floats:
    """Return the weighted mean over languages, (rows, 1): those without a weight do not matter."""
    chosen = np.flatnonzero(weights[0])
    mixed: Floats = (values[:, chosen] * weights[:, chosen]).sum(axis=1, keepdims=True)
    return mixed
