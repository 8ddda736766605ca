"""What the measurement of seconds leaves open, of costs and of their ratios.

The texts and the measurement vary independently. Their intervals of a ratio are joined on a logarithmic scale: the
distances of each bound from the ratio, squared and added (Zou and Donner 2008, doi:10.1002/sim.3095).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokbench.metrics.resampling import divide
from tokbench.pythia.cost.mixtures import mix
from tokbench.pythia.cost.quantities import Costing, draw_seconds
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.speed.speeds import TimedSpeed

Floats = npt.NDArray[np.float64]
Interval = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class Spread:
    """The seconds of a request with one tokenizer, from resampled rounds.

    seconds: (draws, languages + 1): the last column is over all languages.
    aa_ratio: by what factor unchanged work differed on the machine; None if unknown, which leaves all bounds NaN.
    level: coverage of the bounds.
    """

    architecture: Architecture | None
    seconds: Floats
    aa_ratio: float | None
    level: float

    def interval(self) -> Interval:
        """Return bounds of the seconds, by language: what measuring again would give."""
        return widen(self.seconds, self.aa_ratio, self.level)

    def relate_to(self, other: Spread) -> Interval:
        """Return bounds of the ratio to other seconds, by language.

        Those of one model share what the machine did; models that differ may differ by the A/A ratio.
        """
        ratio: float | None = None
        if self is other:
            ratio = 1.0
        elif self.aa_ratio is not None and other.aa_ratio is not None:
            logs = np.log([self.aa_ratio, other.aa_ratio])
            ratio = 1.0 if self.architecture == other.architecture else float(np.exp(np.sqrt((logs**2).mean())))
        return widen(divide(self.seconds, other.seconds), ratio, self.level)

    def relate_languages(self, column: int) -> Interval:
        """Return bounds of the ratio to the seconds in one language."""
        ratios = divide(self.seconds, self.seconds[:, [column]])
        return widen(ratios, None if self.aa_ratio is None else 1.0, self.level)


def draw_spread(prompts: Floats, new: Floats, costing: Costing, weights: Floats, level: float) -> Spread | None:
    """Draw the rounds of a measurement again; None for seconds that come from none.

    prompts, new: tokens read and written, by language.
    weights: of the languages in the value over all, (1, languages).
    level: coverage of the bounds.
    """
    if not isinstance(costing.speed, TimedSpeed):
        return None
    seconds = draw_seconds(prompts, new, costing.speed)
    return Spread(costing.architecture, np.hstack([seconds, mix(seconds, weights)]), costing.speed.aa_ratio, level)


def widen(draws: Floats, ratio: float | None, level: float) -> Interval:
    """Return percentiles of the draws, divided and multiplied by a ratio; NaN if it is unknown."""
    if ratio is None:
        undefined = np.full(draws.shape[1:], np.nan)
        return undefined, undefined
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low / ratio, high * ratio


def join_intervals(values: Floats, texts: Interval, measurement: Interval) -> Interval:
    """Return bounds of ratios for what the texts and the measurement leave open together; NaN where either is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # A ratio outside its own interval is its bound.
        below = [np.log(np.minimum(low / values, 1.0)) for low, _ in (texts, measurement)]
        above = [np.log(np.maximum(high / values, 1.0)) for _, high in (texts, measurement)]
        low, high = values * np.exp(-np.hypot(*below)), values * np.exp(np.hypot(*above))
    return low, high
