"""Read costs that were saved as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import msgspec
import polars as pl

from tokbench.pythia.cost.costs import Costs
from tokbench.pythia.cost.prices import Prices
from tokbench.pythia.cost.request import Request
from tokbench.pythia.cost.tabulation import COST_SCHEMA, RELATIVE_SCHEMA
from tokbench.pythia.cost.whatif_table import WHAT_IF_SCHEMA


class SavedCosts(msgspec.Struct):
    """The fields of `Costs.to_document`."""

    signature: str
    model: str | None
    own_tokenizer: str | None
    baseline: str
    backend: str
    quantization: str
    request: dict[str, Any]
    shares: dict[str, float]
    prices: Prices
    reference: str | None
    notes: dict[str, str]
    costs: list[dict[str, str | float | None]]
    relative: list[dict[str, str | float | None]]
    what_if: list[dict[str, str | float | None]]
    level: float = 0.95
    losses: dict[str, dict[str, int]] = {}


def read_costs(document: Mapping[str, Any]) -> Costs:
    """Return costs from their JSON form; ValueError with the first fault if it is not one."""
    saved = msgspec.convert(document, SavedCosts)
    chars = msgspec.convert(saved.request.get("chars"), dict[str, float])
    asked = {field.name: saved.request.get(field.name) for field in fields(Request)}
    return Costs(
        frame=read_frame(saved.costs, COST_SCHEMA),
        relative=read_frame(saved.relative, RELATIVE_SCHEMA),
        what_if=read_frame(saved.what_if, WHAT_IF_SCHEMA),
        model=saved.model,
        own_tokenizer=saved.own_tokenizer,
        baseline=saved.baseline,
        backend=saved.backend,
        quantization=saved.quantization,
        request=msgspec.convert(asked, Request),
        chars=chars,
        shares=saved.shares,
        prices=saved.prices,
        reference=saved.reference,
        signature=saved.signature,
        notes=saved.notes,
        level=saved.level,
        losses=saved.losses,
    )


def read_frame(rows: list[dict[str, str | float | None]], schema: Mapping[str, Any]) -> pl.DataFrame:
    """Return rows as a frame of a schema; ValueError for values of other types or missing columns."""
    if rows and set(rows[0]) != set(schema):
        raise ValueError(f"not the columns {', '.join(schema)}")
    try:
        return pl.DataFrame(rows, schema=dict(schema))
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise ValueError(str(error).partition("\n")[0]) from error
