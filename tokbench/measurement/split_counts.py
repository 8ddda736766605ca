"""What the tokens of a batch split, as columns of the frame `counts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import CROSSING, OVER_WORDS, PARTIAL, EncodedBatch
from tokbench.measurement._columns import make_null
from tokbench.measurement.boundaries import count_boundaries
from tokbench.measurement.round_trip import Decoded
from tokbench.measurement.token_ends import TokenEnds
from tokbench.measurement.words import LanguageTexts


def count_kind(batch: EncodedBatch, kinds: npt.NDArray[np.uint8], kind: int) -> npt.NDArray[np.int64]:
    """Count per text the tokens of one kind.

    kinds: `TokenTable.kinds` of each token.
    """
    return batch.sum_by_text((kinds & kind).astype(np.bool_))


def count_split(
    batch: EncodedBatch,
    texts: LanguageTexts,
    kinds: npt.NDArray[np.uint8],
    ends: TokenEnds,
    columns: Sequence[str],
) -> dict[str, npt.NDArray[np.int64] | None]:
    """Count per text what tokens split: these columns, None if nothing is known of any text.

    kinds: `TokenTable.kinds` of each token.
    """
    found: dict[str, npt.NDArray[np.int64] | None] = {
        "judged_segments": np.ones(len(batch), np.int64),
        "judged_tokens": batch.counts,
        "tokens_crossing": count_kind(batch, kinds, CROSSING),
    }
    over = (kinds & OVER_WORDS) > 0
    # A part of a character may be a part of white space: then only the positions tell.
    if texts.words is not None and texts.segmenter == "whitespace" and not (kinds[over] & PARTIAL).any():
        found["tokens_over_words"] = batch.sum_by_text(over)
    found = count_boundaries(texts.boundaries, ends, [name for name in columns if name not in found]) | found
    return {name: found[name] for name in columns}


def frame_split(counts: Mapping[str, npt.NDArray[np.int64] | None], decoded: Decoded) -> dict[str, pl.Series]:
    """Return counts of `count_split` as stored: null for texts that their ids do not spell, in few bytes."""
    unknown = np.flatnonzero(~decoded.exact)
    series: dict[str, pl.Series] = {}
    for name, values in counts.items():
        if values is None:
            series[name] = make_null(len(decoded.exact), pl.UInt8())
            continue
        most = int(values.max(initial=0))
        kind = next(kind for kind in (np.uint8, np.uint16, np.uint32, np.int64) if most <= np.iinfo(kind).max)
        found = pl.Series(name, values.astype(kind))
        series[name] = found.scatter(unknown, None) if len(unknown) else found
    return series
