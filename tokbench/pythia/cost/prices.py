"""Prices of tokens and of machine time: given by the user, or by a dated list. None is built in: they change."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError

Floats = npt.NDArray[np.float64]

DAYS_PER_MONTH = 30

_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD "
    "MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB "
    "RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)

CURRENCIES = frozenset(_CODES.split())
"""The codes of ISO 4217 for the currencies in use."""


@dataclass(frozen=True)
class Prices:
    """Prices per million tokens, or of the machine per hour; not both.

    per_mtok_in, per_mtok_out: of tokens read and written; one that is not given is 0.
    per_mtok_cached: of tokens read from the provider's cache.
    cached_share: share of the tokens read that are billed as cached, in every request alike: from 0 to 1.
    per_hour: of the machine, for the seconds that the model takes.
    currency: a code of ISO 4217, which is only shown: nothing is converted. None if it does not matter.
    requests_per_day: for the money per month, of 30 days.
    most_tokens: longest prompt that the prices are for; None for any.
    source: the list that they are from, with its date; None for prices that the user gives.

    >>> Prices(per_mtok_in=3, per_mtok_out=15).price_tokens(np.array([1000.0]), np.array([200.0])).tolist()
    [0.006]
    """

    per_mtok_in: float | None = None
    per_mtok_out: float | None = None
    per_mtok_cached: float | None = None
    cached_share: float | None = None
    per_hour: float | None = None
    currency: str | None = None
    requests_per_day: int | None = None
    most_tokens: int | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        words = ("currency", "source")
        numbers = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in words}
        for name, value in numbers.items():
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise TokbenchError(f"{name} is {value}", "use a number of at least 0")
        if self.per_hour is not None and (self.per_token or self.per_mtok_cached is not None):
            raise TokbenchError("there is both a price per hour and one per million tokens", "give one of them")
        if self.cached_share is not None and self.cached_share > 1:
            raise TokbenchError(f"cached_share is {self.cached_share}", "use a share from 0 to 1")
        if (self.cached_share is None) != (self.per_mtok_cached is None):
            raise TokbenchError(
                "a price of cached tokens and their share go together",
                "give both --price-cached and --cached-share",
            )
        if self.cached_share and self.per_mtok_in is None:
            raise TokbenchError("the tokens read that are not cached have no price", "give --price-in")
        if self.requests_per_day is not None and not self.given:
            raise TokbenchError("money per month needs a price", "give --price-in and --price-out")
        if self.currency is not None and not self.given:
            raise TokbenchError("a currency is that of a price, and there is none", "leave it out, or give a price")
        if self.currency is not None and self.currency not in CURRENCIES:
            raise TokbenchError(
                f"{self.currency[:20]!r} is not a currency", "use a code of ISO 4217, such as USD, EUR or CNY"
            )

    @property
    def per_token(self) -> bool:
        """Return whether tokens have a price."""
        return self.per_mtok_in is not None or self.per_mtok_out is not None

    @property
    def undated(self) -> bool:
        """Return whether the list that the prices are from does not say since when they are in force."""
        return self.source is not None and "/undated/" in self.source

    @property
    def given(self) -> bool:
        """Return whether there is any price."""
        return self.per_token or self.per_hour is not None

    def price_tokens(self, tokens: Floats, new_tokens: Floats) -> Floats:
        """Return the money of requests that read and write so many tokens."""
        share = self.cached_share or 0.0
        read = (self.per_mtok_in or 0.0) * (1 - share) + (self.per_mtok_cached or 0.0) * share
        return (tokens * read + new_tokens * (self.per_mtok_out or 0.0)) / 1e6

    def sign(self) -> str | None:
        """Return the prices for a signature, None without any."""
        if not self.given:
            return None
        parts = {
            "in": self.per_mtok_in,
            "out": self.per_mtok_out,
            "cached": self.per_mtok_cached,
            "share": self.cached_share or None,
            "hour": self.per_hour,
        }
        written = [f"{name}{value:.12g}" for name, value in parts.items() if value is not None]
        return "/".join([*written, *(word for word in (self.currency, self.source) if word)])
