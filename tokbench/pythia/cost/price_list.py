"""Prices of models by date, from the data inside the package `genai-prices`. The network is never opened."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tokbench._shared.extras import check_extras
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

CURRENCY = "USD"
"""The currency of all prices in the data."""

_NAME = re.compile(r"(?P<model>[^@]+)(?:@(?P<date>.*))?", re.DOTALL)
_DATE = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])(?:-([0-3][0-9]))?", re.ASCII)


@dataclass(frozen=True)
class ListedPrice:
    """The price of a model on a day or through a month.

    period: as asked for, `2026-11` or `2026-11-28`; None for the price in force.
    since: the day from which the data have this price; None if they give none.
    version: of the package.
    most_tokens: longest prompt that the price is for; None for any.
    """

    provider: str
    model: str
    period: str | None
    since: date | None
    version: str
    per_mtok_in: float
    per_mtok_out: float
    per_mtok_cached: float | None
    most_tokens: int | None

    @property
    def source(self) -> str:
        """Return provider, model, dates and version in a word, as in signatures."""
        since = f"since-{self.since}" if self.since else "undated"
        at = f"@{self.period}" if self.period else ""
        return f"{self.provider}:{self.model}{at}/{since}/genai-prices-{self.version}"


def find_price(name: str, *, today: date | None = None) -> ListedPrice:
    """Return the price that `MODEL`, `MODEL@YYYY-MM` or `MODEL@YYYY-MM-DD` names.

    MODEL may begin with a provider: `azure:gpt-4o`.
    today: which day it is, for a name without a date.

    Raises TokbenchError for an unknown model, a date that the data do not cover, a price that changes within the month
    or with the time of day, and a model that is not paid by the token; MissingExtraError without the package.
    """
    check_extras({"prices": "a price list"})
    import genai_prices

    parts = _NAME.fullmatch(name.strip())
    if parts is None:
        raise TokbenchError(f"--prices is {name[:40]!r}", "use MODEL or MODEL@YYYY-MM, for example: gpt-4o@2026-11")
    provider, model = find_model(parts["model"].strip())
    first, last = read_period(parts["date"], today or datetime.now(UTC).date())
    price, since = find_constant_price(model, first, last)
    tokens_in, most_in = read_amount(price.input_mtok)
    tokens_out, most_out = read_amount(price.output_mtok)
    cached, _ = read_amount(price.cache_read_mtok)
    if tokens_in is None and tokens_out is None:
        raise TokbenchError(f"{provider.id} has no price per token of {model.id}", "give --price-in and --price-out")
    return ListedPrice(
        provider.id,
        model.id,
        parts["date"].strip() if parts["date"] else None,
        since,
        genai_prices.__version__,
        tokens_in or 0.0,
        tokens_out or 0.0,
        cached,
        min((most for most in (most_in, most_out) if most is not None), default=None),
    )


def find_model(name: str) -> tuple[Provider, ModelInfo]:
    """Return a model of the bundled data and its provider."""
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    snapshot = DataSnapshot(providers=providers, from_auto_update=False)
    known = {provider.id for provider in providers}
    before, colon, after = name.partition(":")
    provider = before.lower() if colon and before.lower() in known else None
    try:
        return snapshot.find_provider_model(after if provider else name, None, provider, None)
    except LookupError:
        raise TokbenchError(
            f"the price list has no model {name[:60]!r}",
            "name the provider too, for example azure:gpt-4o, or give --price-in and --price-out",
        ) from None


def read_period(text: str | None, today: date) -> tuple[date, date]:
    """Return the first and last day of a month or day; today without one."""
    if text is None:
        return today, today
    found = _DATE.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        year, month = int(found[1]), int(found[2])
        if found[3] is not None:
            day = date(year, month, int(found[3]))
            return day, day
    except ValueError:
        raise TokbenchError(f"{text[:40]!r} is not a month or day", "use YYYY-MM or YYYY-MM-DD") from None
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def find_constant_price(model: ModelInfo, first: date, last: date) -> tuple[ModelPrice, date | None]:
    """Return the price of a model from the first to the last day, and since when it is in force.

    Raises TokbenchError if it changes in between, or depends on the time of day.
    """
    from genai_prices.types import ModelPrice, StartDateConstraint

    if isinstance(model.prices, ModelPrice):
        return model.prices, None
    steps: list[tuple[date | None, ModelPrice]] = []
    for one in model.prices:
        if one.constraint is None:
            steps.append((None, one.prices))
        elif isinstance(one.constraint, StartDateConstraint):
            steps.append((one.constraint.start_date, one.prices))
        else:
            raise TokbenchError(f"the price of {model.id} depends on the time of day", "use --price-in, --price-out")
    begun = [(since, price) for since, price in steps if since is None or since <= first]
    if not begun:
        earliest = min(since for since, _ in steps if since is not None)
        raise TokbenchError(
            f"the price list knows {model.id} from {earliest} on, not on {first}", "choose a later date"
        )
    changes = [since for since, _ in steps if since is not None and first < since <= last]
    if changes:
        raise TokbenchError(
            f"the price of {model.id} changes on {min(changes)}", f"name a day, for example: {model.id}@{min(changes)}"
        )
    since, price = begun[-1]
    return price, since


def read_amount(price: Any) -> tuple[float | None, int | None]:
    """Return a price, and the prompt up to which it holds if it depends on that; None for what is not there."""
    if price is None or isinstance(price, Decimal):
        return (None if price is None else float(price)), None
    return float(price.base), min((tier.start for tier in price.tiers), default=None)
