"""The table of what-ifs: a model with each tokenizer, and what it costs to serve and to train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tokbench.pythia.cost.whatif import WhatIf
from tokbench.pythia.model.arithmetic import flops_per_token, parameters
from tokbench.pythia.model.memory import weight_bytes
from tokbench.pythia.model.quantization import find_quantization

_USES = tuple(f"{use}{part}" for use in ("serving", "training") for part in ("", "_low", "_high", "_verdict"))
WHAT_IF_SCHEMA = {
    "tokenizer": pl.String(),
    **dict.fromkeys(("vocabulary", "vocab_rows", "parameters", "weight_bytes", "flops_per_token"), pl.Int64()),
    **dict.fromkeys(("break_even_nsl", "nsl"), pl.Float64()),
    **{name: pl.String() if name.endswith("verdict") else pl.Float64() for name in _USES},
}


def tabulate_what_ifs(changes: Mapping[str, WhatIf], relative: pl.DataFrame, quantization: str) -> pl.DataFrame:
    """Tabulate the model with each tokenizer, and what it costs over all languages.

    relative: FLOPs and tokens relative to a baseline, as in `Costs.relative`.

    nsl: tokens of the requests over those with the baseline.
    serving, training: FLOPs over those with the baseline, with intervals and verdicts.
    break_even_nsl: tokens over those of the model's own tokenizer below which scoring takes fewer FLOPs, attention left
        out.
    """
    kind = find_quantization(quantization)
    over_all = {
        (row["tokenizer"], row["use"], row["quantity"]): row
        for row in relative.iter_rows(named=True)  # the last language, or all
    }
    rows: list[dict[str, Any]] = []
    for name, change in changes.items():
        row: dict[str, Any] = {
            "tokenizer": name,
            "vocabulary": change.vocabulary,
            "vocab_rows": change.changed.vocab_rows,
            "parameters": parameters(change.changed),
            "weight_bytes": weight_bytes(change.changed, kind),
            "flops_per_token": flops_per_token(change.changed),
            "break_even_nsl": change.break_even_nsl,
            "nsl": over_all.get((name, "serving", "tokens"), {}).get("relative"),
        }
        for use in ("serving", "training"):
            found = over_all.get((name, use, "flops"), {})
            row[use] = found.get("relative")
            row |= {f"{use}_{bound}": found.get(bound) for bound in ("low", "high", "verdict")}
        rows.append(row)
    if not rows:
        return pl.DataFrame()
    integers = dict.fromkeys(("vocabulary", "vocab_rows", "parameters", "weight_bytes"), pl.Int64)
    bounds = [f"{use}{bound}" for use in ("serving", "training") for bound in ("", "_low", "_high")]
    words = dict.fromkeys(("serving_verdict", "training_verdict"), pl.String)
    floats = dict.fromkeys(("nsl", *bounds), pl.Float64)
    return pl.DataFrame(rows, schema_overrides={**integers, **floats, **words})
