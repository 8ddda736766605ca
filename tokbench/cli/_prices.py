"""Prices on the command line: given one by one, or by a dated list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.cost import Prices


def read_prices(listed: str | None, per_mtok: float | None, prices: dict[str, Any], currency: str | None) -> Prices:
    """Return the prices that the options give; TokbenchError for options that exclude each other.

    listed: `MODEL[@DATE]` of the price list.
    """
    from tokbench.pythia.cost import Prices

    if per_mtok is not None:
        if prices["per_mtok_in"] is not None or prices["per_mtok_out"] is not None:
            raise TokbenchError(
                "--price-per-mtok is the price of tokens read and written",
                "leave it out, or the others",
            )
        prices = {**prices, "per_mtok_in": per_mtok, "per_mtok_out": per_mtok}
    if listed is not None:
        return read_listed_prices(listed, prices, currency)
    return Prices(**prices, currency=currency.strip().upper() if currency is not None else None)


def read_listed_prices(listed: str, prices: dict[str, Any], currency: str | None) -> Prices:
    """Return the prices of a model in the price list."""
    from tokbench.pythia.cost import Prices
    from tokbench.pythia.cost.price_list import CURRENCY, find_price

    free = {name: prices[name] for name in ("cached_share", "requests_per_day")}
    if currency is not None or any(value is not None for name, value in prices.items() if name not in free):
        raise TokbenchError("--prices gives all prices, in USD", "leave out the other prices and --currency")
    found = find_price(listed)
    if prices["cached_share"] is not None and found.per_mtok_cached is None:
        raise TokbenchError(f"{found.source} has no price of cached tokens", "leave out --cached-share")
    return Prices(
        **free,
        per_mtok_in=found.per_mtok_in,
        per_mtok_out=found.per_mtok_out,
        per_mtok_cached=None if prices["cached_share"] is None else found.per_mtok_cached,
        currency=CURRENCY,
        most_tokens=found.most_tokens,
        source=found.source,
    )
